"""Databases beside a server's own."""

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL


def create_database(beside: URL, name: str, template: str | None = None) -> URL:
    with psycopg.connect(conninfo(beside.set(database="postgres")), autocommit=True) as db:
        create = sql.SQL("create database {} template {}")
        db.execute(create.format(sql.Identifier(name), sql.Identifier(template or "template0")))
    return beside.set(database=name)


def conninfo(url: URL) -> str:
    return f"host={url.query['host']} port={url.query['port']} user={url.username} dbname={url.database}"
