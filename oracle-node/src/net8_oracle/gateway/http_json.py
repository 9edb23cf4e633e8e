"""A meter's answer to one HTTP GET."""

import aiohttp
from pydantic import Field

from net8_oracle.gateway.state import SourceFault, SourceSettings, in_short

__all__ = ["HttpOptions", "fetch"]


class HttpOptions(SourceSettings):
    """How long to wait for a meter that speaks HTTP."""

    timeout_ms: int = Field(default=5_000, ge=100, le=60_000)


async def fetch(url: str, options: HttpOptions, largest: int) -> bytes:
    """The body found at `url`, at most one byte more than `largest`.

    Raises:
        SourceFault: there was no answer in time, or another status than 200.
    """
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=options.timeout_ms / 1000),
                headers={"Accept-Encoding": "identity"},
                auto_decompress=False,  # a small answer must not swell to what the board cannot hold
            ) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise SourceFault(f"{url} answered with status {response.status}; check address, path and access")
            body = b""
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > largest:
                    break
            return body[: largest + 1]
    except TimeoutError:
        raise SourceFault(f"{url} did not answer in {options.timeout_ms} ms; check address and network") from None
    except (aiohttp.ClientError, OSError, ValueError) as fault:
        raise SourceFault(f"{url} does not answer ({in_short(fault)}); check address and network") from None
