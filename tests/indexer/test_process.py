"""`net8-indexer` as operators run it: killed, misconfigured, and beside another chain."""

import json
from pathlib import Path

import pytest

from tests.indexer.indexing import contents, follower_of, settings_of, to_head
from tests.indexer.processes import Process, run_to_end
from tests.oracle_node.local_chain import LocalChain


def test_run__killed_while_the_street_trades__loses_and_doubles_nothing(local_chain, street, database, tmp_path):
    process = Process(tmp_path, local_chain, database)
    try:
        process.start()
        street.trade(actions=15)
        process.kill()
        street.trade(actions=5)
        process.start()
        process.wait_at_head()
        assert process.stop() == 0
    finally:
        process.close()
    afresh = settings_of(local_chain, str(tmp_path / "afresh.sqlite"))
    with (
        follower_of(local_chain, settings_of(local_chain, database)) as (_, engine),
        follower_of(local_chain, afresh) as (fresh, expected),
    ):
        to_head(fresh)
        assert contents(engine) == contents(expected)


def test_status__behind_the_chain__says_how_many_blocks(local_chain, street, tmp_path):
    process = Process(tmp_path, local_chain, "net8.sqlite")
    status, _, fault = run_to_end("status", "--config", str(process.config))
    assert status == 2
    assert "run `net8-indexer migrate`" in fault
    assert run_to_end("migrate", "--config", str(process.config)) == (0, "", "")
    with follower_of(local_chain, settings_of(local_chain, str(tmp_path / "net8.sqlite"))) as (follower, _):
        to_head(follower)
    local_chain.request("anvil_mine", hex(7))
    told = json.loads(run_to_end("status", "--config", str(process.config))[1])
    assert told["behind"] == 7
    assert told["problem"] is None


def test_run__chain_that_began_anew__refused_in_one_sentence(local_chain, street, tmp_path):
    with follower_of(local_chain, settings_of(local_chain, str(tmp_path / "net8.sqlite"))) as (follower, _):
        to_head(follower)
    (tmp_path / "other").mkdir()
    other = LocalChain(tmp_path / "other", begin=2_000_163_600)
    try:
        process = Process(tmp_path, other, "net8.sqlite")
        status, _, fault = run_to_end("run", "--config", str(process.config))
    finally:
        other.stop()
    assert status == 2
    (sentence,) = fault.splitlines()
    assert sentence.startswith("net8-indexer: the chain begins with block")
    assert "new database" in sentence


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("net8.sqlite", "mysql://x/y"), "'mysql' is no database we know"),
        (("net8.sqlite", "postgresql://u:p@localhost/x"), "a password does not belong into this file"),
        (("net8.sqlite", "postgresql://net8@127.0.0.1:1/x"), "cannot be used"),
        (("net8.sqlite", "/no/such/folder/x"), "cannot be used"),
        (("poll_ms = 20", "poll_ms = 1"), "chain.poll_ms is 1; it should be greater than or equal to 20"),
        (("[limits]", "[limit]"), "limit is not a setting"),
    ],
)
def test_run__configuration_wrong__refused_in_one_sentence(local_chain, tmp_path: Path, change, sentence):
    process = Process(tmp_path, local_chain, "net8.sqlite")
    process.config.write_text(process.config.read_text().replace(*change))
    status, said, fault = run_to_end("run", "--config", str(process.config))
    assert (status, said) == (2, "")
    assert fault.startswith("net8-indexer: ")
    assert sentence in fault
    assert fault.count("\n") == 1
