"""The truth, in PostgreSQL: tables, statements, migrations. Functions take `db` and never commit; the edge does."""
