"""What the routes share: the connection of one question, and the bounds of its parameters."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from net8.signing import SignatureRefused, checksum_address
from pydantic import AfterValidator
from sqlalchemy import Connection

from net8_indexer.database import reading
from net8_indexer.queries.paging import MOST_ROWS

__all__ = [
    "Account",
    "AccountFilter",
    "AccountPath",
    "Cursor",
    "Db",
    "FirstSlot",
    "FirstSlotFilter",
    "LastSlot",
    "LastSlotFilter",
    "Limit",
    "Number",
    "SiteFilter",
    "SitePath",
    "SlotFilter",
    "Time",
    "ZoneFilter",
    "ZonePath",
]

_ZONES, _SITES, _SLOTS, _TIMES = 2**32 - 1, 2**48 - 1, 2**32 - 1, 2**40


def connection(request: Request) -> Iterator[Connection]:
    """One view of the database for one question."""
    with reading(request.app.state.engine) as opened:
        yield opened


def _address(text: str) -> str:
    try:
        return checksum_address(text)
    except SignatureRefused as fault:
        raise ValueError(str(fault)) from None


Db = Annotated[Connection, Depends(connection)]
Account = Annotated[str, AfterValidator(_address)]
AccountPath = Annotated[Account, Path(description="an address")]
AccountFilter = Annotated[Account | None, Query(description="an address")]
ZonePath = Annotated[int, Path(ge=1, le=_ZONES)]
ZoneFilter = Annotated[int | None, Query(ge=1, le=_ZONES)]
SitePath = Annotated[int, Path(ge=1, le=_SITES, description="zone times 65,536 plus the site's number in it")]
SiteFilter = Annotated[int | None, Query(ge=1, le=_SITES)]
SlotFilter = Annotated[int | None, Query(ge=0, le=_SLOTS, description="unix time // 900")]
_OfRange = Query(ge=0, le=_SLOTS, description="unix time // 900; the range holds it")
FirstSlot = Annotated[int, _OfRange]
LastSlot = Annotated[int, _OfRange]
FirstSlotFilter = Annotated[int | None, _OfRange]
LastSlotFilter = Annotated[int | None, _OfRange]
Time = Annotated[int, Query(ge=0, le=_TIMES, description="unix seconds")]
Number = Annotated[int, Path(ge=1, le=_SITES)]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Cursor = Annotated[str | None, Query(max_length=60, description="`next` of the page before")]
