"""Devices on a real MQTT broker: asked or listened to, with TLS and password, and what silence says."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from net8_oracle.gateway.sources import FrameRefused, MeterState, SourceFault, make
from net8_oracle.gateway.sources.homeassistant import Listener, Options
from net8_oracle.settings import validated

from tests.oracle_node import frames
from tests.oracle_node.broker import PASSWORD, USER, Mosquitto
from tests.ports import free_port

Answer = Callable[[aiomqtt.Client, aiomqtt.Message], Awaitable[None]]


@asynccontextmanager
async def device(broker: Mosquitto, topic: str, answer: Answer) -> AsyncIterator[aiomqtt.Client]:
    """Somebody on the broker who answers what comes on a topic."""
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe(topic, qos=1)

        async def listen() -> None:
            async for message in client.messages:
                await answer(client, message)

        task = asyncio.create_task(listen())
        yield client
        task.cancel()


async def read(folder: Path, **table: Any) -> MeterState:
    source, _ = make(table, "meters[1].source", folder)
    return await source.read(1)


async def test_tasmota__asked__registers(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async def answer(client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        assert message.payload == b"10"
        await client.publish("stat/plug-1/STATUS10", frames.tasmota())

    async with device(mosquitto, "cmnd/plug-1/STATUS", answer):
        state = await read(tmp_path, kind="tasmota", topic="plug-1", broker={"url": mosquitto.url})
    assert (state.import_wh, state.export_wh) == (1_234, 250)


async def test_tasmota__old_answer_kept_by_the_broker__not_taken(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        await client.publish("stat/plug-2/STATUS10", frames.tasmota(), retain=True)
    with pytest.raises(SourceFault, match="nothing from the device on stat/plug-2/STATUS10 in 400 ms"):
        await read(tmp_path, kind="tasmota", topic="plug-2", broker={"url": mosquitto.url}, timeout_ms=400)


async def test_shelly__asked_over_tls_with_a_password__registers(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async def answer(client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        assert isinstance(message.payload, bytes)
        question = json.loads(message.payload)
        assert question["method"] == "Shelly.GetStatus"
        await client.publish(f"{question['src']}/rpc", frames.shelly())

    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    broker = {"url": mosquitto.tls_url, "username": USER, "password_file": "password"}
    certificate = {"ca_file": str(mosquitto.certificate)}
    async with device(mosquitto, "shelly-1/rpc", answer):
        state = await read(tmp_path, kind="shelly", topic="shelly-1", broker=broker | certificate)
        with pytest.raises(SourceFault, match=r"(?i)certificate.verify.failed"):
            await read(tmp_path, kind="shelly", topic="shelly-1", broker=broker)
    assert state == MeterState(1_700_000_000, 1_234, 78, "shellypro3em-a0b1c2d3e4f5", -12)


async def test_broker__wrong_password_or_nobody_there__fault(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_PASSWORD", "guess")
    broker = {"url": mosquitto.tls_url, "username": USER, "password_env": "BROKER_PASSWORD"}
    with pytest.raises(SourceFault, match=r"Not authorized.*check address, name and password"):
        await read(tmp_path, kind="tasmota", topic="a", broker=broker | {"ca_file": str(mosquitto.certificate)})
    with pytest.raises(SourceFault, match="Connection refused"):
        await read(tmp_path, kind="tasmota", topic="a", broker={"url": f"mqtt://127.0.0.1:{free_port()}"})


def announced(name: str, unit: str, template: str, **others: str) -> bytes:
    content = {"name": "energy", "uniq_id": name, "dev_cla": "energy", "stat_cla": "total_increasing", "~": "meters/7"}
    return json.dumps(content | {"stat_t": "~/state", "unit_of_meas": unit, "val_tpl": template} | others).encode()


@asynccontextmanager
async def announcing(broker: Mosquitto, topic: str, *configs: bytes) -> AsyncIterator[aiomqtt.Client]:
    """A device that has announced sensors, which the broker keeps for the length of a test."""
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for number, config in enumerate(configs):
            await client.publish(f"{topic}/sensor/device/{number}/config", config, qos=1, retain=True)
        yield client
        for number, _ in enumerate(configs):
            await client.publish(f"{topic}/sensor/device/{number}/config", b"", qos=1, retain=True)


async def test_homeassistant__announced_sensors__registers_from_where_the_announcement_says(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    given = announced("give", "Wh", "{{ value }}", state_topic="meters/8/out")
    drawn = announced("draw", "kWh", "{{ value_json['energy']['1.8.0'] | float }}")
    async with announcing(mosquitto, "ha-1", b"tea", drawn, given) as client:
        await client.publish("meters/8/out", b"1", retain=True)  # of any age: not to be taken

        async def speak() -> None:
            while True:
                await client.publish("meters/7/state", b'{"energy": {"1.8.0": 1234.5678}}')
                await client.publish("meters/8/out", b"789.9")
                await asyncio.sleep(0.05)

        task = asyncio.create_task(speak())
        sensors = {"import_sensor": "draw", "export_sensor": "give", "prefix": "ha-1"}
        state = await read(tmp_path, kind="homeassistant", broker={"url": mosquitto.url}, **sensors)
        task.cancel()
        await client.publish("meters/8/out", b"", retain=True)
    assert state == MeterState(None, 1_234_567, 789)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab~"), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = ["uniq_id", "unique_id", "stat_t", "state_topic", "unit_of_meas", "stat_cla", "val_tpl", "~"]
_TEXTS = ["draw", "kWh", "total", "~/a", "a/~", "{{ value }}", "{{ value_json.a[0]['b'] }}", "{{ value_json.a }}"]
_GOOD = {"uniq_id": "draw", "stat_t": "a/b", "unit_of_meas": "kWh", "stat_cla": "total"}


@settings(max_examples=120, deadline=None)
@given(
    st.dictionaries(st.sampled_from(_FIELDS), st.sampled_from(_TEXTS) | _JSON, max_size=3),
    _JSON.map(json.dumps) | st.text(max_size=20) | st.floats(0, 1e30).map(str),
)
def test_homeassistant__any_announcement_and_message__register_or_the_refusal(
    announcement: dict[str, Any], message: str
) -> None:
    options = validated(Options, {"import_sensor": "draw", "broker": {"url": "mqtt://a"}}, "source", Path())
    listener = Listener(options)
    state = None
    with suppress(FrameRefused):
        if listener.announcement("ha/sensor/x/config", json.dumps(_GOOD | announcement).encode(), True):
            state = listener.message(listener.sensors["import"].topic, message.encode(), False)
    assert state is None or (state.import_wh is not None and 0 <= state.import_wh < 2**62)


@pytest.mark.parametrize(
    ("config", "message", "reason"),
    [
        (announced("draw", "W", "{{ value }}"), b"", "no total of energy"),
        (announced("draw", "kWh", "{{ value_json.a * 1000 }}"), b"", "computes its value"),
        (announced("draw", "kWh", "{{ value_json.a.__class__() }}"), b"", "computes its value"),
        (announced("draw", "kWh", "{{ value_json.a }}"), b'{"b": 1}', "no number where it was announced"),
        (announced("draw", "kWh", "{{ value }}"), b"unavailable", "no number where it was announced"),
        (announced("draw", "kWh", "{{ value }}"), b"-1", "never negative"),
        (announced("other", "kWh", "{{ value }}"), b"", "nothing from the device"),
    ],
)
async def test_homeassistant__odd_announcement_or_message__fault_says_which(
    mosquitto: Mosquitto, tmp_path: Path, config: bytes, message: bytes, reason: str
) -> None:
    async with announcing(mosquitto, "ha-2", config) as client:

        async def speak() -> None:
            while True:
                await client.publish("meters/7/state", message)
                await asyncio.sleep(0.02)

        task = asyncio.create_task(speak())
        table = {"import_sensor": "draw", "prefix": "ha-2", "timeout_ms": 500 if b"other" in config else 20_000}
        with pytest.raises(SourceFault, match=reason):
            await read(tmp_path, kind="homeassistant", broker={"url": mosquitto.url}, **table)
        task.cancel()
