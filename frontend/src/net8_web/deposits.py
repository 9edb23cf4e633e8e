"""Ways for NET8 into a site's balance: with a permit for keys, with an allowance for contract wallets."""

from net8.eip712 import Permit
from net8.units import grains_to_wei

from net8_web import show
from net8_web.allowances import UNSIGNED, permit_deadline
from net8_web.components import wallet
from net8_web.components.wallet import Intent
from net8_web.context import Here
from net8_web.i18n import t

__all__ = ["approve_intent", "deposit_intent", "permit_intent"]


def permit_intent(at: Here, grains: int) -> Intent:
    """Sign a permit and deposit, in one transaction. For accounts with a key."""
    owner, exchange, wei = str(at.account.address), at.view.contracts.exchange, grains_to_wei(grains)
    deadline = permit_deadline(at)
    nonce = at.view.read(at.view.contracts.token.nonces(owner))
    message = Permit(owner=owner, spender=exchange.address, value=wei, nonce=nonce, deadline=deadline)
    call = exchange.deposit_with_permit(at.site or 0, wei, deadline, UNSIGNED)
    label = t("portfolio.deposit_do", amount=show.net8(grains))
    about = f"{at.site}:{grains}"
    return wallet.permit(label, call, message.typed_data(at.view.deployment.token_domain), about)


def approve_intent(at: Here, grains: int) -> Intent | None:
    """Let the exchange take the amount; None when it already may."""
    owner, contracts, wei = str(at.account.address), at.view.contracts, grains_to_wei(grains)
    if at.view.read(contracts.token.allowance(owner, contracts.exchange.address)) >= wei:
        return None
    call = contracts.token.approve(contracts.exchange.address, wei)
    return wallet.call(t("portfolio.approve_do", amount=show.net8(grains)), call)


def deposit_intent(at: Here, grains: int) -> Intent:
    """Deposit what the exchange may already take. For contract wallets, whose signatures no permit takes."""
    call = at.view.contracts.exchange.deposit(at.site or 0, grains_to_wei(grains))
    return wallet.call(t("portfolio.deposit_do", amount=show.net8(grains)), call)
