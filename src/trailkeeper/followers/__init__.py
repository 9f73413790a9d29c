"""Followers: durable cursors over the ledger with work to do, and the one runner for all of them.

A follower follows the activities or the finished jobs. What it does with them is its own; here is
only how it keeps its place. Nothing is queued for each of them and nothing is dropped: a broken
follower stands still, and the others go on.
"""
