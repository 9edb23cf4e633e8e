"""What the SDK signs is what the contracts check."""

from typing import Any

import boa
import pytest
from eth_account.signers.local import LocalAccount
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from net8.eip712 import Domain, Permit, Report, SiteConsent, grid_domain, registry_domain, token_domain
from net8.signing import sign

from tests.contracts.conftest import NET8, SOLAR, START
from tests.contracts.entries import packed
from tests.contracts.signing import person


@pytest.fixture
def signer() -> LocalAccount:
    return person("signer")


def chain_id() -> int:
    return int(boa.env.evm.patch.chain_id)


@pytest.mark.parametrize("name", ["token", "grid", "registry"])
def test_domain__of_a_contract__is_what_the_contract_says(token, grid, registry, name):
    contract, domain = {
        "token": (token, token_domain(chain_id(), token.address)),
        "grid": (grid, grid_domain(chain_id(), grid.address)),
        "registry": (registry, registry_domain(chain_id(), registry.address)),
    }[name]
    _, *declared, _, _ = contract.eip712Domain()
    assert Domain(*declared) == domain


def test_domain_separator__token_and_registry__equal(token, registry):
    assert token.DOMAIN_SEPARATOR() == token_domain(chain_id(), token.address).separator
    assert registry.DOMAIN_SEPARATOR() == registry_domain(chain_id(), registry.address).separator


WORDS = st.integers(min_value=0, max_value=2**256 - 1)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(zone=WORDS, round_=WORDS, entries=st.lists(WORDS, max_size=128))
def test_report__any_zone_round_and_entries__same_digest(registry, zone, round_, entries):
    domain = registry_domain(chain_id(), registry.address)
    assert registry.report_digest(zone, round_, packed(entries)) == Report(zone, round_, tuple(entries)).digest(domain)


def test_permit__signed_with_the_sdk__accepted(token, signer):
    spender = person("spender").address
    permit = Permit(signer.address, spender, NET8, 0, START)
    signature = sign(bytes(signer.key), permit.digest(token_domain(chain_id(), token.address)))
    r, s = signature.r.to_bytes(32), signature.s.to_bytes(32)
    token.permit(signer.address, spender, NET8, START, signature.v, r, s)
    assert token.allowance(signer.address, spender) == NET8


def test_site_consent__signed_with_the_sdk__accepted_for_two_sites_in_turn(grid, zone, grid_operator, signer):
    meter = person("meter").address
    for nonce in range(2):
        assert grid.consent_nonce(signer.address) == nonce
        consent = SiteConsent(zone, signer.address, SOLAR, 10_000, meter, nonce, START)
        signature = sign(bytes(signer.key), consent.digest(grid_domain(chain_id(), grid.address)))
        arguments: tuple[Any, ...] = (zone, signer.address, SOLAR, 10_000, meter, START, signature.to_bytes())
        site = grid.register_site(*arguments, sender=grid_operator.address)
        assert grid.site(site).owner == signer.address
