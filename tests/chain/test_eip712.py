"""The hashes of SDK and contracts are the same: domains, digests, and what signatures over them are good for."""

import pytest
from eth_abi.abi import decode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from net8.contracts import Call
from net8.eip712 import Domain, Permit, Report, SiteConsent
from net8.errors import SiteRefused
from net8.events import Approval, SiteRegistered
from net8.model import Site, Technology
from net8.signing import keccak256, sign

pytestmark = pytest.mark.chain

WORDS = st.integers(0, 2**256 - 1)


def ask(street, contract, signature, outputs):
    """A view that the SDK has no method for."""
    call = Call(contract.address, keccak256(signature.encode())[:4], signature, lambda data: decode(outputs, data))
    return street.chain.read(call)


DOMAIN = ["bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"]


@pytest.mark.parametrize(
    ("contract", "domain"), [("grid", "grid_domain"), ("registry", "registry_domain"), ("token", "token_domain")]
)
def test_domain__of_each_signed_contract__same_as_its_own(street, contract, domain):
    ours = getattr(street.deployment, domain)
    theirs = ask(street, getattr(street.contracts, contract), "eip712Domain()", DOMAIN)
    assert theirs == (b"\x0f", ours.name, ours.version, ours.chain_id, ours.contract.lower(), b"\0" * 32, ())


def test_domain__asked_of_tokens__is_where_their_permits_count(street):
    token, euro = street.contracts.token, street.contracts.euro
    assert street.chain.read(token.domain()) == street.deployment.token_domain
    assert street.chain.read(euro.domain()) == Domain("Test Euro", "1", street.deployment.chain_id, euro.address)


@pytest.mark.parametrize(("contract", "domain"), [("registry", "registry_domain"), ("token", "token_domain")])
def test_domain_separator__where_the_contract_shows_it__same(street, contract, domain):
    (separator,) = ask(street, getattr(street.contracts, contract), "DOMAIN_SEPARATOR()", ["bytes32"])
    assert getattr(street.deployment, domain).separator == separator


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=WORDS, round_=WORDS, entries=st.lists(st.integers(0, 2**256 - 1), max_size=256))
def test_report_digest__any_report__same_as_the_registry_s(street, zone, round_, entries):
    theirs = street.chain.read(street.contracts.registry.report_digest(zone, round_, entries))
    assert Report(zone, round_, tuple(entries)).digest(street.deployment.registry_domain) == theirs


def test_site_consent__signed_by_the_owner__registers_what_was_signed(street, grid_operator):
    who, meter = street.people.stranger, street.people.meter.address
    consent = SiteConsent(street.zone, who.address, Technology.WIND, 7_000, meter, 0, 2**40)
    signature = sign(bytes(who.key), consent.digest(street.deployment.grid_domain))
    grid = street.contracts.grid
    call = grid.register_site(street.zone, who.address, Technology.WIND, 7_000, meter, 2**40, signature)
    site = grid_operator.send(call).find(SiteRegistered)[0].site
    assert street.chain.read(grid.site(site)) == Site(who.address, Technology.WIND, 7_000, meter)
    assert street.chain.read(grid.consent_nonce(who.address)) == 1
    with pytest.raises(SiteRefused, match="not signed by the owner"):
        grid_operator.send(call)


@pytest.mark.parametrize(
    "changed",
    [
        {"technology": Technology.SOLAR},
        {"nameplate": 7_001},
        {"meter_key": "0x" + "22" * 20},
        {"deadline": 2**40 - 1},
    ],
)
def test_site_consent__anything_changed_after_signing__refused(street, grid_operator, changed):
    who, meter = street.people.stranger, street.people.meter.address
    consent = SiteConsent(street.zone, who.address, Technology.WIND, 7_000, meter, 0, 2**40)
    signature = sign(bytes(who.key), consent.digest(street.deployment.grid_domain))
    values = {"technology": Technology.WIND, "nameplate": 7_000, "meter_key": meter, "deadline": 2**40} | changed
    with pytest.raises(SiteRefused, match="not signed by the owner"):
        grid_operator.send(street.contracts.grid.register_site(street.zone, who.address, signature=signature, **values))


def test_permit__signed_by_the_holder__allows_the_spender(street, stranger):
    who, spender = street.people.buyer.address, street.people.stranger.address
    token = street.contracts.token
    permit = Permit(who, spender, 5, street.chain.read(token.nonces(who)), 2**40)
    signature = sign(bytes(street.people.buyer.key), permit.digest(street.deployment.token_domain))
    receipt = stranger.send(token.permit(who, spender, 5, 2**40, signature))
    assert receipt.find(Approval) == [Approval(who, spender, 5)]
    assert street.chain.read(token.allowance(who, spender)) == 5
