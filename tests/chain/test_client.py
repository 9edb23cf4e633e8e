"""The clients against a real node: event loops, threads, wrong addresses, wrong chains."""

import json
import threading

import pytest
from net8.client import Chain, connect
from net8.client.aio import AsyncChain
from net8.contracts.core import Call
from net8.deployment import DeploymentRefused
from net8.errors import ChainUnreachable, DeploymentMismatch, OrderRefused, Refused
from net8.events import OrderPlaced, SiteRegistered, Trade
from net8.units import hour_of_slot

from tests.chain.deployed import as_json
from tests.chain.test_trading import PRICE, trade
from tests.ports import free_port

pytestmark = pytest.mark.chain


@pytest.fixture
def deployment_file(street, tmp_path):
    path = tmp_path / "31337.json"
    path.write_text(as_json(street.deployment))
    return path


def test_connect__right_chain__reads(street, url, deployment_file):
    chain, contracts = connect(url, deployment_file)
    assert chain.read(contracts.grid.zone_count()) == 1
    assert chain.read(contracts.registry.zone_signers(1)) == [oracle.address for oracle in street.people.oracles]
    assert chain.read(contracts.registry.quorum(1)) == 3


def test_connect__other_code_than_deployed__refused(url, deployment_file):
    content = json.loads(deployment_file.read_text())
    content["contracts"]["Reserve"]["address"] = content["contracts"]["NET8"]["address"]
    deployment_file.write_text(json.dumps(content))
    with pytest.raises(DeploymentMismatch, match="other code than the deployment file says"):
        connect(url, deployment_file)


def test_connect__no_node__said_within_the_time(deployment_file):
    with pytest.raises(ChainUnreachable, match="check that the node runs"):
        connect(f"http://127.0.0.1:{free_port()}", deployment_file, timeout=1)


def test_connect__no_file__said(url, tmp_path):
    with pytest.raises(DeploymentRefused, match="deploy first"):
        connect(url, tmp_path / "nothing.json")


def test_events__of_chosen_kinds__oldest_first_with_their_place(street, seller, buyer):
    order, taken = trade(street, seller, buyer, street.slot)
    found = street.chain.events([street.contracts.exchange], [OrderPlaced, Trade])
    assert [type(logged.event) for logged in found] == [OrderPlaced, Trade]
    assert found[1].event.order == order
    assert (found[1].transaction, found[1].block) == (taken.transaction, taken.block)
    registered = street.chain.events([street.contracts.grid.address], [SiteRegistered])
    assert [logged.event.site for logged in registered] == [street.seller_site, street.buyer_site]
    assert street.chain.receipt(taken.transaction) == taken
    assert street.chain.receipt("0x" + "00" * 32) is None


def test_read__at_an_earlier_block__answers_for_then(street, seller):
    before = street.chain.block().number
    placed = seller.send(street.contracts.exchange.place(street.seller_site, street.slot, True, PRICE, 500))
    call = street.contracts.lens.order(placed.find(OrderPlaced)[0].order)
    assert street.chain.read(call).wh == 500
    assert street.chain.read(call, block_identifier=before).wh == 0


def test_read_many__more_than_one_batch__in_order(street, url):
    few_at_a_time = Chain(url, batch=3)
    calls = [street.contracts.lens.terms(street.zone, hour_of_slot(street.slot) + i) for i in range(10)]
    assert few_at_a_time.read_many(calls) == street.chain.read_many(calls)


def test_sender__used_from_many_threads__every_transaction_comes_through(street, seller):
    slots = [street.slot + i for i in range(12)]
    placed = []

    def place(slot):
        receipt = seller.send(street.contracts.exchange.place(street.seller_site, slot, True, PRICE, 100))
        placed.append(receipt.find(OrderPlaced)[0].place.slot)

    threads = [threading.Thread(target=place, args=(slot,)) for slot in slots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(placed) == slots


def test_sender__two_programs_with_one_account__both_come_through(street):
    exchange = street.contracts.exchange
    one, other = street.sender(street.people.seller), street.sender(street.people.seller)
    for slot in (street.slot, street.slot + 1):
        for sender in (one, other):
            assert sender.send(exchange.place(street.seller_site, slot, True, PRICE, 100)).find(OrderPlaced)


def test_send__refused_only_once_mined__reason_found(street, seller, buyer):
    """Two of the same cancel: the second is tried before the first is mined, so it fails on the chain."""
    exchange = street.contracts.exchange
    order = seller.send(exchange.place(street.seller_site, street.slot, True, PRICE, 500)).find(OrderPlaced)[0].order
    first = seller.prepare(exchange.cancel(order))
    second = seller.prepare(exchange.cancel(order), nonce=first.nonce + 1)
    seller.submit(first)
    with pytest.raises(OrderRefused, match="no longer in the book"):
        seller.submit(second)
    assert buyer.send(exchange.place(street.buyer_site, street.slot, False, PRICE, 500)).find(OrderPlaced)


def test_submit__the_same_bytes_twice__one_receipt(street, seller):
    prepared = seller.prepare(street.contracts.exchange.place(street.seller_site, street.slot, True, PRICE, 500))
    assert seller.submit(prepared) == seller.submit(prepared)


def test_read__refusal_without_a_reason__refused(street):
    unknown = Call(street.contracts.exchange.address, b"\1\2\3\4", "EnergyExchange.unknown", lambda data: data)
    with pytest.raises(Refused, match="unknown refused"):
        street.chain.read(unknown)


async def test_aio__the_same_on_an_event_loop(street, url):
    chain = AsyncChain(url)
    try:
        await chain.verify(street.deployment)
        exchange, lens = street.contracts.exchange, street.contracts.lens
        sender = chain.sender(street.people.seller)
        receipt = await sender.send(exchange.place(street.seller_site, street.slot, True, PRICE, 500))
        order = receipt.find(OrderPlaced)[0].order
        assert (await chain.read(lens.order(order))).wh == 500
        assert await chain.read_many([exchange.zone_account(street.zone)]) == street.chain.read_many(
            [exchange.zone_account(street.zone)]
        )
        assert (await chain.block()).number == receipt.block
        assert await chain.receipt(receipt.transaction) == receipt
        logged = await chain.events([exchange], [OrderPlaced], first=receipt.block)
        assert [found.event.order for found in logged] == [order]
        prepared = await sender.prepare(exchange.cancel(order))
        await sender.submit(prepared)
        with pytest.raises(OrderRefused, match="no longer in the book"):
            await sender.send(exchange.cancel(order))
        assert await chain.request("eth_chainId") == "0x7a69"
    finally:
        await chain.close()


async def test_aio__no_node__said_within_the_time():
    chain = AsyncChain(f"http://127.0.0.1:{free_port()}", timeout=1)
    try:
        with pytest.raises(ChainUnreachable, match="check that the node runs"):
            await chain.block()
    finally:
        await chain.close()
