"""What operators report when layers of data dispute a reading, and how an observation names those that agree."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from net8_oracle.node import report
from net8_oracle.node.layers import Judges, Layer, Opinion
from net8_oracle.node.meters import RegisteredSite

from tests.oracle_node.mesh import SLOT, Mesh

ENERGIES = {1: (500, 0), 2: (0, 300), 3: (20, 10)}
METER, MODEL, GRID = Layer.METER, Layer.MODEL, Layer.GRID


@dataclass
class Says:
    """A layer that says the same of every reading."""

    layer: Layer
    agrees: bool | None

    def opinion(self, site: RegisteredSite, slot: int, exported: int) -> Opinion:
        return Opinion(self.agrees, "" if self.agrees else "too much")


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[Mesh]:
    """Four operators and three sites at the start of SLOT."""
    mesh = Mesh(tmp_path)
    await mesh.start()
    yield mesh
    await mesh.stop()


async def run_slot(mesh: Mesh) -> None:
    await mesh.end_slot(SLOT)
    mesh.tell(SLOT + 1, ENERGIES)
    await mesh.until_settled(SLOT)


@pytest.mark.parametrize(
    ("model", "grid", "exported", "agreed", "reported"),
    [
        (None, None, 500, METER | MODEL, True),  # no settings: signature, counters and nameplate
        (True, True, 500, METER | MODEL | GRID, True),
        (False, True, 500, METER | GRID, True),
        (True, False, 500, METER | MODEL, True),
        (False, False, 500, METER, False),
        (False, None, 500, METER, False),
        (False, False, 50, METER, True),  # worth less than a cent
        (False, False, 51, METER, False),
    ],
)
def test_judge__layers_dispute__two_of_three_needed(model, grid, exported, agreed, reported) -> None:
    checks = [*([Says(MODEL, model)] if model is not None else []), *([Says(GRID, grid)] if grid is not None else [])]
    judged = Judges(checks).judge(RegisteredSite(65_537, b"", 5_000, 0), SLOT, (exported, 0))
    assert (judged.agreed, judged.reported) == (agreed, reported)
    assert len(judged.reasons) == [model, grid].count(False)


def test_judge__model_without_data__is_silent_and_grid_decides() -> None:
    site = RegisteredSite(65_537, b"", 5_000, 0)
    assert Judges([Says(MODEL, None), Says(GRID, True)]).judge(site, SLOT, (500, 0)).reported
    assert not Judges([Says(MODEL, None), Says(GRID, None)]).judge(site, SLOT, (500, 0)).reported


async def test_slot__two_layers_dispute_everywhere__site_settles_without_reading(mesh: Mesh) -> None:
    for member in mesh.members:
        member.council.layers = Judges([Says(MODEL, False), Says(GRID, False)])
    await run_slot(mesh)
    assert mesh.ledger.settled == {(SLOT, 1): None, (SLOT, 2): (0, 0), (SLOT, 3): (20, 0)}
    assert 'net8_events_total{event="withheld_readings"} 1.0' in mesh.members[0].council._metrics.text().decode()


async def test_slot__one_operator_disputes__settles_as_metered(mesh: Mesh) -> None:
    mesh.members[2].council.layers = Judges([Says(MODEL, False), Says(GRID, False)])
    await run_slot(mesh)
    assert mesh.ledger.settled[SLOT, 1] == (500, 0)


async def test_slot__operators_name_different_layers__one_report_and_status_says_what_it_rests_on(mesh: Mesh) -> None:
    for member in mesh.members[:2]:
        member.council.layers = Judges([Says(MODEL, True), Says(GRID, True)])
    mesh.members[2].council.layers = Judges([Says(MODEL, False), Says(GRID, True)])
    await run_slot(mesh)
    assert len(mesh.ledger.reports) == 1
    assert mesh.ledger.settled[SLOT, 1] == (500, 0)
    assert mesh.members[0].council.rests_on[1] == {"meter": 3, "model": 3, "grid": 3}


def test_rests_on__a_layer_that_fewer_than_f_plus_one_name__is_left_out() -> None:
    words = [report.with_layers(report.reading_word(1, 500, 0), mask) for mask in (7, 3, 1, 3)]
    assert report.rests_on([[word] for word in words], 4) == {1: METER | MODEL}
    assert report.agree([[word] for word in words], 4) == [report.reading_word(1, 500, 0)]
    assert [report.layers_of(word) for word in words] == [7, 3, 1, 3]


def test_check__layers_beside_an_index__index_still_checked() -> None:
    report.check_observation([report.with_layers(report.reading_word(256, 1, 1), 7)], 1, 256)
    with pytest.raises(report.ObservationRefused, match="beyond the part's last"):
        report.check_observation([report.with_layers(report.reading_word(257, 1, 1), 7)], 1, 256)
