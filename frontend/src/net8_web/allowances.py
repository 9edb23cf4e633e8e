"""What a contract must be allowed before it can take tokens: by permit where the token knows it, else by approval."""

from net8.abi import CallRefused
from net8.contracts import Token
from net8.eip712 import Domain, Permit
from net8.errors import Refused
from net8.signing import Signature

from net8_web.components import wallet
from net8_web.components.wallet import Intent
from net8_web.context import Here

__all__ = ["PERMIT_SECONDS", "UNSIGNED", "allowance_intent", "permit_deadline"]

PERMIT_SECONDS = 3600  # time to sign and send; by the chain's clock
UNSIGNED = Signature(r=1, s=1, odd=False)  # stands where the browser puts the user's own


def permit_deadline(at: Here) -> int:
    """Until when a permit made now holds; the same for an hour, so that the intent stays the same."""
    return at.view.now // PERMIT_SECONDS * PERMIT_SECONDS + 2 * PERMIT_SECONDS


def _domain(at: Here, token: Token) -> Domain | None:
    """Where the token's permits count; None for one that has no permits or does not tell."""

    def ask() -> Domain | None:
        try:
            return at.view.chain.read(token.domain())
        except (Refused, CallRefused):
            return None

    return at.view.memo(("permit domain", token.address), ask)


def allowance_intent(at: Here, token: Token, spender: str, amount: int, label: str) -> Intent | None:
    """Let `spender` take the amount; None when it already may."""
    owner = str(at.account.address)
    if at.view.read(token.allowance(owner, spender)) >= amount:
        return None
    domain = None if at.view.is_contract(owner) else _domain(at, token)  # a contract wallet signs no permit
    if domain is None:
        return wallet.call(label, token.approve(spender, amount))
    deadline = permit_deadline(at)
    message = Permit(owner, spender, amount, at.view.read(token.nonces(owner)), deadline)
    call = token.permit(owner, spender, amount, deadline, UNSIGNED)
    return wallet.permit(label, call, message.typed_data(domain), f"{spender}:{amount}")
