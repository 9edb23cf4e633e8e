"""What an order comes to, in the lines that every form shows."""

from net8_web import show
from net8_web.context import Here
from net8_web.i18n import t
from net8_web.ticket import Sums

__all__ = ["lines", "reward_line"]


def lines(
    at: Here, sums: Sums, *, held_as: str = "trade.f_margin", relay_fee: int | None = None
) -> list[tuple[str, str]]:
    """Names and values: what is paid or got, what is held for it, and what the shown site has free.

    Args:
        sums: of the order.
        held_as: key of the name of what is held.
        relay_fee: grains that the signer of an order pays on top; None where that is no matter of his.
    """
    total = t("trade.f_you_get" if sums.sell else "trade.f_you_pay")
    found = [(total, f"{show.net8(sums.total)} · {show.euro(sums.total)}")]
    if not sums.sell:
        found.append((t("trade.f_fee"), show.net8(sums.fee)))
    if relay_fee is not None:
        found.append((t("offer.f_relay_fee"), show.net8(relay_fee)))
    found.append((t(held_as), show.net8(sums.held + (relay_fee or 0))))
    if at.site is not None:
        found.append((t("trade.f_free"), show.net8(at.view.free_balance(at.site))))
    return found


def reward_line(relay_fee: int, wh: int, of: int) -> tuple[str, str]:
    """What whoever brings an order in earns by it.

    Args:
        relay_fee: grains for all of the order.
        wh: energy that trades.
        of: energy of all of the order.
    """
    return t("relay.f_reward"), show.net8(relay_fee * wh // of)
