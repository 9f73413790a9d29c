"""Who is there: users, their passwords and sessions, and API tokens.

What somebody may do is decided in `team`.
"""
