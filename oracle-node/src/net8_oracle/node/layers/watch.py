"""What keeps the layers supplied, away from the hot path: day tables, learned scores, the feeder log."""

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp
from net8.eip712 import Domain
from net8.logs import fields

from net8_oracle import crypto
from net8_oracle.clock import Clock
from net8_oracle.node.layers import Check, Judges
from net8_oracle.node.layers.feeder_log import RecordRefused, parse
from net8_oracle.node.layers.grid import Balance, GridCheck
from net8_oracle.node.layers.model import ModelCheck
from net8_oracle.node.layers.performance import Score, score
from net8_oracle.node.layers.settings import FeederLogSettings, LayersSettings
from net8_oracle.node.layers.table import SLOTS, Place, Table, Weather
from net8_oracle.node.layers.weather import WeatherRefused, of_day
from net8_oracle.node.meters import Meters, RegisteredSite
from net8_oracle.settings import ConfigRefused

__all__ = ["Watch", "make_tables"]

log = logging.getLogger(__name__)

_LOOK_EVERY = 60.0  # seconds
_FEWEST_SLOTS = 92  # readings of a day that make its score
_LARGEST_LOG = 8 * 2**20  # bytes
_DAY_SECONDS = 86_400


async def make_tables(places: dict[int, Place], day: int, weather: Weather | None) -> dict[int, Table]:
    """Tables by site, made in a process of their own.

    Raises:
        RuntimeError: it failed; the message is its last line.
    """
    asked = {
        "day": day,
        "places": {site: asdict(place) for site, place in places.items()},
        "weather": asdict(weather) if weather is not None else None,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "net8_oracle.node.layers.table",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        told, complaint = await process.communicate(json.dumps(asked).encode())
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:]
        raise RuntimeError(f"{' '.join(last)}; is pvlib there (pip install 'net8-oracle[layers]')?")
    return {int(site): Table(**table) for site, table in json.loads(told).items()}


