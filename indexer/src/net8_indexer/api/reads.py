"""What the routes share: the connection of one question, and pages."""

from collections.abc import Iterator

from fastapi import Request
from sqlalchemy import Connection

from net8_indexer.database import reading

__all__ = ["connection"]


def connection(request: Request) -> Iterator[Connection]:
    """One view of the database for one question."""
    with reading(request.app.state.engine) as opened:
        yield opened
