"""Whether the indexer is up, and how far behind the chain."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import select

from net8_indexer.api.reads import Db
from net8_indexer.follower import Follower
from net8_indexer.schema import Block, Origin

__all__ = ["PATH", "router"]

PATH = "/api/health"
router = APIRouter(tags=["health"])


class Health(BaseModel):
    """How far the history is."""

    block: int | None  # the last one taken in
    time: int | None  # of the latest block taken in that is known by its time
    head: int | None  # the chain's; null when no follower runs here or no chain node has answered yet
    behind: int | None  # blocks
    problem: str | None  # why the chain is not followed, while it is not


@router.get("/health", responses={503: {"model": Health}})
def read_health(request: Request, response: Response, db: Db) -> Health:
    """200 while the chain is followed, 503 with the same content while it is not."""
    follower: Follower | None = request.app.state.follower
    block = db.execute(select(Origin.block)).scalar_one_or_none()
    latest = db.execute(select(Block.time).order_by(Block.number.desc()).limit(1)).scalar_one_or_none()
    if follower is None:
        return Health(block=block, time=latest, head=None, behind=None, problem=None)
    if follower.problem is not None:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    head = follower.head
    behind = None if head is None or block is None else max(head - block, 0)
    return Health(block=block, time=latest, head=head, behind=behind, problem=follower.problem)
