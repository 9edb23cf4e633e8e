"""What is indexed is what the contracts say, whatever the chain does, in both kinds of database."""

from dataclasses import replace
from importlib.resources import as_file, files
from threading import Thread

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from net8.model import DisputeTier, OrderKind, Outcome
from net8.packing import join_words
from net8.signing import keccak256
from net8_indexer.bulk import insert_rows
from net8_indexer.database import SOCKET_FAULTS, DatabaseRefused, TwoWriters, reading, writing
from net8_indexer.queries import certificates as held
from net8_indexer.queries import court as court_of
from net8_indexer.queries import market, sites
from net8_indexer.queries.community import Exchanged, exchanged, flows
from net8_indexer.queries.oracles import operators, reports
from net8_indexer.queries.seats import seats
from net8_indexer.schema import Base, DisputeStep, table_of
from net8_indexer.writer import AlreadyWritten, Writer
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import DropIndex, DropTable

from tests.indexer.indexing import contents, follower_of, settings_of, to_head
from tests.indexer.street import RandomStreet
from tests.oracle_node.local_chain import LocalChain, Zone, account_of
from tests.oracle_node.postgresql import breakable_line
from tests.oracle_node.processes import wait_for


def assert_equals_views(db, chain: LocalChain, zone: Zone, slots: range) -> None:
    lens = chain.contracts.lens
    balances = chain.read(lens.balances_of(zone.sites[0], len(zone.sites)))
    for site, balance in zip(zone.sites, balances, strict=True):
        assert sites.balance(db, site) == balance
        rows = {row.slot: row for row in sites.positions(db, site, slots[0], slots[-1])}
        for slot in slots:
            said = chain.read(lens.position(site, slot))
            if said.outcome is Outcome.OPEN and said.net_wh == said.value == 0 and slot not in rows:
                continue
            row = rows[slot]
            assert (row.outcome, row.exported, row.imported) == (said.outcome, said.exported, said.imported)
            if said.outcome is Outcome.OPEN:
                assert (row.net_wh, row.value, row.margin) == (said.net_wh, said.value, said.margin)
    for slot in slots:
        standing = market.orders(db, zone=zone.number, slot=slot, limit=500).items
        said = [*chain.read(lens.orders(zone.number, slot, True)), *chain.read(lens.orders(zone.number, slot, False))]
        assert {(int(row.order), row.site, row.price, row.left) for row in standing} == {
            (order.id, order.site, order.price, order.wh) for order in said
        }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_following__random_street__rows_equal_the_contracts_views(local_chain, settings, seed):
    street = RandomStreet(local_chain, seed)
    with follower_of(local_chain, settings) as (follower, engine):
        first = street.slots[0]
        street.trade(actions=40)
        to_head(follower)
        with reading(engine) as db:
            assert market.trades(db, zone=street.zone.number).items, "a street that never traded shows nothing"
            assert_equals_views(db, local_chain, street.zone, street.slots)
        street.finish()
        street.trade(actions=15)
        to_head(follower)
        with reading(engine) as db:
            settled = sites.positions(db, street.zone.sites[0], first, first + 3)
            assert [row.outcome for row in settled].count(Outcome.OPEN) == 0
            assert_equals_views(db, local_chain, street.zone, range(first, first + 12))
            assert follower.behind == 0


def test_following__five_blocks_replaced_by_others__as_if_they_had_never_been(local_chain, street, database, tmp_path):
    with follower_of(local_chain, settings_of(local_chain, database)) as (follower, engine):
        before = local_chain.request("evm_snapshot")
        fork = local_chain.chain.block().number
        street.trade(actions=20)
        street.finish()
        to_head(follower)
        assert follower.block >= fork + 5
        stale = contents(engine)
        assert local_chain.request("evm_revert", before)
        street.begin_again()
        street.random.seed("another future")
        street.trade(actions=25)
        street.finish()
        to_head(follower)
        with follower_of(local_chain, settings_of(local_chain, str(tmp_path / "afresh.sqlite"))) as (fresh, afresh):
            to_head(fresh)
            assert contents(engine) == contents(afresh)
    assert any(set(rows) - set(contents(engine)[name]) for name, rows in stale.items())


def test_following__database_restarts__goes_on_and_loses_nothing(local_chain, street, postgresql_server, tmp_path):
    url = postgresql_server.empty_database()
    with follower_of(local_chain, settings_of(local_chain, url)) as (follower, engine):
        to_head(follower)
        street.trade(actions=10)
        with postgresql_server.away(), pytest.raises((DBAPIError, *SOCKET_FAULTS)):
            follower.look()
        street.trade(actions=10)
        to_head(follower)
        with follower_of(local_chain, settings_of(local_chain, str(tmp_path / "afresh.sqlite"))) as (fresh, afresh):
            to_head(fresh)
            assert contents(engine) == contents(afresh)


