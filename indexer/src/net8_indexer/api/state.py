"""The route of a market's state: one long answer for programs that go on from it by the chain's events."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from net8.state import State, to_json

from net8_indexer.api.reads import Db
from net8_indexer.queries import state

__all__ = ["PATH", "PER_MINUTE", "router"]

PATH = "/api/state"
PER_MINUTE = 12  # questions of one client: it begins once, and again when the chain was reorganised
router = APIRouter(tags=["state"])

_Since = Annotated[
    int,
    Query(ge=0, le=2**40, description=f"unix seconds, the beginning of an hour; at most {state.MOST_DAYS} days ago"),
]


@router.get("/state", response_model=State)
def read_state(db: Db, since: _Since) -> Response:
    """What a market is made of at the last block taken in, and what happened since a moment; 12 times a minute."""
    found = state.state(db, since)
    if found is None:
        raise HTTPException(404, "no block is taken in yet; /api/health says how far the indexer is")
    return Response(to_json(found), media_type="application/json")
