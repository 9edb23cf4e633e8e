"""Sending, told as a conversation with a node: what is asked, what is answered, what comes out."""

import subprocess
import sys

import pytest
from eth_account import Account
from net8.client import flows
from net8.client.rpc import Ask, Pause, answers_of, fault_of
from net8.contracts import Exchange
from net8.errors import (
    ChainFault,
    ChainUnreachable,
    DeploymentMismatch,
    OrderRefused,
    OutOfGas,
    OutOfGasMoney,
    Refused,
    Unconfirmed,
)

EXCHANGE = "0x" + "11" * 20
CALL = Exchange(EXCHANGE).cancel(1 << 49)
REVERTED = {
    "code": 3,
    "message": "execution reverted: order: gone",
    "data": "0x08c379a0" + (32).to_bytes(32).hex() + (11).to_bytes(32).hex() + b"order: gone".ljust(32, b"\0").hex(),
}
HEAD = {"result": {"baseFeePerGas": "0x64", "number": "0x5", "timestamp": "0x1", "hash": "0x00"}}
GOOD = {"result": "0x5208"}
NO_RECEIPT = {"result": None}
NO_SUCH_METHOD = {"error": {"code": -32601, "message": "method not found"}}


def receipt_of(transaction, status="0x1"):
    return {
        "result": {
            "transactionHash": transaction,
            "status": status,
            "blockNumber": "0x7",
            "gasUsed": "0x5208",
            "effectiveGasPrice": "0x65",
            "logs": [],
        }
    }


class Node:
    """Answers by method, in the order given; a last answer stays. Exceptions are raised into the flow."""

    def __init__(self, **answers):
        self.answers = {method: list(given) for method, given in answers.items()}
        self.asked = []
        self.paused = 0.0

    def answer(self, method, parameters):
        self.asked.append((method, parameters))
        queue = self.answers[method]
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(parameters) if callable(answer) else answer

    def run(self, flow):
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    self.paused += step.seconds
                    step = flow.send([])
                    continue
                assert isinstance(step, Ask)
                try:
                    answers = [self.answer(*request) for request in step.requests]
                except ChainUnreachable as fault:
                    step = flow.throw(fault)
                else:
                    step = flow.send(answers)
        except StopIteration as done:
            return done.value

    def methods(self):
        return [method for method, _ in self.asked]


def node(**answers):
    return Node(
        **{
            "eth_estimateGas": [GOOD],
            "eth_getBlockByNumber": [HEAD],
            "eth_maxPriorityFeePerGas": [{"result": "0x1"}],
            "eth_chainId": [{"result": "0x7a69"}],
            "eth_getTransactionCount": [{"result": "0x4"}],
        }
        | answers
    )


@pytest.fixture
def state():
    return flows.SenderState(Account.from_key(b"\1" * 32), receipt_timeout=0.0)


@pytest.fixture
def prepared(state):
    return node().run(flows.prepare(state, CALL, 0, None))


def send(state):
    return flows.send(state, CALL, 0, None)


def test_prepare__contract_would_refuse__refused_and_nothing_sent(state):
    chain = node(eth_estimateGas=[{"error": REVERTED}])
    with pytest.raises(OrderRefused, match="no longer in the book"):
        chain.run(send(state))
    assert not any("sendRaw" in method for method in chain.methods())


def test_prepare__gas_given__tried_by_a_call_and_not_estimated(state):
    chain = node(eth_call=[{"result": "0x"}])
    signed = chain.run(flows.prepare(state, CALL, 0, 123_456))
    assert "eth_estimateGas" not in chain.methods()
    assert Account.recover_transaction(signed.raw) == state.address


def test_prepare__number_given__not_asked_for(state):
    chain = node()
    assert chain.run(flows.prepare(state, CALL, 0, None, nonce=9)).nonce == 9
    assert "eth_getTransactionCount" not in chain.methods()


def test_send__node_knows_one_call_sending__one_exchange_of_messages(state):
    chain = node(eth_sendRawTransactionSync=[receipt_of("0xaa")])
    receipt = chain.run(send(state))
    assert (receipt.transaction, receipt.block, receipt.gas_used, receipt.gas_price) == ("0xaa", 7, 21_000, 101)
    assert chain.methods()[-1] == "eth_sendRawTransactionSync"
    assert state.nonce == 5


def test_send__second_transaction__number_and_chain_are_remembered(state):
    chain = node(eth_sendRawTransactionSync=[receipt_of("0xaa")])
    chain.run(send(state))
    chain.asked.clear()
    chain.run(send(state))
    assert "eth_getTransactionCount" not in chain.methods()
    assert "eth_chainId" not in chain.methods()
    assert state.nonce == 6


