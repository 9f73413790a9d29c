"""Backups of a whole installation into one file, their verification, and how one is restored.

What is different from database to database has a module of its own (sqlite.py); the archive, the
manifest and the commands are the same for all.
"""
