"""The layers on real data: measured homes and a measured roof, honest and falsified, and what supplies them."""

import asyncio
import json
import logging
from pathlib import Path

import aiohttp
import numpy as np
import pandas as pd
import pytest
from net8_oracle import crypto
from net8_oracle.node.layers import Layer
from net8_oracle.node.layers.feeder_log import FeederRecord, RecordRefused, feeder_domain, parse
from net8_oracle.node.layers.grid import Balance, GridCheck
from net8_oracle.node.layers.model import ModelCheck
from net8_oracle.node.layers.performance import Score, verdict
from net8_oracle.node.layers.settings import LayersSettings
from net8_oracle.node.layers.table import SLOTS, Place, Table
from net8_oracle.node.layers.watch import Watch, make_tables
from net8_oracle.node.layers.weather import WeatherRefused, of_day
from net8_oracle.node.meters import RegisteredSite
from net8_oracle.settings import ConfigRefused, validated

from bench.detection import days_disputed, measured, series_attacks
from tests.oracle_node.mesh import HandClock, private_key

DAY = 16_983  # 2016-07-01
ROOF = Place(39.742, -105.173, 6_000, 1_830, 45.0, 158.0)
SITE = RegisteredSite(65_537, b"", 6_000, 0)
DOMAIN = feeder_domain(31337, "0x" + "11" * 20)
GRID_OPERATOR = private_key("grid operator")


# --- the production model --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def roof():
    """Energies and tables of SERF East, measured by day."""
    _, energies, tables = measured()
    return energies, tables


def test_series__honest__no_day_is_disputed(roof) -> None:
    assert len(roof[0]) == 104
    assert not any(days_disputed(*roof))


@pytest.mark.parametrize("attack", sorted(series_attacks()))
def test_series__a_tenth_more__disputed_within_its_window(roof, attack) -> None:
    energies, tables = roof
    false = np.floor(series_attacks()[attack](energies, 60, 0.1))
    disputed = list(days_disputed(false[:90], tables[:90]))
    assert not any(disputed[:60])
    assert any(disputed[60:])


def test_series__half_of_it_gone__never_disputed(roof) -> None:
    energies, tables = roof
    less = energies.copy()
    less[60:] //= 2
    assert not any(days_disputed(less, tables))


def test_verdict__few_days_known__nothing_is_said() -> None:
    scores = {day: Score(0.0, 0.0) for day in range(7)} | {7: Score(3.0, 3.0)}
    assert verdict(scores, 7) is None


async def test_tables__made_by_the_worker__ceiling_above_clear_sky_and_dark_at_night() -> None:
    tables = await make_tables({1: ROOF, 2: Place(ROOF.latitude, ROOF.longitude, 6_000)}, DAY, None)
    for table in tables.values():
        assert [len(table.ceiling), len(table.clear), len(table.expected)] == [SLOTS, SLOTS, 0]
        assert all(most >= clear for most, clear in zip(table.ceiling, table.clear, strict=True))
        assert max(table.ceiling) <= 6_000 / 4 + 3
        assert max(table.ceiling[24:40]) <= 3  # 06:00 to 10:00 UTC is the night there
    assert all(anyhow >= fixed for anyhow, fixed in zip(tables[2].ceiling, tables[1].ceiling, strict=True))


def test_opinion__above_the_ceiling__disputed_and_without_table_the_nameplate_holds() -> None:
    model = ModelCheck()
    slot = DAY * SLOTS + 50
    assert model.opinion(SITE, slot, 1_501).agrees
    assert model.opinion(SITE, slot, 1_502).agrees is False
    model.put(SITE.site, DAY, Table([700] * SLOTS, [600] * SLOTS))
    assert model.opinion(SITE, slot, 700).agrees
    assert "allow 700" in model.opinion(SITE, slot, 701).reason


def test_weather__of_a_day__averaged_and_refused_with_its_line(tmp_path: Path) -> None:
    file, start = tmp_path / "weather.csv", DAY * 86_400
    rows = [f"{start + 450 * at},{at // 2 * 10 + at % 2 * 4},{'' if at % 2 else 20}" for at in range(2 * SLOTS)]
    file.write_text("time,ghi,temperature\n" + "\n".join(rows) + "\n", encoding="utf-8")
    weather = of_day(file, DAY)
    assert weather is not None
    assert (weather.ghi[3], weather.temperature[3]) == (32.0, 20.0)
    assert of_day(file, DAY + 1) is None
    file.write_text("time,ghi,temperature\nyesterday,1,2\n", encoding="utf-8")
    with pytest.raises(WeatherRefused, match="line 2"):
        of_day(file, DAY)


# --- the feeder log --------------------------------------------------------------------------------------------------


def suspects_of(shared_data: Path, factor: float) -> set[int | None]:
    """Who is named in a day of eight homes, two of which produce, when the first one multiplies its export."""
    frame = pd.read_csv(shared_data / "homes" / "community_2013-06_15min.csv")
    random, producing = np.random.default_rng(1), (2, 5)
    balance, named = Balance(list(range(8))), set()
    for slot in range(SLOTS):
        used = [int(frame.loc[slot, f"load_{home}"] * 1000) for home in range(8)]
        made = [int(frame.loc[slot, f"pv_{producing[home]}"] * 1000) if home < 2 else 0 for home in range(8)]
        feeder = round((sum(made) - sum(used)) * (1 + 0.02 * random.standard_normal()))
        made[0] = int(made[0] * factor)
        balance.add(slot, feeder, dict(enumerate(zip(made, used, strict=True))))
        named.add(balance.suspect)
    return named


