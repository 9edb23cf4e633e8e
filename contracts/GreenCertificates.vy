# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Green certificates: where the energy came from
@license AGPL-3.0-only
@notice ERC-1155. One unit is one Wh that a clean site exported in one hour, metered and settled by the oracles.
        The id names both: id = site << 32 | hour, the hour being unix time / 3600.
        A certificate is minted by the site's owner, passed on freely, and retired by whoever claims the energy.
@dev Invariants:
     1. A slot is minted at most once: its bit in `minted_slots` is set before its certificates exist, never cleared.
     2. Only exported energy that a meter showed is minted, from a site of a clean technology that the registrar
        admitted. The registrar of a site is never the grid operator of its zone.
     3. For every id: minted = total_supply + retired. Retirement is the only way out of circulation.
     The exchange keeps the production of a slot until its cell is reused, 35 days later at the earliest: what is not
     minted by then never will be.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.tokens import erc1155
from .interfaces import IEnergyExchange
from .interfaces import IGridRegistry

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: erc1155[ownable := ownable]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    # @notice `renounce_ownership` is left out: without an owner a lost registrar could not be replaced.
    erc1155.balanceOf,
    erc1155.balanceOfBatch,
    erc1155.safeTransferFrom,
    erc1155.safeBatchTransferFrom,
    erc1155.setApprovalForAll,
    erc1155.isApprovedForAll,
    erc1155.supportsInterface,
    erc1155.uri,
    erc1155.total_supply,
    # @notice Left out of the module: `safe_mint`, `safe_mint_batch`, `set_minter` and `is_minter` (minting follows
    # production and nothing else), `burn` and `burn_batch` (what leaves circulation is recorded as retired),
    # `set_uri` (a certificate's description is not anyone's to change), `exists` (`total_supply` says it), and
    # the module's own ownership functions (ownership moves in two steps).
)


# @dev id = site << HOUR_BITS | hour. 32 bits of hours reach beyond the year 490,000.
HOUR_BITS: constant(uint256) = 32


# @dev Slots of 15 minutes in an hour.
SLOTS: constant(uint256) = 4


# @dev A word of `minted_slots` holds 64 hours of four bits.
HOURS_PER_WORD: constant(uint256) = 64


# @dev Technologies 1 (solar) to 5 (neutrinovoltaic) generate from a clean source; 0 is a consumer, and what
# a storage (6) returns was generated elsewhere.
FIRST_CLEAN: constant(uint256) = 1
LAST_CLEAN: constant(uint256) = 5


# @dev Hours in one call of `mint_many`: a day.
MAX_HOURS: constant(uint256) = 24


# @dev Array bound of the ERC-1155 module.
BATCH: constant(uint256) = 128


# @dev Where production is settled.
exchange: public(immutable(address))


# @dev Where zones and sites are registered: what the exchange itself relies on.
grid: public(immutable(address))


# @dev Who admits sites to certificates.
registrar: public(address)


# @dev site -> its certificates may be minted.
is_admitted: public(HashMap[uint256, bool])


# @dev id -> Wh retired.
retired: public(HashMap[uint256, uint256])


# @dev account -> Wh it retired, over all ids.
retired_by: public(HashMap[address, uint256])


# @dev site << 32 | hour // 64 -> four bits an hour: bit i of an hour is set when its slot i is minted.
minted_slots: HashMap[uint256, uint256]


event RegistrarSet:
    registrar: indexed(address)


event SiteAdmitted:
    site: indexed(uint256)


event SiteDismissed:
    site: indexed(uint256)


event Retired:
    id: indexed(uint256)
    account: indexed(address)
    amount: uint256  # Wh
    beneficiary: String[64]  # on whose behalf
    purpose: String[64]  # what for, e.g. a reporting period


@deploy
def __init__(exchange_: address, registrar_: address, base_uri_: String[80]):
    """
    @param exchange_ The EnergyExchange.
    @param registrar_ Who admits sites to certificates, at first.
    @param base_uri_ What stands before the decimal id in `uri(id)`, e.g. "https://example.org/certificates/".
    """
    assert exchange_.is_contract, "certificates: exchange missing"
    ownable.__init__()
    ownable_2step.__init__()
    erc1155.__init__(base_uri_)
    # The module makes its deployer a minter and says so in its log: taken back, in the log too.
    erc1155.is_minter[msg.sender] = False
    log erc1155.RoleMinterChanged(minter=msg.sender, status=False)
    exchange = exchange_
    grid = staticcall IEnergyExchange(exchange_).grid()
    self._set_registrar(registrar_)


# ---------------------------------------------------------------- who may mint


@external
def set_registrar(registrar: address):
    """
    @notice Names who admits sites to certificates. Owner of the contract alone.
    """
    ownable._check_owner()
    self._set_registrar(registrar)


@external
def admit(site: uint256):
    """
    @notice Lets a site's owner mint certificates. Registrar alone.
    @dev Invariant 2. A registrar who is also the zone's grid operator would confirm his own meters.
    """
    self._check_registrar()
    assert not self.is_admitted[site], "site: already admitted"
    registered: IGridRegistry.Site = staticcall IGridRegistry(grid).site(site)
    assert registered.owner != empty(address), "site: unknown"
    technology: uint256 = registered.technology
    assert FIRST_CLEAN <= technology and technology <= LAST_CLEAN, "site: not a clean source"
    assert msg.sender != staticcall IGridRegistry(grid).zone_operator(site >> 16), "registrar: is grid operator"
    self.is_admitted[site] = True
    log SiteAdmitted(site=site)


@external
def dismiss(site: uint256):
    """
    @notice Ends what `admit` allowed, from now on. Certificates that exist stay valid. Registrar alone.
    """
    self._check_registrar()
    assert self.is_admitted[site], "site: not admitted"
    self.is_admitted[site] = False
    log SiteDismissed(site=site)


