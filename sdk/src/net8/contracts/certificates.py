"""Calls of GreenCertificates: one unit is one Wh of a site's hour; the id is `net8.packing.certificate_id`."""

from collections.abc import Sequence

from net8.contracts.core import Call, Owned, nothing
from net8.signing import checksum_address

__all__ = ["Certificates"]


class Certificates(Owned):
    """GreenCertificates (ERC-1155)."""

    NAME = "GreenCertificates"

    def set_registrar(self, registrar: str) -> Call[None]:
        """Name who admits sites; owner of the contract."""
        return self._call("set_registrar", registrar, into=nothing)

    def admit(self, site: int) -> Call[None]:
        """Let a site's owner mint; registrar alone."""
        return self._call("admit", site, into=nothing)

    def dismiss(self, site: int) -> Call[None]:
        """End what `admit` allowed; registrar alone."""
        return self._call("dismiss", site, into=nothing)

    def mint(self, site: int, hour: int, receiver: str) -> Call[int]:
        """Mint what a site exported in the settled slots of an hour; the answer is Wh. Site owner alone."""
        return self._call("mint", site, hour, receiver, into=int)

    def mint_many(self, site: int, hours: Sequence[int], receiver: str) -> Call[int]:
        """The same for up to 24 hours."""
        return self._call("mint_many", site, list(hours), receiver, into=int)

    def retire(self, certificate: int, wh: int, beneficiary: str, purpose: str) -> Call[None]:
        """Take the caller's certificates out of circulation for good. Texts of at most 64 bytes."""
        return self._call("retire", certificate, wh, beneficiary, purpose, into=nothing)

    def transfer(self, sender: str, receiver: str, certificate: int, wh: int) -> Call[None]:
        """Pass certificates on."""
        return self._call("safeTransferFrom", sender, receiver, certificate, wh, b"", into=nothing)

    def registrar(self) -> Call[str]:
        """Who admits sites."""
        return self._call("registrar", into=checksum_address)

    def is_admitted(self, site: int) -> Call[bool]:
        """Whether a site's owner may mint."""
        return self._call("is_admitted", site, into=bool)

    def balance_of(self, account: str, certificate: int) -> Call[int]:
        """Wh an account holds of one id."""
        return self._call("balanceOf", account, certificate, into=int)

    def balances_of(self, account: str, certificates: Sequence[int]) -> Call[list[int]]:
        """Wh an account holds of each of up to 128 ids."""
        accounts = [account] * len(certificates)
        return self._call("balanceOfBatch", accounts, list(certificates), into=list)

    def total_supply(self, certificate: int) -> Call[int]:
        """Wh of one id in circulation."""
        return self._call("total_supply", certificate, into=int)

    def issued(self, certificate: int) -> Call[int]:
        """Wh of one id ever minted."""
        return self._call("issued", certificate, into=int)

    def retired(self, certificate: int) -> Call[int]:
        """Wh of one id retired."""
        return self._call("retired", certificate, into=int)

    def retired_by(self, account: str) -> Call[int]:
        """Wh an account retired, of all ids."""
        return self._call("retired_by", account, into=int)

    def mintable(self, site: int, hour: int) -> Call[int]:
        """Wh `mint` would mint now."""
        return self._call("mintable", site, hour, into=int)

    def minted_mask(self, site: int, hour: int) -> Call[int]:
        """Bit i: slot i of the hour is minted."""
        return self._call("minted_mask", site, hour, into=int)

    def uri(self, certificate: int) -> Call[str]:
        """Where the metadata of one id are."""
        return self._call("uri", certificate, into=str)

    def grid(self) -> Call[str]:
        """The GridRegistry whose sites are certified."""
        return self._call("grid", into=checksum_address)
