"""Postgres and object stores: the embedded server, tables, objects. What the data mean is decided in the layers above."""