# ---------------------------------------------------------------- mint and retire


@external
def mint(site: uint256, hour: uint256, receiver: address) -> uint256:
    """
    @notice Mints what the site exported in the settled slots of an hour that are not minted yet. Site owner alone.
    @dev Invariants 1 and 2. A slot that settles later is minted by another call, with the same id.
    @param hour Unix time / 3600.
    @param receiver Who gets the certificates; a contract must accept ERC-1155.
    @return Wh minted.
    """
    self._check_may_mint(site)
    amount: uint256 = self._take_production(site, hour)
    assert amount != 0, "mint: nothing to mint"
    erc1155._safe_mint(receiver, site << HOUR_BITS | hour, amount, b"")
    return amount


@external
def mint_many(site: uint256, hours: DynArray[uint256, MAX_HOURS], receiver: address) -> uint256:
    """
    @notice Does what `mint` does for several hours; hours with nothing to mint are passed over.
    @dev Invariants 1 and 2.
    @return Wh minted in all; refused when there is nothing in any of the hours.
    """
    self._check_may_mint(site)
    ids: DynArray[uint256, BATCH] = []
    amounts: DynArray[uint256, BATCH] = []
    total: uint256 = 0
    for hour: uint256 in hours:
        amount: uint256 = self._take_production(site, hour)
        if amount != 0:
            ids.append(site << HOUR_BITS | hour)
            amounts.append(amount)
            total += amount
    assert total != 0, "mint: nothing to mint"
    erc1155._safe_mint_batch(receiver, ids, amounts, b"")
    return total


@external
def retire(id: uint256, amount: uint256, beneficiary: String[64], purpose: String[64]):
    """
    @notice Takes certificates of the caller out of circulation for good and records for whom and for what.
    @dev Invariant 3.
    @param amount Wh.
    @param beneficiary On whose behalf.
    @param purpose What for, e.g. a reporting period.
    """
    assert amount != 0, "retire: nothing"
    erc1155._burn(msg.sender, id, amount)
    self.retired[id] += amount
    self.retired_by[msg.sender] += amount
    log Retired(id=id, account=msg.sender, amount=amount, beneficiary=beneficiary, purpose=purpose)


# ---------------------------------------------------------------- views


@external
@view
def mintable(site: uint256, hour: uint256) -> uint256:
    """
    @notice Wh that `mint` would mint now, if the site is admitted and its owner asks.
    """
    if hour >> HOUR_BITS != 0:
        return 0
    amount: uint256 = 0
    slots: uint256 = 0
    amount, slots = self._open_production(site, hour, self._minted(site, hour))
    return amount


@external
@view
def minted_mask(site: uint256, hour: uint256) -> uint256:
    """
    @notice Which slots of an hour are minted: bit i is slot i.
    """
    return self._minted(site, hour)


@external
@view
def issued(id: uint256) -> uint256:
    """
    @notice Wh minted for an id so far, in circulation or retired.
    """
    return erc1155.total_supply[id] + self.retired[id]


# ---------------------------------------------------------------- internal


@internal
def _take_production(site: uint256, hour: uint256) -> uint256:
    """
    @notice Marks the slots that can be minted as minted and returns their Wh.
    @dev Invariant 1.
    """
    assert hour >> HOUR_BITS == 0, "mint: hour out of range"
    minted: uint256 = self._minted(site, hour)
    amount: uint256 = 0
    slots: uint256 = 0
    amount, slots = self._open_production(site, hour, minted)
    if slots != 0:
        self.minted_slots[self._word_of(site, hour)] |= slots << self._shift_of(hour)
    return amount


@internal
@view
def _open_production(site: uint256, hour: uint256, minted: uint256) -> (uint256, uint256):
    """
    @notice Wh exported in the metered slots of an hour outside `minted`, and the mask of those slots.
    @dev Invariant 2: `production` leaves out what settled without a reading.
    """
    metered: uint256 = 0
    exported: uint256[4] = empty(uint256[4])
    metered, exported = staticcall IEnergyExchange(exchange).production(site, hour)
    amount: uint256 = 0
    slots: uint256 = 0
    for slot: uint256 in range(SLOTS):
        bit: uint256 = 1 << slot
        if metered & bit != 0 and minted & bit == 0 and exported[slot] != 0:
            amount += exported[slot]
            slots |= bit
    return amount, slots


@internal
@view
def _minted(site: uint256, hour: uint256) -> uint256:
    """
    @notice Mask of the minted slots of an hour.
    """
    return self.minted_slots[self._word_of(site, hour)] >> self._shift_of(hour) & 15


@internal
@pure
def _word_of(site: uint256, hour: uint256) -> uint256:
    """
    @notice Key of the word that holds an hour's bits.
    """
    return site << HOUR_BITS | hour // HOURS_PER_WORD


@internal
@pure
def _shift_of(hour: uint256) -> uint256:
    """
    @notice Where an hour's four bits begin in their word.
    """
    return hour % HOURS_PER_WORD * SLOTS


@internal
@view
def _check_may_mint(site: uint256):
    """
    @dev Invariant 2. The technology was looked at on admission and never changes: whoever converts his plant registers
         another site.
    """
    assert msg.sender == (staticcall IGridRegistry(grid).site(site)).owner, "site: not yours"
    assert self.is_admitted[site], "site: not admitted"


@internal
@view
def _check_registrar():
    assert msg.sender == self.registrar, "registrar: not you"


@internal
def _set_registrar(registrar: address):
    assert registrar != empty(address), "registrar: zero address"
    self.registrar = registrar
    log RegistrarSet(registrar=registrar)
