"""Frames from a meter that talks all by itself, over a serial device or a TCP connection."""

import asyncio
import contextlib
import re

from pydantic import Field, model_validator

from net8_oracle.gateway.state import SourceFault, SourceSettings

__all__ = ["Stream", "StreamOptions"]


class StreamOptions(SourceSettings):
    """Where the meter's bytes come from: `device`, or `host` and `port`."""

    device: str | None = None  # such as /dev/ttyUSB0
    host: str | None = None  # of a serial-to-network adapter that hands on raw bytes
    port: int = Field(default=2_001, ge=1, le=65_535)
    timeout_ms: int = Field(default=15_000, ge=100, le=60_000)  # for a whole frame

    @model_validator(mode="after")
    def _one_way(self) -> "StreamOptions":
        if (self.device is None) == (self.host is None):
            raise ValueError("give either device, for a serial cable, or host and port, for an adapter on the network")
        return self


class Stream:
    """Takes one fresh frame each time it is asked; between two readings the port is closed."""

    def __init__(
        self, options: StreamOptions, baudrate: int, parity: str, frame: re.Pattern[bytes], largest: int
    ) -> None:
        """`frame` matches a whole frame; no more than twice `largest` bytes are kept while looking for one."""
        self._options = options
        self._baudrate = baudrate
        self._parity = parity
        self._frame = frame
        self._largest = largest
        self._writer: asyncio.StreamWriter | None = None

    @property
    def name(self) -> str:
        """Where the bytes come from, for messages."""
        options = self._options
        return options.device if options.device is not None else f"{options.host}:{options.port}"

    async def _open(self) -> asyncio.StreamReader:
        if self._options.device is None:
            reader, self._writer = await asyncio.open_connection(self._options.host, self._options.port)
            return reader
        import serialx  # the small board with a network adapter does not pay for it

        reader, self._writer = await serialx.open_serial_connection(
            url=self._options.device,
            baudrate=self._baudrate,
            parity=serialx.Parity.EVEN if self._parity == "even" else serialx.Parity.NONE,
            byte_size=7 if self._parity == "even" else 8,
        )
        return reader

    async def next_frame(self) -> bytes:
        """The next whole frame from now on.

        Raises:
            SourceFault: none came in time, or the port could not be opened.
        """
        try:
            async with asyncio.timeout(self._options.timeout_ms / 1000):
                reader, buffer = await self._open(), b""
                while True:
                    chunk = await reader.read(4096)
                    if not chunk:
                        raise SourceFault(f"{self.name} closed the connection; let this gateway alone use it")
                    buffer = (buffer + chunk)[-2 * self._largest :]
                    found = self._frame.search(buffer)
                    if found is not None:
                        return found[0]
        except TimeoutError:
            raise SourceFault(
                f"{self.name} sent no whole frame in {self._options.timeout_ms} ms; check cable, baud rate and parity"
            ) from None
        except OSError as fault:
            raise SourceFault(f"{self.name} cannot be opened ({fault}); check cable, address and rights") from None
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the port."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
