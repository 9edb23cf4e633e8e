"""What the bench of a year says follows from what it measured."""

import pytest

from bench import year

MEASURED = {
    "days": 365, "logs": 3_600_000, "site_slots": 3_504_000, "state": {"s": 2.0, "mb": 21.5}, "first_visit_s": 6.0,
    "pages": {"street": {"median_s": 0.5, "most_s": 0.9}, "trade": {"median_s": 1.25, "most_s": 1.5}},
    "certificate_load_s": 3.0, "first_load": {"app_s": 3.0, "empty_s": 2.5, "ratio": 1.2}, "memory_mb": 250,
}  # fmt: skip


def test_sentence__several_pages__tells_the_slowest_and_the_ratio() -> None:
    told = year.sentence(MEASURED)
    assert "3,504,000 settled site-slots" in told
    assert "within 1.25 s of a click" in told
    assert "1.2 times an empty page's" in told


@pytest.mark.parametrize("said", ["street: 0.5 s", "trade: 1.25 s", "ratio 1.2", "21.5 MB in 2.0 s", "address: 3.0 s"])
def test_lines__every_figure__is_told(said) -> None:
    assert said in "\n".join(year.lines(MEASURED))
