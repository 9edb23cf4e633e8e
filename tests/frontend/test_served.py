"""What `net8-web` serves, as a process of its own: the app's document at each page's address."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.ports import free_port

START_S = 120  # a machine may be busy


@pytest.fixture(scope="module", params=["", "market"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of an app that knows no chain yet; served at a path of its own, too."""
    port, base = free_port(), request.param
    options = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.baseUrlPath", base]
    folder = tmp_path_factory.mktemp("served")
    with subprocess.Popen([sys.executable, "-m", "net8_web", *options], cwd=folder) as process:
        served = f"http://127.0.0.1:{port}/{base}".rstrip("/")
        deadline = time.monotonic() + START_S
        while not answers(f"{served}/_stcore/health"):
            assert time.monotonic() < deadline, f"the app is not up after {START_S} s"
            time.sleep(0.2)
        yield served
        process.terminate()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def test_document__of_every_page__has_the_app_s_style(address: str) -> None:
    style = (Path(__file__).parents[2] / "frontend/src/net8_web/assets/page.css").read_text()
    for page in ("", "trade", "portfolio", "community", "certificates", "certificate", "reserve", "offer", "operate"):
        answer = requests.get(f"{address}/{page}", timeout=10)
        assert answer.headers["Cache-Control"] == "no-cache"
        assert style in answer.text
        assert "<title>NET8</title>" in answer.text
    assert style not in requests.get(f"{address}/nowhere", timeout=10).text, "left to Streamlit, which says so"


def test_document__of_the_first_page_by_its_name__is_where_it_always_was(address: str) -> None:
    answer = requests.get(f"{address}/street?o=1", timeout=10)
    assert answer.url == f"{address}/?o=1"