@pytest.mark.parametrize(("factor", "named"), [(1.0, {None}), (0.5, {None}), (1.2, {None, 0}), (2.0, {None, 0})])
def test_balance__export_overstated__that_home_is_named_and_less_is_never_held_against_it(
    shared_data: Path, factor: float, named: set[int | None]
) -> None:
    assert suspects_of(shared_data, factor) == named


def test_grid__reading_or_record_missing__silent_until_it_comes() -> None:
    energies = {(SITE.site, slot): (0, 100) for slot in range(1, 30)}
    grid = GridCheck({7: Balance([SITE.site])}, lambda site, slot: energies.get((site, slot)))
    assert grid.opinion(SITE, 1, 0).agrees is None
    grid.hear(7, 2, -100)
    grid.hear(7, 1, -100)  # late: of a slot before one that is taken up
    assert grid.opinion(SITE, 10, 0).agrees
    assert grid.opinion(SITE, 11, 0).agrees is None  # the log is too old
    grid.hear(7, 30, -100)
    assert grid.opinion(SITE, 30, 0).agrees is None
    energies[SITE.site, 30] = (0, 100)
    assert grid.opinion(SITE, 30, 0).agrees
    assert grid.opinion(RegisteredSite(9, b"", 1, 0), 30, 0).agrees is None  # behind no logged feeder


def test_record__by_another_or_altered__refused() -> None:
    record = FeederRecord.make(DOMAIN, GRID_OPERATOR, 7, 100, -5_312)
    record.check(DOMAIN, crypto.own_address(GRID_OPERATOR))
    with pytest.raises(RecordRefused, match="signed by 0x"):
        record.check(DOMAIN, crypto.own_address(private_key("somebody")))
    with pytest.raises(RecordRefused, match="signed by 0x"):
        record.model_copy(update={"net_wh": -5_311}).check(DOMAIN, crypto.own_address(GRID_OPERATOR))
    with pytest.raises(RecordRefused, match="net_wh"):
        parse(b'{"feeder": 7, "slot": 1, "signature": "0x00"}')


class OneMeter:
    """Of every slot the same energy."""

    def energy(self, site: int, slot: int) -> tuple[int, int]:
        return (60, 0)


async def test_watch__log_in_a_file__grid_agrees_and_a_forged_line_is_told_and_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log, slot = tmp_path / "feeders.jsonl", DAY * SLOTS
    forged = FeederRecord.make(DOMAIN, private_key("somebody"), 7, slot, 60)
    true = FeederRecord.make(DOMAIN, GRID_OPERATOR, 7, slot, 60)
    log.write_text(f"{forged.model_dump_json()}\n{true.model_dump_json()}\n{{half a li", encoding="utf-8")
    settings = validated(
        LayersSettings,
        {
            "learned": "learned.json", "feeders": [{"feeder": 7, "sites": [SITE.site]}],
            "feeder_log": {"signer": crypto.address_text(crypto.own_address(GRID_OPERATOR)), "path": "feeders.jsonl"},
        },
        "node.toml", tmp_path,
    )  # fmt: skip
    async with aiohttp.ClientSession() as session:
        clock = HandClock(DAY * 86_400)
        watch = Watch(settings, OneMeter(), lambda site: SITE, clock, session, DOMAIN)  # type: ignore[arg-type]
        assert watch.judges.judge(SITE, slot, (60, 0)).agreed == Layer.METER | Layer.MODEL
        with caplog.at_level(logging.ERROR):
            task = asyncio.create_task(watch.run())
            async with asyncio.timeout(30):
                while not watch.judges.judge(SITE, slot, (60, 0)).agreed & Layer.GRID:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert any("signed by" in str(vars(record).get("net8_fields")) for record in caplog.records)


def test_watch__learned_scores_of_before__still_held_against_the_site(tmp_path: Path) -> None:
    learned = tmp_path / "learned.json"
    days = {day: {"clear": 0.0 if day < 21 else 0.2, "whole": 0.0} for day in range(28)}
    learned.write_text(json.dumps({SITE.site: days}), encoding="utf-8")
    settings = LayersSettings(learned=learned)
    watch = Watch(settings, None, None, None, None, DOMAIN)  # type: ignore[arg-type]
    judged = watch.judges.judge(SITE, 28 * SLOTS + 48, (500, 0))
    assert (judged.agreed, judged.reported) == (Layer.METER, False)
    assert "22% more" in judged.reasons[0]
    learned.write_text("{torn", encoding="utf-8")
    with pytest.raises(ConfigRefused, match="move it away to learn anew"):
        Watch(settings, None, None, None, None, DOMAIN)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"places": [{"site": 1, "latitude": 1, "longitude": 1, "tilt": 30}]}, "give both or neither"),
        ({"feeders": [{"feeder": 1, "sites": [1]}]}, "feeders and feeder_log belong together"),
        ({"feeder_log": {"signer": "0x" + "11" * 20}}, "give path or url"),
        ({"places": [{"site": 1, "latitude": 1, "longitude": 1}] * 2}, "place 1 is named twice"),
        ({"wether": "x.csv"}, "is not a setting"),
    ],
)
def test_settings__mistake__one_sentence(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigRefused, match=sentence):
        validated(LayersSettings, {"learned": "learned.json", **change}, "node.toml", tmp_path)
