"""What can go wrong with a contract or a chain, as typed exceptions that say what to do.

The contracts refuse with reasons `"area: fault"`. Each area is an exception here, each reason a sentence in
`net8/reasons/<language>.toml`, so that translators need no code and callers can catch what they can mend:

    except BalanceRefused: ask for a deposit
    except Refused as refusal: show(refusal.sentence())
"""

import tomllib
from functools import cache
from importlib.resources import files

__all__ = [
    "AREAS",
    "AccessRefused",
    "AgentRefused",
    "AlertRefused",
    "AmountRefusedByContract",
    "BackingRefused",
    "BalanceRefused",
    "BookRefused",
    "CertificateRefused",
    "ChainFault",
    "ChainUnreachable",
    "CourtRefused",
    "DeploymentMismatch",
    "DisputeRefused",
    "EarningsRefused",
    "GuardianRefused",
    "LinkRefused",
    "MeterRefused",
    "MintRefused",
    "Net8Error",
    "NonceRefused",
    "OperatorRefused",
    "OrderRefused",
    "OutOfGas",
    "OutOfGasMoney",
    "PoolRefused",
    "PositionRefused",
    "PriceRefused",
    "ProofRefused",
    "RecordRefused",
    "Refused",
    "ReportRefused",
    "ReserveRefused",
    "RewardRefused",
    "SettlementRefused",
    "SiteRefused",
    "StakeRefused",
    "TermsRefused",
    "TokenRefused",
    "Unconfirmed",
    "VaultRefused",
    "WiringRefused",
    "ZoneRefused",
    "reasons",
    "refusal",
]


class Net8Error(Exception):
    """Anything a chain or a contract says no to. The message is one sentence for people."""


class ChainUnreachable(Net8Error):
    """The node did not answer in time or at all."""


class ChainFault(Net8Error):
    """The node answered with an error of its own."""


class DeploymentMismatch(Net8Error):
    """The chain is not the one the deployment file describes."""


class OutOfGasMoney(Net8Error):
    """The account cannot pay for the transaction."""


class OutOfGas(Net8Error):
    """A transaction needed more gas than it was given; nothing was changed."""


class Unconfirmed(Net8Error):
    """A transaction was sent and has no receipt yet; it may still come through. Do not send it again blindly."""

    def __init__(self, transaction: str, waited: float) -> None:
        """Args: transaction: its hash. waited: seconds."""
        super().__init__(
            f"transaction {transaction} has no receipt after {waited:.0f} s; look it up before sending it again"
        )
        self.transaction = transaction


class Refused(Net8Error):
    """A contract refused a call; nothing was changed."""

    def __init__(self, reason: str, call: str) -> None:
        """Args: reason: as the contract gave it, may be empty. call: what was called."""
        self.reason = reason
        self.call = call
        super().__init__(f"{call} refused: {self.sentence()}")

    def sentence(self, language: str = "en") -> str:
        """What is wrong and what to do, in words; in English where a translation does not have the reason yet."""
        known = reasons(language).get(self.reason) or reasons().get(self.reason)
        return known or reasons(language)["unknown"].format(reason=self.reason or "-", call=self.call)


class AccessRefused(Refused):
    """Only the owner of the contract may do this."""


class AgentRefused(Refused):
    """An agent key is beyond its limits, or the limits are impossible."""


class AlertRefused(Refused):
    """There is no silence to be paid for, or not yet, or no more."""


class AmountRefusedByContract(Refused):
    """An amount is zero or not whole grains."""


class BackingRefused(Refused):
    """The Reserve's backing does not allow it."""


class BalanceRefused(Refused):
    """A site's balance is too low or would be too high."""


class BookRefused(Refused):
    """A book needs tidying first."""


class CertificateRefused(Refused):
    """Certificates cannot be retired or passed on like this."""


class CourtRefused(Refused):
    """The court owes nothing there, or cannot pay or be paid."""


class DisputeRefused(Refused):
    """A reading cannot be disputed like this, or a dispute is not at this stage."""


class EarningsRefused(Refused):
    """There are no relay fees to take."""


class GuardianRefused(Refused):
    """Trading cannot be stopped or let go on like this."""


