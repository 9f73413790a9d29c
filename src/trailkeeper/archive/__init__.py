"""Archives: closed days as Parquet files in a folder or an object store, and searching them.

A follower writes each day once and for good; what is searched are the files, by DuckDB. How they
look is a format of its own, `docs/reference/archive-format.md`: whoever reads Parquet reads them.
"""
