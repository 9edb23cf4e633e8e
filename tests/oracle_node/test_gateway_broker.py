"""Readings through a real MQTT broker that nobody trusts: delivered once, repeated until the node itself answers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from coincurve import PrivateKey
from net8_oracle import crypto
from net8_oracle.broker import BrokerSettings
from net8_oracle.gateway import publisher as publishing
from net8_oracle.gateway import ways
from net8_oracle.gateway.publisher import Publisher, encode
from net8_oracle.gateway.store import GatewayStore
from net8_oracle.gateway.ways import BrokerLink, MqttWay, NotDelivered
from net8_oracle.reading import Reading, SignedReading
from net8_oracle.receipts import readings_topic, signed_answer
from net8_oracle.wire import ReadingsAnswer
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.oracle_node.broker import Mosquitto
from tests.oracle_node.inbox import CHAIN, METER, SIGNER, SITE, START, Node, running
from tests.oracle_node.mesh import METER_DOMAIN, private_key

ADDRESS = crypto.address_text(crypto.own_address(SIGNER))


def signed(sequence: int, key: PrivateKey = METER) -> SignedReading:
    reading = Reading(SITE, START + 900 * sequence, 10 * sequence, 0, 0, sequence)
    return SignedReading.make(reading, METER_DOMAIN, key, 0)


async def until(condition: Any, what: str) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - plain values
            await asyncio.sleep(0.02)
    assert condition(), what


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_FIRST_PAUSE", 0.02)
    monkeypatch.setattr(ways, "_PATIENCE", 1.0)


@pytest.fixture
def node(tmp_path: Path, mosquitto: Mosquitto) -> Node:
    return Node(tmp_path, mosquitto)


@pytest.fixture
def store(tmp_path: Path) -> GatewayStore:
    return GatewayStore(tmp_path / "gateway.sqlite")


def gateway(broker: Mosquitto, store: GatewayStore) -> tuple[BrokerLink, Publisher]:
    link = BrokerLink(BrokerSettings(url=broker.url), CHAIN)
    return link, Publisher(MqttWay(link, CHAIN, METER_DOMAIN, ADDRESS), store)


async def test_broker__node_listens__stored_acknowledged_and_forgotten(
    mosquitto: Mosquitto, node: Node, store: GatewayStore, caplog: pytest.LogCaptureFixture
) -> None:
    link, publisher = gateway(mosquitto, store)
    stranger = private_key("stranger")
    async with running(node.inbox.run(), link.run(), publisher.run()):
        publisher.offer(encode(store.append([signed(1), signed(2), signed(3, stranger), signed(4)])))
        await until(lambda: publisher.backlog == 0, "everything is delivered")
    assert node.stored() == [1, 2, 4]
    assert store.undelivered(publisher.operator) == []
    assert "reading refused" in caplog.messages
    assert node.heard == [(SITE, 2_000_001), (SITE, 2_000_002), (SITE, 2_000_004)]


async def test_broker__node_then_broker_away__kept_and_delivered_in_order(
    mosquitto: Mosquitto, node: Node, store: GatewayStore
) -> None:
    link, publisher = gateway(mosquitto, store)
    async with running(link.run(), publisher.run()):
        publisher.offer(encode(store.append([signed(1)])))
        await until(lambda: not publisher.reachable, "nobody answers")
        async with running(node.inbox.run()):
            await until(lambda: node.stored() == [1], "the node takes it when it comes")
            mosquitto.stop()
            publisher.offer(encode(store.append([signed(2), signed(3)])))
            await until(lambda: not publisher.reachable and not node.inbox.reachable, "the broker is gone")
            assert [one.signed.reading.sequence for one in store.undelivered(publisher.operator)][-2:] == [2, 3]
            mosquitto.start()
            await until(lambda: publisher.backlog == 0, "everything is delivered")
    assert node.stored() == [1, 2, 3]


@pytest.mark.parametrize("lie", ["another key", "another question", "no JSON", "no signature"])
async def test_broker__lies_about_the_answer__not_believed(mosquitto: Mosquitto, store: GatewayStore, lie: str) -> None:
    """Somebody on the broker answers in the node's place that everything was accepted."""
    everything = ReadingsAnswer(accepted=1, later=[], refused=[])
    link, publisher = gateway(mosquitto, store)
    lies = 0

    async def answer_falsely() -> None:
        nonlocal lies
        async with aiomqtt.Client("127.0.0.1", mosquitto.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
            await client.subscribe(readings_topic(CHAIN, crypto.own_address(SIGNER)))
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                true = signed_answer(SIGNER, METER_DOMAIN, message.payload, everything)
                false = {
                    "another key": signed_answer(METER, METER_DOMAIN, message.payload, everything),
                    "another question": signed_answer(SIGNER, METER_DOMAIN, b"earlier", everything),
                    "no JSON": b"\xff{",
                    "no signature": json.dumps(json.loads(true) | {"signature": "0x" + "00" * 65}).encode(),
                }[lie]
                properties = Properties(PacketTypes.PUBLISH)
                properties.CorrelationData = message.properties.CorrelationData
                await client.publish(message.properties.ResponseTopic, false, properties=properties)
                lies += 1

    async with running(link.run(), publisher.run(), answer_falsely()):
        publisher.offer(encode(store.append([signed(1)])))
        await until(lambda: lies >= 2, "the gateway asks again")
    assert not publisher.reachable
    assert [one.signed.reading.sequence for one in store.undelivered(publisher.operator)] == [1]


async def test_broker__hostile_messages__node_answers_nowhere_else_and_lives(
    mosquitto: Mosquitto, node: Node, store: GatewayStore
) -> None:
    topic = readings_topic(CHAIN, crypto.own_address(SIGNER))
    link, publisher = gateway(mosquitto, store)
    empty = b'{"readings": []}'
    heard: list[str] = []
    async with running(node.inbox.run(), link.run(), publisher.run()):
        await until(lambda: node.inbox.reachable, "the node listens")
        async with aiomqtt.Client("127.0.0.1", mosquitto.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
            await client.subscribe("stolen/#")
            await client.subscribe(f"net8/{CHAIN}/answers/mine")

            async def listen() -> None:
                async for message in client.messages:
                    heard.append(str(message.topic))

            async with running(listen()):
                for payload, answers, number in (
                    (b"\xff\x00", f"net8/{CHAIN}/answers/mine", b"1"),
                    (b"[" * 100_000, f"net8/{CHAIN}/answers/mine", b"1"),
                    (b"", f"net8/{CHAIN}/answers/mine", b"1"),
                    (empty, "stolen/topic", b"1"),
                    (empty, f"net8/{CHAIN}/answers/mine", b"1" * 65),
                    (empty, f"net8/{CHAIN}/answers/mine", None),
                    (empty, None, b"1"),
                    (empty, f"net8/{CHAIN}/answers/mine", b"good"),
                ):
                    properties = Properties(PacketTypes.PUBLISH)
                    if answers is not None:
                        properties.ResponseTopic = answers
                    if number is not None:
                        properties.CorrelationData = number
                    await client.publish(topic, payload, qos=1, properties=properties)
                await until(lambda: heard, "the honest question is answered")
                publisher.offer(encode(store.append([signed(1)])))
                await until(lambda: publisher.backlog == 0, "readings still arrive")
    assert heard == [f"net8/{CHAIN}/answers/mine"]


async def test_broker__never_reached__said_and_kept(store: GatewayStore, mosquitto: Mosquitto) -> None:
    link, _ = gateway(mosquitto, store)
    way = MqttWay(link, CHAIN, METER_DOMAIN, ADDRESS)
    with pytest.raises(NotDelivered, match="is not reached"):
        await way.post(b"{}")
