"""The ledger on SQLite: one file in the data folder, with an inverted index in FTS5.

What is the same on every database stays in the rooms above; here is what differs.
"""

from trailkeeper.ledger.sqlite.engine import DATABASE_FILE, reader_engine, writer_engine

__all__ = ["DATABASE_FILE", "reader_engine", "writer_engine"]
