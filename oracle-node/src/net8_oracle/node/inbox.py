"""Readings that come through an MQTT broker: the node subscribes, and signs its answer to each batch.

The broker is not trusted. Readings carry their meters' signatures; a batch that is lost or held back is sent again by
its gateway, which believes no answer but the node's own.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from coincurve import PrivateKey
from net8.eip712 import Domain
from net8.logs import fields
from pydantic import ValidationError

from net8_oracle import crypto
from net8_oracle.broker import BrokerSettings, publish, stay_subscribed
from net8_oracle.node.database import StoreUnavailable
from net8_oracle.receipts import answers_prefix, readings_topic, signed_answer
from net8_oracle.wire import ReadingsAnswer, ReadingsPost

if TYPE_CHECKING:
    from aiomqtt import Client, Message

__all__ = ["BrokerInbox"]

log = logging.getLogger(__name__)

_LARGEST_NUMBER = 64  # bytes of a question's correlation


class BrokerInbox:
    """One node's subscription."""

    def __init__(
        self,
        settings: BrokerSettings,
        chain_id: int,
        domain: Domain,
        key: PrivateKey,
        take: Callable[[ReadingsPost], Awaitable[ReadingsAnswer]],
    ) -> None:
        """`domain` is that of the meters' signatures, `key` the node's signer."""
        self._settings = settings
        self._topic = readings_topic(chain_id, crypto.own_address(key))
        self._answers = answers_prefix(chain_id)
        self._domain = domain
        self._key = key
        self._take = take
        self.reachable = False

    async def run(self) -> None:
        """Take readings until cancelled."""
        await stay_subscribed(self._settings, self._topic, self._answer, self._stands)

    def _stands(self, client: "Client | None") -> None:
        self.reachable = client is not None

    async def _answer(self, client: "Client", message: "Message") -> None:
        """Take a batch and answer; whatever else comes is dropped, because nobody can be told."""
        question = message.payload
        answers, number = (getattr(message.properties, name, None) for name in ("ResponseTopic", "CorrelationData"))
        if not isinstance(question, bytes) or not isinstance(number, bytes) or len(number) > _LARGEST_NUMBER:
            return
        if not isinstance(answers, str) or not answers.startswith(self._answers) or set(answers) & set("#+"):
            return
        try:
            post = ReadingsPost.model_validate_json(question)
        except ValidationError as fault:
            log.warning(
                "no batch of readings", extra=fields(broker=self._settings.url, reason=fault.errors()[0]["msg"])
            )
            return
        try:
            taken = await self._take(post)
        except StoreUnavailable as fault:
            log.error("readings not stored, so not acknowledged", extra=fields(reason=str(fault)))
            return
        answer = signed_answer(self._key, self._domain, question, taken)
        await publish(client, answers, answer, CorrelationData=number)
