"""Exports of the audit log into files: what they hold, how they are written, and who made which.

How the log is read for them is ledger/dump.py's business; copies of a whole installation are
backups (see backup/).
"""
