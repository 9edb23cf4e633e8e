"""Versions of the tables, applied in order by `net8_indexer.database.upgrade`."""
