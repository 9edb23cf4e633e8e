"""The application: limits, errors in one sentence, health, and the routes of every subject.

Everything is read-only and public: it is what the chain says to everybody.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException

from net8_indexer import __version__
from net8_indexer.api import certificates, community, health, market, oracles, sites, state
from net8_indexer.api.limiter import Limiter
from net8_indexer.database import SOCKET_FAULTS
from net8_indexer.follower import Follower
from net8_indexer.queries.paging import QueryRefused

__all__ = ["make_app"]

log = logging.getLogger(__name__)

_ABOUT = """What the NET8 contracts logged.

Energy is in Wh, money in grains (10^-7 NET8), prices in grains per Wh, times are unix seconds, a slot is time // 900,
an hour time // 3600; sums in wei or in the euro's units are strings. Lists come in pages: ask again with `cursor` = the
page's `next` until it is null."""


def make_app(engine: Engine, follower: Follower | None, per_minute: int) -> FastAPI:
    """The API over one database.

    Args:
        engine: where to read.
        follower: that fills the database in this process, if one does.
        per_minute: questions that one client may ask.
    """
    app = FastAPI(
        title="NET8 indexer", version=__version__, description=_ABOUT, openapi_url="/api/openapi.json",
        docs_url=None, redoc_url=None,
    )  # fmt: skip
    app.state.engine, app.state.follower = engine, follower
    for subject in (health, state, market, sites, certificates, community, oracles):
        app.include_router(subject.router, prefix="/api")
    _limit(app, Limiter(per_minute), Limiter(min(state.PER_MINUTE, per_minute)))
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"], expose_headers=["Retry-After"])
    app.add_exception_handler(RequestValidationError, _bad_input)
    app.add_exception_handler(QueryRefused, _query_refused)
    app.add_exception_handler(HTTPException, _refused)
    for away in (OperationalError, InterfaceError, NoConnection, *SOCKET_FAULTS):
        app.add_exception_handler(away, _database_away)
    app.add_exception_handler(Exception, _own_fault)
    return app


def _limit(app: FastAPI, usual: Limiter, of_states: Limiter) -> None:
    @app.middleware("http")
    async def limited(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.url.path == health.PATH:
            return await go_on(request)  # whoever watches it must not lose sight of it
        limiter = of_states if request.url.path == state.PATH else usual
        again_at = limiter.wait(request.client.host if request.client else "")
        if again_at is None:
            return await go_on(request)
        seconds = max(1, round(again_at - time.time()))
        message = f"too many questions from your address; ask again in {seconds} s"
        return _error(HTTPStatus.TOO_MANY_REQUESTS, message, {"Retry-After": str(seconds)})


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": message}, status, headers)


async def _bad_input(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError), "registered for it"
    first = fault.errors()[0]
    name = first["loc"][-1]
    if first["type"] == "missing":
        return _error(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name} is missing; add it")
    if first["type"] == "value_error":
        return _error(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name}: {first['ctx']['error']}")
    what = first["msg"][0].lower() + first["msg"][1:]
    given = str(first["input"])[:80]
    return _error(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name} is '{given}'; {what.replace('input should', 'it should')}")


async def _query_refused(_: Request, fault: Exception) -> Response:
    return _error(HTTPStatus.UNPROCESSABLE_ENTITY, str(fault))


async def _refused(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException), "registered for it"
    message = fault.detail
    if message == HTTPStatus.NOT_FOUND.phrase:
        message = "there is nothing at this address; /api/openapi.json lists what there is"
    if message == HTTPStatus.METHOD_NOT_ALLOWED.phrase:
        message = "this can only be read; ask with GET"
    return _error(fault.status_code, message, dict(fault.headers or {}))


async def _database_away(_: Request, fault: Exception) -> Response:
    log.warning("the database did not answer: %s", getattr(fault, "orig", fault))
    return _error(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer; try again in a while")


async def _own_fault(_: Request, fault: Exception) -> Response:
    log.error("a question could not be answered", exc_info=fault)
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "this could not be answered by a fault of the indexer's own")
