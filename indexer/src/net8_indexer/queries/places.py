"""Times as places in the chain: rows lie by place, and a range of places is read without looking at the others."""

from sqlalchemy import Connection, select

from net8_indexer.schema import Block, at_of

__all__ = ["place_of"]

_BEYOND = 2**62  # after all there is


def place_of(db: Connection, time: int) -> int:
    """Where everything begins that happened at `time` (unix seconds) or later."""
    first = select(Block.number).where(Block.time >= time).order_by(Block.time, Block.number).limit(1)
    number = db.execute(first).scalar_one_or_none()
    return _BEYOND if number is None else at_of(number, 0)
