"""Lists in pages, newest first, and the bounds of what may be asked at once."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, PlainSerializer
from sqlalchemy import BigInteger, ColumnElement, Connection, Row, Select, bindparam, tuple_
from sqlalchemy.orm import InstrumentedAttribute

__all__ = ["MOST_DAYS", "MOST_ROWS", "AnyRow", "AnySelect", "Page", "QueryRefused", "WeiText", "page", "slot_range"]

T = TypeVar("T")
AnySelect = Select[*tuple[Any, ...]]
AnyRow = Row[*tuple[Any, ...]]

MOST_ROWS = 500  # of one page
MOST_DAYS = 31  # of one range
_SLOTS_PER_DAY = 96

WeiText = Annotated[int, PlainSerializer(str, return_type=str, when_used="json")]


class QueryRefused(ValueError):
    """A question that is not answered. The message says what is wrong and what to do."""


class Page(BaseModel, Generic[T]):
    """Part of a list."""

    items: list[T]
    next: str | None  # the `cursor` of the page after this one; null at the end


def slot_range(first: int, last: int, days: int = MOST_DAYS) -> range:
    """The slots from `first` to `last`, both included.

    Raises:
        QueryRefused: there are none, or more than in `days` days.
    """
    if last < first:
        raise QueryRefused(f"last_slot {last} is before first_slot {first}; exchange them")
    if last - first >= days * _SLOTS_PER_DAY:
        most = days * _SLOTS_PER_DAY
        raise QueryRefused(f"slots {first} to {last} are more than {most} ({days} days); ask for fewer at once")
    return range(first, last + 1)


def page(
    db: Connection,
    statement: AnySelect,
    keys: Sequence[InstrumentedAttribute[int]],
    cursor: str | None,
    limit: int,
    make: Callable[[AnyRow], T],
) -> Page[T]:
    """One page of a list, in descending order of `keys`.

    Args:
        statement: what to list; its first columns are the keys.
        keys: whole numbers that together are never the same twice.
        cursor: `next` of the page before; None for the first.
        limit: most rows of the page.
        make: an item from a row.

    Raises:
        QueryRefused: the limit is out of bounds, or the cursor is none.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise QueryRefused(f"limit is {limit}; it must be from 1 to {MOST_ROWS}")
    if cursor is not None:
        statement = statement.where(tuple_(*keys) < _values(cursor, len(keys)))
    rows = db.execute(statement.order_by(*(key.desc() for key in keys)).limit(limit + 1)).all()
    following = None
    if len(rows) > limit:
        following = ".".join(str(value) for value in rows[limit - 1][: len(keys)])
    return Page(items=[make(row) for row in rows[:limit]], next=following)


def _values(cursor: str, count: int) -> ColumnElement[Any]:
    parts = cursor.split(".")
    if len(parts) != count or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise QueryRefused(f"cursor is '{cursor[:80]}'; give the `next` of the page before, or none for the first")
    return tuple_(*(bindparam(None, int(part), BigInteger) for part in parts))