@pytest.mark.parametrize(
    ("word", "answered"), [(b"", False), (b"COMMIT\0", True)], ids=["under a write", "before the answer to a commit"]
)
def test_following__connection_reset__goes_on_by_itself(
    local_chain, street, postgresql_server, tmp_path, word, answered
):
    url = make_url(postgresql_server.empty_database())
    with breakable_line(postgresql_server.port) as line:
        through = url.set(port=line.port).render_as_string()
        with follower_of(local_chain, settings_of(local_chain, through)) as (follower, engine):
            following = Thread(target=follower.run)
            following.start()
            try:
                wait_for(lambda: follower.block == local_chain.chain.block().number, "indexed")
                line.break_at(word, answered=answered)
                street.trade(actions=5)
                wait_for(lambda: follower.block == local_chain.chain.block().number, "indexed after all")
                assert line.is_broken
            finally:
                follower.stop()
                following.join()
            with follower_of(local_chain, settings_of(local_chain, str(tmp_path / "afresh.sqlite"))) as (fresh, afresh):
                to_head(fresh)
                assert contents(engine) == contents(afresh)


def test_roll_back__answer_to_the_commit_lost__gone_on_from_there_unless_another_writes_too(
    local_chain, street, postgresql_server
):
    url = make_url(postgresql_server.empty_database())
    with breakable_line(postgresql_server.port) as line:
        settings = settings_of(local_chain, url.set(port=line.port).render_as_string())
        deployment = settings.chain.contracts()
        known = deployment.chain_id, deployment.address("EnergyExchange"), deployment.first_block
        with follower_of(local_chain, settings) as (follower, engine):
            to_head(follower)
            writer = Writer(engine, *known)
            head = writer.block

            def lose_the_answer(block: int) -> None:
                line.break_at(b"COMMIT\0", answered=True)
                with pytest.raises(SOCKET_FAULTS):
                    writer.roll_back(block)

            lose_the_answer(head - 2)
            with pytest.raises(AlreadyWritten):
                writer.roll_back(head - 2)
            assert writer.block == head - 2
            lose_the_answer(head - 3)
            Writer(engine, *known).roll_back(head - 4)
            with pytest.raises(TwoWriters, match="another indexer"):
                writer.roll_back(head - 3)


def test_following__hostile_text_and_ids_in_logs__read_as_they_can_be_and_nothing_stops(local_chain, settings):
    street, certificates = RandomStreet(local_chain, seed=4, sites=1), local_chain.contracts.certificates
    street.finish()
    (site,), hour = street.zone.sites, street.settled_hour
    sender, owner, certificate = street.senders[site], street.senders[site].address, site << 32 | hour
    sender.send(certificates.mint(site, hour, owner))
    retiring = certificates.retire(owner, {certificate: 1}, "MARK", "a\tb\\c\nd")
    sender.send(replace(retiring, data=retiring.data.replace(b"MARK", b"\xff\x00'\"")))
    sender.send(certificates.transfer(owner, owner, 2**240 | hour, 0))
    with follower_of(local_chain, settings) as (follower, engine):
        to_head(follower)
        with reading(engine) as db:
            (row, *_) = held.retirements(db, certificate=certificate).items
            assert (row.beneficiary, row.purpose) == ("\ufffd\ufffd'\"", "a\tb\\c\nd")


def test_following__operators_come_go_and_are_disputed__as_registry_and_court_say(local_chain, settings):
    street, jury = RandomStreet(local_chain, seed=6, sites=1), local_chain.new_zone(operators=4)
    registry, court = local_chain.contracts.registry, local_chain.contracts.court
    street.finish()
    local_chain.send(local_chain.contracts.token.approve(court.address, 2**255))
    accusation = court.open_dispute(
        street.reported, 0, 2, DisputeTier.NEGLIGENT, (7, 0), list(street.signatures.values())
    )  # fmt: skip
    local_chain.send(accusation)
    number = local_chain.read(court.dispute_count())
    for judge in jury.operators:
        local_chain.send(court.vote(number, judge.id, True))
    local_chain.move_to(local_chain.read(court.dispute(number)).ends_at + 4 * 86_400)  # nobody appeals
    local_chain.send(court.execute(number))
    fifth = street.zone.add_operator()
    first, second, *_ = local_chain.read(registry.zone_operators(street.zone.number))
    local_chain.send(registry.remove(street.zone.number, second))
    local_chain.send(registry.rotate_signer(first, account_of(f"rotated {first}").address, 3_600))
    local_chain.send(registry.top_up(fifth.id, 5))
    with follower_of(local_chain, settings) as (follower, engine):
        to_head(follower)
        with reading(engine) as db:
            said = local_chain.read(court.dispute(number))
            told = court_of.disputes(db, site=street.zone.sites[0]).items[0]
            assert (told.number, told.slot, told.tier, told.state) == (number, said.slot, said.tier, said.state)
            assert (told.export_wh, told.import_wh) == said.truth == (7, 0)
            assert told.accused == local_chain.read(court.accused(number))
            assert told.entries_hash == keccak256(join_words(street.reported.entries)).hex()
            assert told.settled_in == reports(db, zone=street.zone.number).items[0].tx
            steps = court_of.dispute_steps(db, number).items
            assert [step.kind for step in steps] == ["end", *["vote"] * 4]
            seated = local_chain.read(registry.zone_operators(street.zone.number))
            assert [seat.operator for seat in seats(db, street.zone.number)] == seated
            for row in operators(db, limit=500).items:
                standing = local_chain.read(registry.operator(row.id))
                assert (row.stake, row.signer) == (standing.stake, standing.signer)
                assert row.zones == local_chain.read(registry.operator_zones(row.id))


