"""The ledger on PostgreSQL: how its database is reached, its tables, and what is done otherwise
than on SQLite. What both have in common stands one level higher."""
