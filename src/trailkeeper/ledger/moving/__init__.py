"""Moving an installation from SQLite to PostgreSQL: resumable, and verified before it is used.

All tables are copied as they are; activities get their place in the index of the new database anew
from their canonical bytes, which stay the same.
"""
