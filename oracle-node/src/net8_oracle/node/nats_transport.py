"""Envelopes through a NATS server with JetStream: operators put theirs into a stream of the zone, and read the others'.

subject   net8.<chain>.<zone>.<signer of who speaks>, and a header Net8-To where it is for one peer alone
stream    net8-<chain>-<zone>, bounded in age and size; an envelope that is sent again is dropped by its hash
consumer  <our signer>-<peer's signer>, one for each peer: who floods its own subject holds up nobody else's

The server is trusted with nothing. It can delay and drop, as any network can; what it invents is no operator's.
"""

import asyncio
import logging
import math
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from net8.logs import fields
from net8.signing import keccak256
from pydantic import ValidationError

from net8_oracle import crypto
from net8_oracle.node.envelopes import ENVELOPE, Message, signatures_in
from net8_oracle.node.limits import Limits
from net8_oracle.node.metrics import Metrics
from net8_oracle.node.peer_settings import NatsSettings

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

__all__ = ["LARGEST_ENVELOPE", "NatsTransport", "NatsUnreachable", "ServerStanding", "look"]

log = logging.getLogger(__name__)

LARGEST_ENVELOPE = 4 * 2**20  # bytes: readings of a part with everything that 256 meters signed by themselves
_ENVELOPES_OF_ONE = 16_384  # that the stream keeps of one operator; its own oldest are dropped first
_SAME_WITHIN = 120.0  # seconds in which an envelope that is sent again is dropped
_LONGEST_QUEUE = 1024  # envelopes that wait for the server; the oldest are dropped first, rounds repeat what matters
_AT_ONCE = 64  # envelopes of a peer that are here and not yet read
_READ_WITHIN = 120.0  # seconds in which they must be, or the server sends them again
_HEARTBEAT = 10.0  # seconds between two signs of life of a consumer
_ANSWER_WITHIN = 5.0  # seconds
_LEFT_WITHIN = 1.0  # seconds
_LOOKED_EVERY = 0.1  # seconds, whether the connection is still there
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds before the server is tried again
_TOLD_EVERY = 60.0  # seconds between two lines in the log about one peer's subject
_TO = "Net8-To"
_ID = "Nats-Msg-Id"


class NatsUnreachable(RuntimeError):
    """The server does not answer, or does not do what we need. The message says why and what to check."""


@dataclass(frozen=True, slots=True)
class _Unsent:
    zone: int
    to: str  # a signer, or nothing for everybody
    content: bytes

    @property
    def headers(self) -> dict[str, str]:
        to = {_TO: self.to} if self.to else {}
        return {_ID: keccak256(self.to.encode() + self.content).hex(), **to}


@dataclass(slots=True)
class _Peer:
    """What `/status` tells of a peer."""

    url: str
    reachable: bool = False
    told: float = -math.inf  # when the log last spoke of its subject


def _stream(chain_id: int, zone: int) -> str:
    return f"net8-{chain_id}-{zone}"


def _subject(chain_id: int, zone: int, signer: str) -> str:
    return f"net8.{chain_id}.{zone}.{signer}"


@asynccontextmanager
async def _connected(settings: NatsSettings, tls: ssl.SSLContext | None) -> AsyncIterator["Client"]:
    """A client that is connected, until it is closed. `tls` serves one connection at a time.

    Raises:
        NatsUnreachable: nobody answers, or we are not let in; also when the connection is lost in between.
    """
    from nats.aio.client import Client  # those who do not use it do not pay for it
    from nats.errors import Error, SecureConnWantedError
    from nats.js.errors import ServiceUnavailableError

    reasons: deque[str] = deque(maxlen=1)  # the latest
    secured = _handshakes(tls)

    async def note(fault: Exception) -> None:
        reasons.append(_words(fault))
        if "permissions violation" in reasons[-1].lower():
            log.error("NATS server forbids what the node needs", extra=fields(reason=reasons[-1]))

    def unless_in_the_clear(value: str) -> str:
        """The library goes on without TLS where the server, or somebody on the way, does not ask for it."""
        if not secured.is_set():
            raise SecureConnWantedError
        return value

    where, client = ", ".join(settings.url), Client()
    name, password = settings.username, settings.password() if settings.username is not None else None
    try:
        await client.connect(
            list(settings.url),
            name="net8-oracle",
            error_cb=note,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=int(_ANSWER_WITHIN),
            ping_interval=10,
            tls=tls,
            user=partial(unless_in_the_clear, name) if name is not None else None,
            password=partial(unless_in_the_clear, password) if password is not None else None,
        )
        unless_in_the_clear("")
    except (Error, OSError, TimeoutError, ValueError) as fault:
        reason = reasons[-1] if reasons else _words(fault)
        await _leave(client)
        raise NatsUnreachable(f"NATS server {where}: {reason}; check address, certificates and password") from None
    try:
        yield client
    except ServiceUnavailableError:
        raise NatsUnreachable(f"NATS server {where}: it has no JetStream; let its operator switch it on") from None
    except (Error, OSError, TimeoutError, LookupError, TypeError, ValueError) as fault:  # it may answer anything
        reason = reasons[-1] if reasons else _words(fault)
        raise NatsUnreachable(f"NATS server {where}: {reason}; look at its log and at what it lets us do") from None
    finally:
        await _leave(client)


