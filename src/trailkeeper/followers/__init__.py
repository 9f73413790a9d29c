"""Followers: durable cursors over the ledger with work to do, and the one runner for all of them.

What a follower does with activities is its own; here is only how it keeps its place. Nothing is
queued per activity and nothing is dropped: a broken follower stands still, and the others go on.
"""
