"""From events to rows: pure but for the orders that rest, which later events refer to by number."""

from net8.events import Event, Logged

from net8_indexer.rows import oracles, tokens, trading
from net8_indexer.rows.batch import Batch, Moment, Resting
from net8_indexer.rows.trading import TERMS_COLUMNS
from net8_indexer.schema import at_of

__all__ = ["KINDS", "TERMS_COLUMNS", "Batch", "Resting", "add"]

_HANDLERS = trading.HANDLERS | tokens.HANDLERS | oracles.HANDLERS
KINDS = tuple(_HANDLERS)  # kinds of events that have tables


def add(batch: Batch, logged: Logged[Event], time: int) -> None:
    """Take in one event of a block of unix time `time`; kinds that have no table pass by."""
    handler = _HANDLERS.get(type(logged.event))
    if handler is not None:
        handler(
            batch, logged.event, Moment(at_of(logged.block, logged.index), time, bytes.fromhex(logged.transaction[2:]))
        )
