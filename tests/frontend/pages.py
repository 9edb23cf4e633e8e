"""What tests of pages share: a chain that answers what it was told to, and pages as somebody sees them."""

from net8.client import BlockHeader
from net8.contracts import Contracts
from net8.deployment import CONTRACTS, Deployment
from net8.errors import refusal
from net8_web.components.wallet import Account, Network
from net8_web.feed import View
from net8_web.settings import read
from streamlit.testing.v1 import AppTest

from tests.frontend.conftest import OWNER, SELLER, SLOT, Tape

NOW = SLOT * 900 - 3600  # an hour before the slot


class KnownChain:
    """Answers calls by their label, everything else is refused; what it is told to refuse has a reason."""

    def __init__(self, answers: dict[str, object]) -> None:
        self.answers = answers
        self.refused: dict[str, str] = {}  # label -> the contract's reason

    def read(self, call, sender=None):
        if call.label in self.refused:
            raise refusal(self.refused[call.label], call.label)
        return self.answers[call.label]

    def read_many(self, calls):
        return [self.read(call) for call in calls]

    def balance(self, _):
        return 10**18

    def request(self, *_):
        return "0x"


def view_of(tape: Tape, chain: KnownChain, environment: dict[str, str] | None = None) -> View:
    """The tape's market one hour before the slot, with settings read from an environment."""
    records = {
        name: {"address": f"0x{number:040x}", "block": 1, "args": [], "code_hash": "0x" + "0" * 64}
        for number, name in enumerate(CONTRACTS, start=1)
    }
    deployment = Deployment.model_validate({"chain_id": 31337, "owner": OWNER, "contracts": records})
    network = Network(31337, "NET8 street", "http://127.0.0.1:8545", None, "ETH", "0")
    head = BlockHeader(number=9, timestamp=NOW, base_fee=0, hash="0x" + "9" * 64)
    return View(
        read(environment or {}), deployment, Contracts.of(deployment), network, chain, head, tape.market, 0, False
    )


def page(name: str, account: str | None = OWNER) -> AppTest:
    """A page as an account sees it, with the seller's site chosen where it is the owner's."""
    return seen(f"from net8_web.pages import {name}\n{name}.render()\n", account)


def seen(script: str, account: str | None = OWNER) -> AppTest:
    """The same of what a script draws."""
    made = AppTest.from_string(script, default_timeout=30)
    if account is not None:
        made.session_state["_account"] = Account(address=account, chain_id=31337, wallet="Test", wallets=1, ready=True)
        made.session_state["_site"] = SELLER
    return made


def texts(shown: AppTest) -> str:
    """All that a page says outside of components."""
    kinds = ("markdown", "caption", "warning", "info", "subheader", "title")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(shown, kind))


def html(shown: AppTest) -> str:
    """All tables, facts and drawings of a page."""
    return "\n".join(element.proto.body for element in shown.get("html"))