async def _leave(client: "Client") -> None:
    """Close the connection, also to a server that does not answer to that."""
    try:
        async with asyncio.timeout(_LEFT_WITHIN):
            await client.close()
    except TimeoutError:
        log.info("NATS server does not answer to our leaving, so the connection is dropped")


def _handshakes(tls: ssl.SSLContext | None) -> asyncio.Event:
    """Set once a TLS handshake is done with this context; at once without TLS."""
    done = asyncio.Event()
    if tls is None:
        done.set()
        return done

    class Noting(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            done.set()

    tls.sslobject_class = Noting
    return done


def _words(fault: Exception) -> str:
    return " ".join(str(fault).split()).removeprefix("nats: ") or type(fault).__name__


async def _have_stream(client: "Client", settings: NatsSettings, chain_id: int, zone: int) -> str:
    """The first node that comes makes the zone's stream; the others take it as it is.

    Returns:
        When that was; a stream that was deleted and made again counts from one again.
    """
    from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
    from nats.js.errors import NotFoundError

    streams = client.jsm(timeout=_ANSWER_WITHIN)
    try:
        there = await streams.stream_info(_stream(chain_id, zone))
    except NotFoundError:
        there = await streams.add_stream(
            StreamConfig(
                name=_stream(chain_id, zone),
                subjects=[_subject(chain_id, zone, "*")],
                retention=RetentionPolicy.LIMITS,
                discard=DiscardPolicy.OLD,
                storage=StorageType.FILE,
                max_age=settings.keep_hours * 3600,
                max_bytes=settings.keep_bytes,
                max_msgs_per_subject=_ENVELOPES_OF_ONE,
                max_msg_size=LARGEST_ENVELOPE + 1024,  # headers count
                duplicate_window=_SAME_WITHIN,
                num_replicas=settings.replicas,
            )
        )
    return str(there.created)


class NatsTransport:
    """All peers of a node, through one server."""

    def __init__(
        self,
        settings: NatsSettings,
        tls: ssl.SSLContext | None,
        chain_id: int,
        zones: Sequence[int],
        me: bytes,
        peers: Sequence[bytes],
        limits: Limits,
        metrics: Metrics,
    ) -> None:
        """Nothing is connected yet.

        Args:
            settings: where the server is.
            tls: what it must satisfy and what we show; None without TLS.
            chain_id: of the deployment.
            zones: that this node serves.
            me: our signer (20 bytes).
            peers: theirs.
            limits: how much of each peer is read.
            metrics: where what cannot be read is counted.
        """
        self.on_message: Callable[[Message], None] = lambda message: None
        self.on_unreachable: Callable[[bytes], None] = lambda signer: None  # nobody knows it of what lies in a stream
        where = ", ".join(settings.url)
        self.problem = f"the NATS server {where}, through which operators talk, is not reached"
        self._peers = {signer: _Peer(where) for signer in peers}
        self._settings = settings
        self._tls = tls
        self._chain_id = chain_id
        self._zones = list(zones)
        self._me = crypto.address_text(me)
        self._limits = limits
        self._metrics = metrics
        self._queue: deque[_Unsent] = deque(maxlen=_LONGEST_QUEUE)
        self._unsent: _Unsent | None = None  # the server has not said that it has it
        self._news = asyncio.Event()
        self._made: dict[int, str] = {}  # by zone: when its stream was made
        self._read: dict[tuple[int, bytes], int] = {}  # by zone and peer: number in the stream of what was read last

    @property
    def peers(self) -> Mapping[bytes, _Peer]:
        """By signer; all are reached when the server is."""
        return self._peers

    def send(self, to: bytes, message: Message) -> None:
        """Send to one peer; nothing happens when it is not known."""
        if to in self._peers:
            self._put(message, crypto.address_text(to))

    def broadcast(self, message: Message) -> None:
        """Send to every peer."""
        self._put(message, "")

    def _put(self, message: Message, to: str) -> None:
        self._queue.append(_Unsent(message.zone, to, ENVELOPE.dump_json(message)))
        self._news.set()

    async def run(self) -> None:
        """Carry envelopes until cancelled, connecting anew whenever the connection is lost."""
        pause, told = _FIRST_PAUSE, ""
        while True:
            _unless_cancelled()
            try:
                async with _connected(self._settings, self._tls) as client:
                    for zone in self._zones:
                        self._found(zone, await _have_stream(client, self._settings, self._chain_id, zone))
                    self._stands("")
                    log.info("NATS server reached", extra=fields(server=", ".join(self._settings.url)))
                    pause, told = _FIRST_PAUSE, ""
                    await self._carry(client)
            except NatsUnreachable as fault:
                if told != str(fault):
                    log.warning("NATS server not reached", extra=fields(reason=str(fault)))
                told = str(fault)
                self._stands(f"operators do not hear each other: {fault}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _found(self, zone: int, made: str) -> None:
        """Read a stream from its beginning that was made again since."""
        if self._made.get(zone) != made:
            self._read = {(of, peer): read for (of, peer), read in self._read.items() if of != zone}
        self._made[zone] = made

    def _stands(self, problem: str) -> None:
        self.problem = problem
        for peer in self._peers.values():
            peer.reachable = not problem

    async def _carry(self, client: "Client") -> None:
        """Speak and hear until one of the two fails."""
        _unless_cancelled()
        hearing = [self._hear(client, zone, signer) for zone in self._zones for signer in self._peers]
        tasks = [asyncio.ensure_future(work) for work in (_until_closed(client), self._speak(client), *hearing)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                if not one.cancelled():  # the library cancels who waits when it closes
                    one.result()
            raise ConnectionError("the connection is lost")
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # --- speaking ----------------------------------------------------------------------------------------------

    async def _speak(self, client: "Client") -> None:
        """Put what waits into the stream, in order; each envelope until the server says that it has it."""
        stream = client.jetstream(timeout=_ANSWER_WITHIN)
        while True:
            _unless_cancelled()
            if self._unsent is None:
                if not self._queue:
                    self._news.clear()
                    await self._news.wait()
                self._unsent = self._queue.popleft()
            await self._publish(client, stream, self._unsent)
            self._unsent = None

    async def _publish(self, client: "Client", stream: "JetStreamContext", unsent: _Unsent) -> None:
        from nats.js.errors import BadRequestError

        largest = min(LARGEST_ENVELOPE, client.max_payload - 1024)
        if len(unsent.content) > largest:
            log.error(
                "envelope dropped, the NATS server takes none so large; raise its max_payload",
                extra=fields(size=len(unsent.content), largest=largest),
            )
            return
        subject = _subject(self._chain_id, unsent.zone, self._me)
        try:
            await stream.publish(subject, unsent.content, headers=unsent.headers)
        except BadRequestError as fault:  # it will take this one never, and others wait behind it
            log.error("envelope dropped, the NATS server refuses it", extra=fields(reason=_words(fault)))

    # --- hearing -----------------------------------------------------------------------------------------------

    async def _hear(self, client: "Client", zone: int, signer: bytes) -> None:
        """Take what a peer says in a zone, no faster than a peer may speak."""
        inbox = client.new_inbox()
        coming = await client.subscribe(inbox, pending_msgs_limit=2 * _AT_ONCE)
        await self._consume(client, zone, signer, inbox)
        while True:
            _unless_cancelled()
            message = await coming.next_msg(timeout=3 * _HEARTBEAT)
            if message.reply:  # a heartbeat has none
                await self._take(zone, signer, message)
                self._read[zone, signer] = message.metadata.sequence.stream
                await message.ack()

    async def _consume(self, client: "Client", zone: int, signer: bytes, inbox: str) -> None:
        """Have the server push a peer's envelopes into our inbox.

        A process begins with all that the stream still has, because what it knew is gone. After a lost connection it
        goes on behind what it has read. What the server remembers of that is not used: after its own end it may be
        older, and what was on its way would come again only when `_READ_WITHIN` is over.
        """
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
        from nats.js.errors import NotFoundError

        streams, peer = client.jsm(timeout=_ANSWER_WITHIN), crypto.address_text(signer)
        stream, name = _stream(self._chain_id, zone), f"{self._me}-{peer}"
        read = self._read.get((zone, signer))
        try:
            await streams.delete_consumer(stream, name)
        except NotFoundError:
            log.debug("new to the stream", extra=fields(stream=stream, consumer=name))
        await streams.add_consumer(
            stream,
            ConsumerConfig(
                durable_name=name,
                filter_subject=_subject(self._chain_id, zone, peer),
                deliver_subject=inbox,
                deliver_policy=DeliverPolicy.ALL if read is None else DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=None if read is None else read + 1,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=_READ_WITHIN,
                max_ack_pending=_AT_ONCE,
                idle_heartbeat=_HEARTBEAT,
            ),
        )

    async def _take(self, zone: int, signer: bytes, message: "Msg") -> None:
        """Hand on an envelope when its sender's budget allows; what is none is counted and dropped."""
        budget = self._limits.of_peer(signer)
        size, largest = len(message.data), min(LARGEST_ENVELOPE, self._limits.largest_body)
        await budget.afford(messages=1, bytes_=min(size, largest))
        if (message.headers or {}).get(_TO, self._me) != self._me:
            return
        try:
            envelope = ENVELOPE.validate_json(message.data if size <= largest else b"")
        except ValidationError as fault:
            self._unreadable(signer, fault.errors()[0]["msg"])
            return
        if envelope.zone != zone:
            self._unreadable(signer, f"it is about zone {envelope.zone}")
            return
        await budget.afford(messages=signatures_in(envelope) - 1)
        asyncio.get_running_loop().call_soon(self.on_message, envelope)

    def _unreadable(self, signer: bytes, reason: str) -> None:
        self._metrics.count("envelopes_unreadable")
        peer, now = self._peers[signer], asyncio.get_running_loop().time()
        if now - peer.told >= _TOLD_EVERY:
            peer.told = now
            facts = fields(peer=crypto.address_text(signer), reason=reason)
            log.warning("no envelope, dropped; who may publish on a peer's subject says the NATS server", extra=facts)


async def _until_closed(client: "Client") -> None:
    while not client.is_closed:  # noqa: ASYNC110 - the library may close without a word
        await asyncio.sleep(_LOOKED_EVERY)
    raise ConnectionError("the connection is lost")


def _unless_cancelled() -> None:
    """End where the library has swallowed that we were cancelled, as asyncio.wait_for did before Python 3.12."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


# --- looking at it from outside ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServerStanding:
    """What a server says of itself and of our streams."""

    version: str
    largest: int  # bytes of one message that it takes
    streams: dict[int, dict[str, int] | None]  # zone -> signer -> envelopes of it in the stream; None without one


async def look(
    settings: NatsSettings, tls: ssl.SSLContext | None, chain_id: int, zones: Sequence[int]
) -> ServerStanding:
    """Ask the server, and change nothing.

    Raises:
        NatsUnreachable: it does not answer, or has no JetStream.
    """
    from nats.js.errors import NotFoundError

    streams: dict[int, dict[str, int] | None] = {}
    async with _connected(settings, tls) as client:
        for zone in zones:
            try:
                told = await client.jsm(timeout=_ANSWER_WITHIN).stream_info(
                    _stream(chain_id, zone), subjects_filter=_subject(chain_id, zone, "*")
                )
                counts = told.state.subjects or {}
                streams[zone] = {subject.rpartition(".")[2]: count for subject, count in counts.items()}
            except NotFoundError:
                streams[zone] = None
        version = str(client.connected_server_version).strip("<>").rpartition(" v")[2]
        return ServerStanding(version, client.max_payload, streams)
