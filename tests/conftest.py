"""What holds for every test: none is skipped but for a reason in this list."""

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

NO_SHARED_DATA = "no shared data beside the checkout"
NO_SMALL_DISK = "no right to mount a small file system"

# Each entry is the exact reason, with a comment on why a machine may lack what it names.
ALLOWED_SKIPS: tuple[str, ...] = (
    NO_SHARED_DATA,  # measured homes and meters' frames are other people's and are not part of the project
    NO_SMALL_DISK,  # a full disk is tried on a small file system, which only root may mount
)

# These begin first. Tests with a browser take one worker for longest; beside them run those whose processes wait for
# each other more than they compute, so that what computes has both cores afterwards. Of these the longest begin first,
# so that no worker is left alone with one of them at the end.
ROOT = Path(__file__).resolve().parents[1]
BROWSER = "tests/browser"
FIRST = (
    BROWSER,
    "tests/street/test_street.py",
    "tests/oracle_node",
    "tests/indexer",
    "tests/chain",
    "tests/contracts/test_exchange_stateful.py",
    "tests/forge/test_invariants.py",
    "tests/bench",
    "tests/contracts/test_oracle_stateful.py",
)

_unexpected: list[str] = []


def _note(nodeid: str, longrepr: object) -> None:
    reason = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    reason = reason.removeprefix("Skipped: ")
    if reason not in ALLOWED_SKIPS:
        _unexpected.append(f"{nodeid}: {reason}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    gone = [name for name in FIRST if not (ROOT / name).exists()]
    if gone:
        raise pytest.UsageError(f"FIRST in tests/conftest.py names what is not there: {gone}")
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    """Of its file among those that begin first."""
    return next((n for n, name in enumerate(FIRST) if item.path.is_relative_to(ROOT / name)), len(FIRST))


class ByFile(LoadFileScheduling):
    """A file's tests run in one worker; those with a browser all in the same, which has one street for them."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return BROWSER if file.startswith(BROWSER) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped:
        _note(report.nodeid, getattr(report, "wasxfail", report.longrepr))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped:
        _note(report.nodeid, report.longrepr)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _unexpected and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _unexpected:
        terminalreporter.section("skipped for a reason that is not on the list of tests/conftest.py", red=True)
        for line in _unexpected:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of measured homes and real meters' frames, used in place: `homes/` and `meters/`."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(NO_SHARED_DATA)
    return folder
