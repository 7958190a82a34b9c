"""The fixed Postgres tables and the Alembic revisions that make them.

`tables.py` says what the tables are; `versions/` how a database gets there, one module per revision; a test
keeps both equal. When and under which lock they run is decided in storage/schema.py.
"""
