"""Calls of GreenCertificates: one unit is one Wh of a site's hour; the id is `net8.packing.certificate_id`."""

from collections.abc import Mapping, Sequence

from net8.contracts.core import Call, Owned, nothing
from net8.model import Certificate, CertificateTotals, Configuration, Technology
from net8.signing import checksum_address

__all__ = ["Certificates"]


class Certificates(Owned):
    """GreenCertificates (ERC-1155)."""

    NAME = "GreenCertificates"

    # --- admission --------------------------------------------------------------------------------------------------

    def set_registrar(self, registrar: str) -> Call[None]:
        """Name who admits sites; owner of the contract."""
        return self._call("set_registrar", registrar, into=nothing)

    def admit(self, site: int, location: str, configuration: Configuration = Configuration.ALONE) -> Call[None]:
        """Let a site's owner mint; registrar alone.

        Args:
            site: not of his own zone, should he be a grid operator.
            location: code of where it is, e.g. a bidding zone; 1 to 32 printable ASCII characters.
            configuration: how its certificates stand beside official ones.
        """
        return self._call("admit", site, location, int(configuration), into=nothing)

    def dismiss(self, site: int) -> Call[None]:
        """End what `admit` allowed; registrar alone."""
        return self._call("dismiss", site, into=nothing)

    def connect(self, records: str) -> Call[None]:
        """Name the MeterRecords, once and for ever; owner of the contract."""
        return self._call("connect", records, into=nothing)

    def records(self) -> Call[str]:
        """The MeterRecords; the zero address until wired."""
        return self._call("records", into=checksum_address)

    def registrar(self) -> Call[str]:
        """Who admits sites."""
        return self._call("registrar", into=checksum_address)

    def is_admitted(self, site: int) -> Call[bool]:
        """Whether a site's owner may mint."""
        return self._call("is_admitted", site, into=bool)

    def location(self, site: int) -> Call[str]:
        """Code of where a site is; empty when it was never admitted."""
        return self._call("location", site, into=str)

    def configuration(self, site: int) -> Call[int]:
        """EnergyTag configuration of a site's certificates; 0 when it was never admitted."""
        return self._call("configuration", site, into=int)

    # --- mint and retire --------------------------------------------------------------------------------------------

    def mint(self, site: int, first_hour: int, receiver: str, hours: int = 1) -> Call[int]:
        """Mint what a site exported in the settled slots of up to 24 hours; the answer is Wh. Site owner alone.

        Hours with nothing to mint are passed over.
        """
        return self._call("mint", site, first_hour, hours, receiver, into=int)

    def retire(self, holder: str, wh_by_id: Mapping[int, int], beneficiary: str, purpose: str) -> Call[None]:
        """Take certificates of up to 24 ids out of circulation for good; by their holder, or one approved for all.

        Args:
            holder: whose certificates.
            wh_by_id: Wh by id.
            beneficiary: on whose behalf, at most 64 bytes.
            purpose: what for, at most 64 bytes.
        """
        ids, amounts = list(wh_by_id.keys()), list(wh_by_id.values())
        return self._call("retire", holder, ids, amounts, beneficiary, purpose, into=nothing)

    def retire_matched(
        self, holder: str, certificate: int, wh: int, beneficiary: str, purpose: str, site: int, slot: int
    ) -> Call[None]:
        """Retire for what a site bought and used in a slot of the same hour, by its meter; each Wh counts once.

        The sender must be the owner of the consuming site, or approved by him, too.
        """
        return self._call("retire_matched", holder, certificate, wh, beneficiary, purpose, site, slot, into=nothing)

    def transfer(self, sender: str, receiver: str, certificate: int, wh: int) -> Call[None]:
        """Pass certificates on."""
        return self._call("safeTransferFrom", sender, receiver, certificate, wh, b"", into=nothing)

    def approve_all(self, operator: str, approved: bool = True) -> Call[None]:
        """Let an account pass on, retire and match all certificates of the sender, or no longer."""
        return self._call("setApprovalForAll", operator, approved, into=nothing)

    def expire(self, holder: str, site: int, first_hour: int, octets: int = 1) -> Call[int]:
        """Take expired certificates out of a balance, eight hours (an octet) at a time, at most 21; the answer is Wh.

        Anyone may; an octet in which something has not expired is refused.
        """
        return self._call("expire", holder, site, first_hour, octets, into=int)

    # --- views ------------------------------------------------------------------------------------------------------

    def mintable(self, site: int, hour: int) -> Call[int]:
        """Wh `mint` would mint of an hour now."""
        return self._call("mintable", site, hour, into=int)

    def mint_deadline(self, hour: int) -> Call[int]:
        """Unix time from which an hour can no longer be minted."""
        return self._call("mint_deadline", hour, into=int)

    def minted_mask(self, site: int, hour: int) -> Call[int]:
        """Bit i: slot i of the hour is minted."""
        return self._call("minted_mask", site, hour, into=int)

    def matched(self, site: int, slot: int) -> Call[int]:
        """Wh of a site's consumption in a slot that certificates have been retired for."""
        return self._call("matched", site, slot, into=int)

    def matchable(self, site: int, slot: int) -> Call[int]:
        """Wh of a site's metered consumption in a slot that certificates may still be retired for."""
        return self._call("matchable", site, slot, into=int)

    def balance_of(self, account: str, certificate: int) -> Call[int]:
        """Wh an account holds of one id, with what has expired and is not swept yet."""
        return self._call("balanceOf", account, certificate, into=int)

    def balances_of(self, account: str, certificates: Sequence[int]) -> Call[list[int]]:
        """Wh an account holds of each of up to 128 ids."""
        accounts = [account] * len(certificates)
        return self._call("balanceOfBatch", accounts, list(certificates), into=list)

    def is_approved_for_all(self, account: str, operator: str) -> Call[bool]:
        """Whether `approve_all` holds."""
        return self._call("isApprovedForAll", account, operator, into=bool)

    def expires_at(self, certificate: int) -> Call[int]:
        """Unix time from which certificates of an id can no longer be passed on or retired."""
        return self._call("expires_at", certificate, into=int)

    def totals(self, zone: int, technology: Technology) -> Call[CertificateTotals]:
        """What became of all certificates of a zone's sites of one technology."""
        return self._call("totals", zone, int(technology), into=lambda raw: CertificateTotals(*raw))

    def totals_of_zone(self, zone: int) -> Call[CertificateTotals]:
        """What became of all certificates of a zone."""
        return self._call("totals_of_zone", zone, into=lambda raw: CertificateTotals(*raw))

    def totals_of_technology(self, technology: Technology, first_zone: int, count: int) -> Call[CertificateTotals]:
        """What became of all certificates of one technology in up to 256 consecutive zones."""
        arguments = int(technology), first_zone, count
        return self._call("totals_of_technology", *arguments, into=lambda raw: CertificateTotals(*raw))

    def totals_of(self, certificate: int) -> Call[CertificateTotals]:
        """What became of all certificates of one id; all zero once its record has given way, after 682 days."""
        return self._call("totals_of", certificate, into=lambda raw: CertificateTotals(*raw))

    def certificate(self, certificate: int) -> Call[Certificate | None]:
        """What a certificate says; None when its site was never admitted."""
        return self._call("certificate", certificate, into=Certificate.of)

    def metadata(self, certificate: int) -> Call[str]:
        """The same as JSON text; empty when its site was never admitted."""
        return self._call("metadata", certificate, into=str)

    def uri(self, certificate: int) -> Call[str]:
        """The same as a data URI."""
        return self._call("uri", certificate, into=str)

    def issuer(self) -> Call[str]:
        """The issuing body."""
        return self._call("issuer", into=str)

    def grid(self) -> Call[str]:
        """The GridRegistry whose sites are certified."""
        return self._call("grid", into=checksum_address)