def test_send__node_without_one_call_sending__sent_and_waited_for_once_learnt(state, prepared):
    state.receipt_timeout = 60.0
    chain = node(
        eth_sendRawTransactionSync=[NO_SUCH_METHOD],
        eth_sendRawTransaction=[{"result": prepared.transaction}],
        eth_getTransactionReceipt=[NO_RECEIPT, NO_RECEIPT, receipt_of(prepared.transaction)],
    )
    assert chain.run(flows.submit(state, prepared)).transaction == prepared.transaction
    assert chain.paused > 0
    chain.run(flows.submit(state, prepared))
    assert chain.methods().count("eth_sendRawTransactionSync") == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"code": -32000, "message": "already known"}},
        {"error": {"code": 4, "message": "transaction was not confirmed in time"}},
        {"error": {"code": -32003, "message": "nonce too low"}},
        {"result": None},
    ],
)
def test_submit__sent_before__its_receipt_is_found(state, prepared, answer):
    chain = node(eth_sendRawTransactionSync=[answer], eth_getTransactionReceipt=[receipt_of(prepared.transaction)])
    assert chain.run(flows.submit(state, prepared)).transaction == prepared.transaction


def test_submit__node_stops_answering__goes_on_looking(state, prepared):
    state.receipt_timeout = 60.0
    chain = node(
        eth_sendRawTransactionSync=[ChainUnreachable("no answer")],
        eth_getTransactionReceipt=[ChainUnreachable("no answer"), receipt_of(prepared.transaction)],
    )
    assert chain.run(flows.submit(state, prepared)).transaction == prepared.transaction


def test_submit__no_receipt_in_time__unconfirmed_with_its_hash(state, prepared):
    chain = node(eth_sendRawTransactionSync=[{"result": None}], eth_getTransactionReceipt=[NO_RECEIPT])
    with pytest.raises(Unconfirmed, match="look it up before sending it again") as unconfirmed:
        chain.run(flows.submit(state, prepared))
    assert unconfirmed.value.transaction == prepared.transaction


def test_send__after_an_unconfirmed_one__number_asked_of_the_node(state):
    state.nonce = 4
    chain = node(
        eth_getTransactionCount=[{"result": "0x4"}, {"result": "0x5"}],  # mined, then with what is pending
        eth_sendRawTransactionSync=[{"result": None}, receipt_of("0xbb")],
        eth_getTransactionReceipt=[NO_RECEIPT],
    )
    with pytest.raises(Unconfirmed):
        chain.run(send(state))
    assert chain.run(send(state)).transaction == "0xbb"
    assert state.nonce == 6


def test_send__another_program_took_the_number__prepared_again(state):
    state.nonce = 3
    chain = node(
        eth_sendRawTransactionSync=[{"error": {"code": -32003, "message": "nonce too low"}}, receipt_of("0xbb")],
        eth_getTransactionReceipt=[NO_RECEIPT],
    )
    assert chain.run(send(state)).transaction == "0xbb"
    assert state.nonce == 5


def test_send__numbers_taken_again_and_again__given_up(state):
    chain = node(
        eth_getTransactionCount=[{"result": number} for number in ("0x4", "0x9", "0x9", "0xc")],
        eth_sendRawTransactionSync=[{"error": {"code": -32003, "message": "nonce too low"}}],
        eth_getTransactionReceipt=[NO_RECEIPT],
    )
    with pytest.raises(flows.NonceTaken, match="was used by another transaction"):
        chain.run(send(state))


def test_submit__failed_on_chain__reason_found_before_its_block(state, prepared):
    chain = node(
        eth_sendRawTransactionSync=[receipt_of(prepared.transaction, status="0x0")],
        eth_call=[{"result": "0x"}, {"error": REVERTED}],
    )
    with pytest.raises(OrderRefused, match="no longer in the book"):
        chain.run(flows.submit(state, prepared))
    assert [parameters[1] for method, parameters in chain.asked if method == "eth_call"] == ["0x6", "0x7"]
    assert state.nonce == prepared.nonce + 1


def test_submit__all_its_gas_used__out_of_gas_and_not_a_refusal(state, prepared):
    failed = receipt_of(prepared.transaction, status="0x0")
    failed["result"]["gasUsed"] = hex(prepared.gas)
    chain = node(eth_sendRawTransactionSync=[failed])
    with pytest.raises(OutOfGas, match="ran out of gas; nothing changed"):
        chain.run(flows.submit(state, prepared))


def test_prepare__order_that_may_meet_others__has_gas_to_spare(state):
    order = Exchange(EXCHANGE).place(65537, 1, True, 1000, 100)
    assert node().run(flows.prepare(state, order, 0, None)).gas == 21_000 * 5 // 4 + 20_000 + 800_000


