"""Whether a declared query only reads; nothing of the query enters a message."""

from __future__ import annotations

DIALECTS = {"postgresql": "postgres", "mssql": "tsql", "mariadb": "mysql"}  # SQLAlchemy's word → sqlglot's


def check_query(table: str, query: str, backend: str) -> None:
    """Refuse whatever is not one SELECT.

    Raises:
        ValueError: what it is instead; `table` names it, the query itself is not told.
    """
    import sqlglot
    from sqlglot import exp

    try:
        statements = [one for one in sqlglot.parse(query, dialect=DIALECTS.get(backend, backend)) if one]
    except (sqlglot.errors.SqlglotError, ValueError):
        raise ValueError(f"the query of {table} is not understood as SQL of {backend}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ValueError(f"the query of {table} must be a single SELECT")
    writing = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into, exp.Lock, exp.DDL, exp.Command)
    if any(not isinstance(node, exp.Query) for node in statements[0].find_all(*writing)):
        raise ValueError(
            f"the query of {table} must only read: no INSERT, UPDATE, DELETE, INTO or FOR UPDATE in it"
        )
