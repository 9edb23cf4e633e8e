"""What the street does for a newcomer: consent, registration, money, and a gateway of the newcomer's own."""

from collections.abc import Callable

from net8.client import Chain
from net8.contracts import Contracts
from net8.deployment import Deployment
from net8.eip712 import SiteConsent
from net8.errors import Net8Error
from net8.model import site_index
from net8.signing import Signature, SignatureRefused, checksum_address, recover
from net8.units import slot_of

from scripts.street import accounts
from scripts.street.inputs import Home
from scripts.street.network import Network
from scripts.street.newcomers import Answer, JoinRefused
from scripts.street.zone import Resident, ZoneBuilder

__all__ = ["Joining"]

NEWCOMERS_MAX = 20  # each has a gateway process of its own


class Joining:
    """Turns wallets into residents."""

    def __init__(
        self, chain: Chain, deployment: Deployment, builder: ZoneBuilder, network: Network, zone: int, home: Home,
        first_row_slot: int, on_joined: Callable[[Resident], None],
    ) -> None:  # fmt: skip
        """`home`: what every newcomer gets; `on_joined` is told of each."""
        self._chain = chain
        self._deployment = deployment
        self._to = Contracts.of(deployment)
        self._builder = builder
        self._network = network
        self._zone = zone
        self._home = home
        self._first_row_slot = first_row_slot
        self._on_joined = on_joined
        self._sites: dict[str, int] = {}
        self._inputs = network.write_inputs("newcomer", [self._home])

    def offer(self, request: Answer) -> Answer:
        """The consent that a wallet has to sign.

        Raises:
            JoinRefused: the address is none, or has joined.
        """
        consent = self._consent(self._address(request))
        return consent.typed_data(self._deployment.grid_domain)

    def confirm(self, request: Answer) -> Answer:
        """Register the wallet with its signed consent.

        Raises:
            JoinRefused: the signature is not the wallet's, or the contracts refuse.
        """
        owner = self._address(request)
        consent = self._consent(owner)
        signature = self._signature(request, consent, owner)
        try:
            (site,) = self._builder.register([(consent, signature)])
            self._builder.pay_gas_of([owner])
            self._builder.welcome(site, owner)
        except Net8Error as fault:
            raise JoinRefused(str(fault)) from fault
        slot = slot_of(self._chain.block().timestamp) + 1
        resident = Resident(site, self._home, self._first_row_slot, slot, None, f"of {owner}")
        self._network.start_gateway(f"gateway-{site_index(site)}", self._inputs, [resident])
        self._sites[owner] = site
        self._on_joined(resident)
        return {"site": site}

    def _address(self, request: Answer) -> str:
        try:
            address = checksum_address(str(request.get("address", "")))
        except SignatureRefused as fault:
            raise JoinRefused(str(fault)) from None
        if address in self._sites:
            raise JoinRefused(f"this wallet has joined already, as site {site_index(self._sites[address])}")
        if len(self._sites) >= NEWCOMERS_MAX:
            raise JoinRefused(f"{NEWCOMERS_MAX} newcomers live here already; start another street")
        return address

    def _consent(self, owner: str) -> SiteConsent:
        nonce = self._chain.read(self._to.grid.consent_nonce(owner))
        return self._builder.consent(self._zone, owner, self._home, accounts.meter_address(f"of {owner}"), nonce)

    def _signature(self, request: Answer, consent: SiteConsent, owner: str) -> Signature:
        try:
            signature = Signature.of_bytes(bytes.fromhex(str(request.get("signature", "")).removeprefix("0x")))
            signer = recover(consent.digest(self._deployment.grid_domain), signature)
        except (SignatureRefused, ValueError) as fault:
            raise JoinRefused(f"the signature cannot be used ({fault}); sign again") from None
        if signer != owner:
            raise JoinRefused("the consent was signed by another account; select the one that joins and sign again")
        return signature
