"""Postgres and object stores: embedded server, tables, objects. What the data mean, layers above know."""