def test_prepare__estimate_near_the_limit_of_a_transaction__kept_below_it(state):
    chain = node(eth_estimateGas=[{"result": hex(16_000_000)}])
    assert chain.run(flows.prepare(state, CALL, 0, None)).gas == 16_777_216


def test_submit__failed_on_chain_for_no_reason_now__refused_all_the_same(state, prepared):
    chain = node(
        eth_sendRawTransactionSync=[receipt_of(prepared.transaction, status="0x0")], eth_call=[{"result": "0x"}]
    )
    with pytest.raises(Refused, match="no words for"):
        chain.run(flows.submit(state, prepared))


def test_submit__refused_by_the_node__said_and_number_kept(state, prepared):
    chain = node(eth_sendRawTransactionSync=[{"error": {"code": -32000, "message": "transaction underpriced"}}])
    with pytest.raises(ChainFault, match="answered 'transaction underpriced'"):
        chain.run(flows.submit(state, prepared))
    assert state.nonce is None


def test_receipt__failed_transaction__refused():
    chain = node(eth_getTransactionReceipt=[receipt_of("0xaa", status="0x0")])
    with pytest.raises(Refused, match="transaction 0xaa"):
        chain.run(flows.receipt("0xaa"))


def test_receipt__none_yet__none():
    assert node(eth_getTransactionReceipt=[NO_RECEIPT]).run(flows.receipt("0xaa")) is None


def test_block__not_there_yet__said():
    with pytest.raises(ChainFault, match="no block 99 yet"):
        node(eth_getBlockByNumber=[{"result": None}]).run(flows.block(99))


def test_events__many_blocks__asked_in_pieces():
    chain = node(eth_getLogs=[{"result": []}])
    assert chain.run(flows.events([EXCHANGE], [], 5, 25_004)) == []
    ranges = [(wanted["fromBlock"], wanted["toBlock"]) for _, (wanted,) in chain.asked]
    assert [(int(first, 16), int(last, 16)) for first, last in ranges] == [
        (5, 10_004),
        (10_005, 20_004),
        (20_005, 25_004),
    ]


def test_verify__another_chain__refused():
    with pytest.raises(DeploymentMismatch, match="serves chain 31337, the deployment is on chain 100"):
        node().run(flows.verify(100, {}))


def test_verify__other_code__refused():
    with pytest.raises(DeploymentMismatch, match="other code"):
        node(eth_getCode=[{"result": "0x00"}]).run(flows.verify(31337, {EXCHANGE: "0x" + "0" * 64}))


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (REVERTED, OrderRefused, "order: gone"),
        ({"code": -32000, "message": "reverted", "data": {"data": REVERTED["data"]}}, OrderRefused, "order: gone"),
        ({"code": -32000, "message": "execution reverted: order: gone"}, OrderRefused, "order: gone"),
        ({"code": 3, "message": "execution reverted", "data": "0x"}, Refused, ""),
    ],
)
def test_fault_of__refusal_in_any_dialect__typed(error, kind, reason):
    fault = fault_of(error, "EnergyExchange.cancel")
    assert type(fault) is kind
    assert fault.reason == reason


def test_fault_of__no_money_for_gas__said():
    fault = fault_of({"code": -32000, "message": "Insufficient funds for gas * price + value"}, "EnergyExchange.cancel")
    assert isinstance(fault, OutOfGasMoney)


def test_fault_of__anything_else__chain_fault():
    fault = fault_of({"code": -32005, "message": "limit exceeded"}, "eth_getLogs")
    assert isinstance(fault, ChainFault)
    assert str(fault) == "eth_getLogs: the node answered 'limit exceeded' (code -32005)"


def test_answers_of__out_of_order__sorted_by_question():
    answers = answers_of([{"id": 1, "result": "b"}, {"id": 0, "result": "a"}], 2, "http://node")
    assert [answer["result"] for answer in answers] == ["a", "b"]


def test_answers_of__single_question__error_without_number_is_an_answer():
    assert answers_of({"id": None, "error": {"code": -32700}}, 1, "http://node")[0]["error"]["code"] == -32700


@pytest.mark.parametrize("content", [{"error": {"code": -32005}, "id": None}, [], [{"id": 0, "result": 1}], "no", None])
def test_answers_of__batch_not_answered_in_full__said(content):
    with pytest.raises(ChainFault, match="use a smaller `batch`"):
        answers_of(content, 2, "http://node")


def test_import__whole_sdk__never_loads_web3():
    code = "import net8.client.aio, net8.audit, sys; print('web3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