def test_following__trade_between_zones__flow_of_both_and_transport_paid(local_chain, settings):
    here, there = RandomStreet(local_chain, seed=9, sites=1), RandomStreet(local_chain, seed=10, sites=1)
    (seller,), (buyer,), grid = here.zone.sites, there.zone.sites, local_chain.contracts.grid
    for zone, other, fee in ((here, there, 3), (there, here, 4)):
        local_chain.send(grid.set_link(zone.zone.number, other.zone.number, 5_000, fee))
    slot = there.first_slot
    assert here.place(seller, slot, True, 400, 1_000)
    desk = local_chain.contracts.desk
    call = desk.take_abroad(buyer, here.zone.number, slot, False, 400, 700, OrderKind.IMMEDIATE_OR_CANCEL, 7)
    there.senders[buyer].send(call)
    with follower_of(local_chain, settings) as (follower, engine):
        to_head(follower)
        with reading(engine) as db:
            for zone in (here.zone, there.zone):
                assert_equals_views(db, local_chain, zone, range(slot, slot + 1))
                (flow,) = flows(db, zone.number, slot, slot).flows
                assert (flow.seller, flow.buyer, flow.traded, flow.value) == (seller, buyer, 700, 280_000)
            assert Exchanged(here.zone.number, there.zone.number, 700, 280_000) in exchanged(db, slot, slot)
            transport = sites.movements(db, buyer).items[0]
            assert (transport.kind, transport.grains) == ("transport", -7 * 700)


def test_following__chain_that_began_anew__refused_and_nothing_lost(local_chain, street, settings, tmp_path):
    with follower_of(local_chain, settings) as (follower, engine):
        to_head(follower)
        held = contents(engine)
        other = LocalChain(tmp_path, begin=2_000_163_600)
        try:
            with follower_of(other, settings) as (of_other, _), pytest.raises(DatabaseRefused, match="begins with"):
                of_other.look()
        finally:
            other.stop()
        assert contents(engine) == held


def test_following__two_writers__the_later_one_refused(local_chain, street, settings):
    with follower_of(local_chain, settings) as (first, engine), follower_of(local_chain, settings) as (second, _):
        to_head(first)
        with pytest.raises(TwoWriters, match="another indexer"):
            second.look()
        held = contents(engine)
        street.trade(actions=5)
        to_head(first)
        assert contents(engine) != held


def test_insert_rows__many_of_every_kind_of_value__come_back_as_they_were(local_chain, settings):
    words = ["", r"\N", "\\", "a\tb", "c\nd\re", "'\";--", "\ufffd \u0645\u0635\u0628\u0627\u062d \U0001f50b"]
    steps = [
        {
            "at": at, "time": 2**40, "dispute": at, "kind": "vote", "round": None, "operator": at % 2 or None,
            "account": words[at % len(words)], "uphold": bool(at % 3), "wei": 2**256 - 1 - at, "compensation": 0,
            "state": None, "tx": bytes([at, 0, 92, 10]),
        }
        for at in range(60)
    ]  # fmt: skip
    table = table_of(DisputeStep)
    with follower_of(local_chain, settings) as (_, engine):
        with writing(engine) as db:
            insert_rows(db, table, steps)
        with reading(engine) as db:
            assert [row._asdict() for row in db.execute(select(table).order_by(table.c.at))] == steps


def test_migrations__from_an_empty_database__make_the_tables_that_the_code_knows(local_chain, settings):
    with follower_of(local_chain, settings) as (_, engine), engine.connect() as db:
        assert compare_metadata(MigrationContext.configure(db), Base.metadata) == []


@pytest.mark.parametrize("version", ["0001", "0002", "0003"])
def test_migrations__database_of_a_version_before__read_again_from_the_chain(version, local_chain, street, database):
    settings = settings_of(local_chain, database)
    with follower_of(local_chain, settings) as (follower, engine):
        to_head(follower)
        whole = contents(engine)
    with as_file(files("net8_indexer") / "migrations") as scripts, writing(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(scripts))
        config.attributes["connection"] = connection
        connection.execute(text("ALTER TABLE dispute DROP COLUMN entries_hash"))
        for name in ("time", "tx") if version < "0003" else ():
            connection.execute(text(f"ALTER TABLE orders DROP COLUMN {name}"))
        if version == "0001":
            for name in ("default_terms", "link", "open_position", "overdue"):
                connection.execute(DropTable(Base.metadata.tables[name]))
            connection.execute(DropIndex(next(iter(Base.metadata.tables["block"].indexes))))
        command.stamp(config, version, purge=True)
    engine.dispose()
    with follower_of(local_chain, settings) as (follower, engine):
        assert contents(engine)["trade"] == contents(engine)["orders"] == []
        to_head(follower)
        assert contents(engine) == whole
        assert whole["default_terms"]
        assert whole["open_position"]