class LinkRefused(Refused):
    """Two zones cannot be linked like this."""


class MeterRefused(Refused):
    """A meter's key cannot be named like this."""


class MintRefused(Refused):
    """Nothing can be minted or redeemed."""


class NonceRefused(Refused):
    """What was signed with a nonce is over, or there is no such nonce."""


class OperatorRefused(Refused):
    """An oracle operator is unknown, or not in a state for this."""


class OrderRefused(Refused):
    """An order cannot be placed, cancelled or released."""


class PoolRefused(Refused):
    """The balancing pool cannot pay now."""


class PositionRefused(Refused):
    """A position cannot grow or settle."""


class PriceRefused(Refused):
    """The Reserve's nominal price cannot move like this."""


class ProofRefused(Refused):
    """What was given does not prove that an operator contradicted itself."""


class RecordRefused(Refused):
    """A meter's record does not show what it is brought for."""


class ReportRefused(Refused):
    """A report lacks a quorum or settles nothing."""


class ReserveRefused(Refused):
    """The Reserve cannot take part in this."""


class RewardRefused(Refused):
    """There are no rewards to share or to take."""


class SettlementRefused(Refused):
    """Settlement is the OracleRegistry's alone."""


class SiteRefused(Refused):
    """A site is not the caller's, or cannot be registered or admitted."""


class StakeRefused(Refused):
    """A stake cannot be given or taken now."""


class TermsRefused(Refused):
    """Terms are unsafe, late or not fixed."""


class TokenRefused(Refused):
    """A token cannot be moved or allowed like this."""


class VaultRefused(Refused):
    """Tokens cannot enter or leave the exchange."""


class WiringRefused(Refused):
    """A contract is set up with something that is no contract."""


class ZoneRefused(Refused):
    """A zone is unknown, full or not the caller's."""


AREAS: dict[str, type[Refused]] = {
    "agent": AgentRefused,
    "alert": AlertRefused,
    "amount": AmountRefusedByContract,
    "backing": BackingRefused,
    "balance": BalanceRefused,
    "book": BookRefused,
    "certificates": WiringRefused,
    "court": CourtRefused,
    "desk": WiringRefused,
    "dispute": DisputeRefused,
    "earnings": EarningsRefused,
    "erc1155": CertificateRefused,
    "erc20": TokenRefused,
    "euro": TokenRefused,
    "exchange": WiringRefused,
    "expiry": CertificateRefused,
    "grid": WiringRefused,
    "guardian": GuardianRefused,
    "link": LinkRefused,
    "match": CertificateRefused,
    "meter": MeterRefused,
    "mint": MintRefused,
    "minter": WiringRefused,
    "nonce": NonceRefused,
    "operator": OperatorRefused,
    "order": OrderRefused,
    "ownable": AccessRefused,
    "ownable_2step": AccessRefused,
    "pool": PoolRefused,
    "position": PositionRefused,
    "price": PriceRefused,
    "proof": ProofRefused,
    "record": RecordRefused,
    "records": WiringRefused,
    "redeem": MintRefused,
    "registrar": SiteRefused,
    "registry": WiringRefused,
    "report": ReportRefused,
    "reserve": ReserveRefused,
    "retire": CertificateRefused,
    "reward": RewardRefused,
    "settlement": SettlementRefused,
    "site": SiteRefused,
    "slots": OrderRefused,
    "stake": StakeRefused,
    "strip": OrderRefused,
    "terms": TermsRefused,
    "vault": VaultRefused,
    "zone": ZoneRefused,
}


@cache
def reasons(language: str = "en") -> dict[str, str]:
    """The sentence of every reason, by `"area: fault"`; `"unknown"` is for all others."""
    text = files("net8").joinpath("reasons", f"{language}.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    sentences = {
        f"{area}: {fault}": sentence
        for area, faults in table.items()
        if isinstance(faults, dict)
        for fault, sentence in faults.items()
    }
    return sentences | {"unknown": table["unknown"]}


def refusal(reason: str, call: str) -> Refused:
    """The exception for a contract's reason."""
    area = reason.partition(":")[0]
    return AREAS.get(area, Refused)(reason, call)
