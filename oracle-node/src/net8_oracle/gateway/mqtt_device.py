"""A device that tells its registers through an MQTT broker: one question, or none, and what it then says."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import Field

from net8_oracle.broker import BrokerSettings, BrokerUnreachable, connected
from net8_oracle.gateway.state import SourceFault, SourceSettings

__all__ = ["MqttOptions", "listen"]

_Answer = TypeVar("_Answer")


class MqttOptions(SourceSettings):
    """Which broker, and how long to wait for the device."""

    broker: BrokerSettings
    timeout_ms: int = Field(default=10_000, ge=100, le=60_000)


async def listen(
    options: MqttOptions,
    topics: list[str],
    take: Callable[[str, bytes, bool], _Answer | None],
    question: tuple[str, str] | None = None,
) -> _Answer:
    """Subscribe, ask, and give each message (topic, payload, whether it was retained) to `take` until it answers.

    Raises:
        SourceFault: no answer in time, or the broker was not reached.
    """

    def text_topic(message: Any) -> str:  # noqa: ANN401 - typed by a library that is imported when used
        return str(message.topic)

    try:
        async with asyncio.timeout(options.timeout_ms / 1000), connected(options.broker) as client:
            await client.subscribe([(topic, 1) for topic in topics])
            if question is not None:
                await client.publish(question[0], question[1], qos=1)
            async for message in client.messages:
                payload = message.payload if isinstance(message.payload, bytes) else b""
                answer = take(text_topic(message), payload, bool(message.retain))
                if answer is not None:
                    return answer
    except TimeoutError:
        raise SourceFault(
            f"nothing from the device on {', '.join(topics)} in {options.timeout_ms} ms; check its topic and its broker"
        ) from None
    except BrokerUnreachable as fault:
        raise SourceFault(str(fault)) from None
    raise SourceFault("the broker ended the connection; check that no other client has the same name")