class Watch:
    """The layers of one node, and what supplies them."""

    def __init__(
        self,
        settings: LayersSettings | None,
        meters: Meters,
        site_of: Callable[[int], RegisteredSite | None],
        clock: Clock,
        session: aiohttp.ClientSession,
        domain: Domain,
    ) -> None:
        """`domain`: of the feeder log's signatures.

        Raises:
            ConfigRefused: the file of what was learned is damaged.
        """
        self._settings = settings
        self._meters = meters
        self._site_of = site_of
        self._clock = clock
        self._session = session
        self._domain = domain
        if settings is None:
            self.judges = Judges()
            return
        self._model = ModelCheck(_learned(settings.learned))
        self._grid: GridCheck | None = None
        if settings.feeder_log is not None:
            error = settings.feeder_log.error
            feeders = {one.feeder: Balance(one.sites, error) for one in settings.feeders}
            self._grid = GridCheck(feeders, meters.energy, self._model.clear)
        checks: list[Check] = [self._model, *([self._grid] if self._grid is not None else [])]
        self.judges = Judges(checks, settings.energy_free_wh)

    async def run(self) -> None:
        """Supply the layers until cancelled; at once say which there are."""
        settings = self._settings
        if settings is None:
            log.info("readings rest on meter and nameplate alone; a [layers] section adds sun, weather and feeder log")
            return
        log.info("layers", extra=fields(places=len(settings.places), feeders=len(settings.feeders)))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_tables(settings))
            if settings.feeder_log is not None and self._grid is not None:
                tasks.create_task(self._keep_log(settings.feeder_log, self._grid))

    # --- tables and scores ---------------------------------------------------------------------------------------

    def _places(self, settings: LayersSettings) -> dict[int, Place]:
        """Places of registered sites, with the nameplate that the chain has."""
        found = {}
        for one in settings.places:
            site = self._site_of(one.site)
            if site is not None:
                found[one.site] = Place(
                    one.latitude, one.longitude, site.nameplate, one.altitude, one.tilt, one.azimuth, one.modules_w
                )
        return found

    async def _keep_tables(self, settings: LayersSettings) -> None:
        while True:
            day = self._clock.now() // _DAY_SECONDS
            places = self._places(settings)
            try:
                for one in (day, day + 1):
                    missing = {site: place for site, place in places.items() if not self._model.has(site, one)}
                    if missing:
                        for site, table in (await make_tables(missing, one, None)).items():
                            self._model.put(site, one, table)
                if settings.weather is not None:
                    await self._learn(settings, settings.weather, places, day - 1)
            except (RuntimeError, WeatherRefused, OSError) as fault:
                log.error("production model without data", extra=fields(reason=str(fault)))
            await asyncio.sleep(_LOOK_EVERY)

    async def _learn(self, settings: LayersSettings, path: Path, places: dict[int, Place], day: int) -> None:
        """Score a finished day as soon as its weather is known."""
        produced = {}
        for site in places:
            if day in self._model.scores.get(site, {}):
                continue
            energies = [self._meters.energy(site, day * SLOTS + at) for at in range(SLOTS)]
            if sum(energy is not None for energy in energies) >= _FEWEST_SLOTS:
                produced[site] = [energy[0] if energy is not None else 0 for energy in energies]
        weather = of_day(path, day) if produced else None
        if weather is None:
            return
        tables = await make_tables({site: places[site] for site in produced}, day, weather)
        for site, table in tables.items():
            self._model.learn(site, day, score(produced[site], table))
        _keep(settings.learned, self._model.scores)
        log.info("day scored", extra=fields(day=day, sites=len(tables)))

    # --- feeder log ----------------------------------------------------------------------------------------------

    async def _keep_log(self, settings: FeederLogSettings, grid: GridCheck) -> None:
        signer, told = crypto.address_bytes(settings.signer), ""
        while True:
            fault = ""
            try:
                whole, _, _ = (await self._read_log(settings)).rpartition(b"\n")  # the last line may not be whole yet
                for line in whole.split(b"\n"):
                    try:
                        self._hear(line, signer, grid)
                    except RecordRefused as refused:
                        fault = fault or str(refused)
            except (aiohttp.ClientError, TimeoutError, OSError) as unread:
                fault = str(unread) or type(unread).__name__
            if fault and fault != told:
                log.error("feeder log not read", extra=fields(reason=fault))
            told = fault
            await asyncio.sleep(settings.poll_s)

    def _hear(self, line: bytes, signer: bytes, grid: GridCheck) -> None:
        if line.strip():
            record = parse(line)
            if grid.wants(record.feeder, record.slot):
                record.check(self._domain, signer)
                grid.hear(record.feeder, record.slot, record.net_wh)

    async def _read_log(self, settings: FeederLogSettings) -> bytes:
        """The end of the log, from the beginning of a line."""
        if settings.path is not None:
            return await asyncio.to_thread(_tail, settings.path)
        async with self._session.get(str(settings.url)) as response:
            response.raise_for_status()
            return await response.content.read(_LARGEST_LOG)


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _LARGEST_LOG))
        text = file.read(_LARGEST_LOG)
    return text if size <= _LARGEST_LOG else text.partition(b"\n")[2]


def _learned(path: Path) -> dict[int, dict[int, Score]]:
    if not path.exists():
        return {}
    try:
        content: dict[str, dict[str, dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
        return {int(site): {int(day): Score(**one) for day, one in days.items()} for site, days in content.items()}
    except (OSError, ValueError, TypeError, AttributeError) as fault:
        raise ConfigRefused(f"{path}: cannot be used ({fault}); restore it, or move it away to learn anew") from None


def _keep(path: Path, scores: dict[int, dict[int, Score]]) -> None:
    """Replace the file in one step: it is whole after a power cut, old or new."""
    content = {site: {day: asdict(one) for day, one in days.items()} for site, days in scores.items()}
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(content), encoding="utf-8")
    beside.replace(path)
