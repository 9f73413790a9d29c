"""The ledger: the one write path, the tables, and the reading of activities.

Whatever must be recorded goes through `writer`; whatever is read of the log comes from `reader`.
Who may do either is decided elsewhere.
"""
