# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Zones
@license AGPL-3.0-only
@notice What the exchange keeps for each zone: the terms of its hours, its balancing pool and its fees.
@dev The exchange copies an hour's terms from the grid registry when the hour is first used, and never again. They are
     not kept in a ring, so a position settled late always finds the rules it was traded under.
"""

from . import hour_terms
from . import refusal
from . import roles
from . import vault

uses: roles
uses: vault

MASK_ACCOUNT: constant(uint256) = 2**80 - 1  # grains: more than the exchange's 64-bit balances can ever hold


interface Grid:
    def packed_terms(zone: uint256, hour: uint256) -> uint256: view
    def zone_operator(zone: uint256) -> address: view


event TermsFixed:
    zone: indexed(uint256)
    hour: indexed(uint256)
    terms: uint256  # packed as in hour_terms


event PoolFunded:
    zone: indexed(uint256)
    payer: indexed(address)
    grains: uint256


event PaidOut:
    zone: indexed(uint256)
    receiver: indexed(address)
    account: uint256  # which of the zone's: 0 pool, 1 grid fees, 2 oracle fees
    grains: uint256


terms_word: public(HashMap[uint256, uint256])  # zone << 32 | hour -> packed terms
_accounts: HashMap[uint256, uint256]  # zone -> oracle fees 96 | grid fees 80 | pool 80


@deploy
def __init__():
    pass


@external
def fix_terms(zone: uint256, hour: uint256):
    """
    @notice Fixes the terms of an hour that may be traded. Anyone; the first order of the hour does it too.
    """
    self._fixed_terms(zone, hour)


@external
def fix_published(zone: uint256, first_hour: uint256, words: DynArray[uint256, 24]):
    """
    @notice Fixes the terms of consecutive hours as their grid operator published them. Grid registry only.
    """
    roles._check_grid()
    hour: uint256 = first_hour
    for word: uint256 in words:
        key: uint256 = (zone << 32) | hour
        if self.terms_word[key] != 0:
            refusal._because("terms: already fixed")
        self.terms_word[key] = word
        log TermsFixed(zone=zone, hour=hour, terms=word)
        hour = unsafe_add(hour, 1)


@internal
def _fixed_terms(zone: uint256, hour: uint256) -> uint256:
    """
    @notice Packed terms of an hour, copied from the grid registry at first use.
    """
    key: uint256 = (zone << 32) | hour
    word: uint256 = self.terms_word[key]
    if word == 0:
        word = staticcall Grid(roles.GRID).packed_terms(zone, hour)
        if word == 0:
            refusal._because("terms: not fixed yet")
        self.terms_word[key] = word
        log TermsFixed(zone=zone, hour=hour, terms=word)
    return word


@internal
def _mark_reported(zone: uint256, hour: uint256, slots: uint256):
    """
    @notice Remembers which slots of an hour a report has settled anything in.
    """
    self.terms_word[(zone << 32) | hour] |= slots << hour_terms.REPORTED_SHIFT


# ------------------------------------------------------------------
#                       balancing pool and fees
# ------------------------------------------------------------------


@external
def fund_pool(zone: uint256, amount: uint256):
    """
    @notice Adds NET8 to a zone's balancing pool, which pays for energy bought but not used.
    @param amount Wei, whole grains.
    """
    if staticcall Grid(roles.GRID).zone_operator(zone) == empty(address):
        refusal._because("zone: unknown")
    grains: uint256 = vault._to_grains(amount)
    self._book(zone, grains, 0, 0)
    log PoolFunded(zone=zone, payer=msg.sender, grains=grains)
    vault._pull(msg.sender, grains)


@external
def pay_out(zone: uint256, account: uint256, most: uint256, receiver: address) -> uint256:
    """
    @notice Pays out of one of a zone's accounts, at most what it holds. Grid registry only, which keeps the delay of the
            pool and knows to whom the fees belong.
    @param account 0 pool, 1 grid fees, 2 oracle fees.
    @param most Grains.
    @return Grains paid.
    """
    roles._check_grid()
    word: uint256 = self._accounts[zone]
    offset: uint256 = unsafe_mul(account, 80)
    grains: uint256 = min(most, (word >> offset) & MASK_ACCOUNT)
    if grains == 0:
        refusal._because("zone: nothing to pay")
    self._accounts[zone] = unsafe_sub(word, grains << offset)
    log PaidOut(zone=zone, receiver=receiver, account=account, grains=grains)
    vault._push(receiver, grains)
    return grains


@internal
def _book(zone: uint256, pool: uint256, grid_fees: uint256, oracle_fees: uint256):
    """
    @notice Adds grains to a zone's pool and fee accounts.
    @dev No field can overflow into the next: all grains there are fit 64 bits.
    """
    self._accounts[zone] += pool | (grid_fees << 80) | (oracle_fees << 160)


# ------------------------------------------------------------------
#                              views
# ------------------------------------------------------------------


@external
@view
def zone_account(zone: uint256) -> (uint256, uint256, uint256):
    """
    @notice Grains in the balancing pool, in collected grid fees and in collected oracle fees.
    """
    account: uint256 = self._accounts[zone]
    return account & MASK_ACCOUNT, (account >> 80) & MASK_ACCOUNT, account >> 160
