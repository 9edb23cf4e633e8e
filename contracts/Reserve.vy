# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Reserve: what stands behind NET8
@license AGPL-3.0-only
@notice Creates NET8 against a euro stablecoin at the nominal price, and against green certificates that it retires, at
        a fixed energy per NET8. Takes it back at the nominal price times min(1, coverage). It takes no fee.
@dev Units: euros are counted in the stablecoin's smallest unit (10^-6 euro with 6 decimals), NET8 in wei.
     Invariants:
     1. NET8 is created only after its euros have arrived or its certificates are retired, and euros leave only after
        their NET8 is destroyed.
     2. Every division rounds in favour of the Reserve: minting against euros and redeeming never lower the euros held
        per NET8 in existence, except down to nominal where a surplus is shared with newly minted NET8.
     3. `euros_held` changes only by what the Reserve's own functions moved. A gift sent past them does not count,
        so nobody can bend the price of a redemption by sending euros.
     4. `euros_held` is at most what the Reserve really has, unless the stablecoin itself took euros away. Such a loss
        is recognised before anything else is minted or redeemed, and anyone may have it recognised at any time: all
        holders bear it alike instead of the last ones alone.
     5. The supply is what was created against euros and what was created against production, to the wei. NET8 is
        fungible, so what is redeemed or burnt counts as created against euros as long as there is any of that.
     6. Minting against production never leaves a coverage below the floor, and never exceeds the cap of a UTC day.
     7. The nominal price moves by at most a hundredth a day, or by one unit where that is more, and never leaves its
        absolute bounds.

     Who bears what: certificates pay no redemption. NET8 created against them shares in the euros that others paid in,
     so it is paid for by whoever holds NET8 then, through the coverage: first out of a surplus (gifts, or a nominal
     price that fell), and below that down to the floor, never further. With a floor of 1 production is paid out of
     surplus alone, and whoever paid euros in can always take them out at nominal. The cap bounds how fast a surplus can
     be drawn by certificates bought for the purpose.
     A rise of the price is a promise too: those who mint just before and redeem just after it gain at most the
     hundredth, out of surplus; without surplus redemption pays the share that is there and nobody gains.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from .interfaces import IGreenCertificates
from .interfaces import INET8

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    # renounce_ownership is left out: without an owner the nominal price could never follow the price of energy.
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)


# @dev Wei in one NET8.
ONE_NET8: constant(uint256) = 10**18


# @dev Coverage is given in millionths: fine enough to show, and an integer.
FULL_COVERAGE: constant(uint256) = 1_000_000


# @dev The nominal price must lie between a cent and 1,000 euros per NET8, that is between 0.1 cent and 100 euros
# per kWh. No grid is outside, and a price given in the wrong decimals is: at a hundredth a day nobody could mend it.
LEAST_CENTS: constant(uint256) = 1
MOST_CENTS: constant(uint256) = 100_000


# @dev A day between two changes of the price, each of a hundredth at most: slow enough for everybody to leave first.
DAY: constant(uint256) = 86_400  # seconds
MOST_CHANGE: constant(uint256) = 100  # the price moves by price / 100


# @dev NET8 against less than 10 kWh could be dearer than any energy; less than half covered it would be no euro token.
LEAST_ENERGY: constant(uint256) = 10_000  # Wh per NET8
LEAST_FLOOR: constant(uint256) = 500_000  # millionths of coverage


# @dev What the certificates' records say of those retired here.
BENEFICIARY: constant(String[64]) = "NET8 Reserve"
PURPOSE: constant(String[64]) = "backing of NET8"


# @dev The token this Reserve creates and destroys.
net8: public(immutable(address))


# @dev The stablecoin that backs it.
euro: public(immutable(address))


# @dev The certificates it accepts.
certificates: public(immutable(address))


# @dev Absolute bounds of the nominal price, in smallest euro units per NET8.
least_price: public(immutable(uint256))
most_price: public(immutable(uint256))


# @dev Retired Wh for one NET8.
energy_per_net8: public(immutable(uint256))


# @dev Wei of NET8 that may be created against production in one UTC day.
daily_cap: public(immutable(uint256))


# @dev Coverage in millionths below which no NET8 is created against production.
coverage_floor: public(immutable(uint256))


struct Backing:
    euros: uint256  # euro units held
    supply: uint256  # NET8 in existence, wei
    owed: uint256  # euro units that the whole supply is worth at the nominal price, rounded up
    coverage: uint256  # min(1, euros / owed) in millionths, rounded down; 1_000_000 is full
    supply_of_euros: uint256  # NET8 in existence that was created against euros, wei
    supply_of_production: uint256  # NET8 in existence that was created against retired certificates, wei
    retired: uint256  # Wh retired against NET8, ever


# @dev Nominal price: smallest euro units per NET8.
price: public(uint256)


# @dev Unix time of the last change of the price.
price_set_at: public(uint256)


# @dev Euro units that back NET8.
euros_held: public(uint256)


# @dev Wh of certificates retired for NET8.
energy_retired: public(uint256)


# @dev Wei created against production; more than that when some was burnt since the last mint (see `_of_production`).
_created_of_production: uint256


# @dev UTC day (unix time / 86,400) and wei created against production in it.
_cap_day: uint256
_cap_used: uint256


event Minted:
    payer: indexed(address)
    receiver: indexed(address)
    euros: uint256
    net8: uint256


event MintedFromProduction:
    holder: indexed(address)
    receiver: indexed(address)
    energy: uint256  # Wh retired
    net8: uint256


event PriceSet:
    price: uint256


event Redeemed:
    holder: indexed(address)
    receiver: indexed(address)
    net8: uint256
    euros: uint256


event BackingAdded:
    giver: indexed(address)
    euros: uint256


event LossRecognised:
    euros: uint256


@deploy
def __init__(
    net8_: address,
    euro_: address,
    certificates_: address,
    price_: uint256,
    energy_per_net8_: uint256,
    daily_cap_: uint256,
    coverage_floor_: uint256,
):
    """
    @param net8_ The NET8 token, whose minter this contract becomes afterwards.
    @param euro_ A euro stablecoin with 2 to 18 decimals.
    @param certificates_ The GreenCertificates it accepts.
    @param price_ Nominal price at first: smallest euro units per NET8 (3_000_000 is 3 euros with 6 decimals).
    @param energy_per_net8_ Wh to retire for one NET8, at least 10,000.
    @param daily_cap_ Wei of NET8 that may be created against production in one UTC day; 0 for none at all.
    @param coverage_floor_ Coverage in millionths, 500,000 to 1,000,000, that minting against production must leave.
    """
    assert net8_.is_contract, "reserve: net8 not a contract"
    assert euro_.is_contract, "reserve: euro not a contract"
    assert certificates_.is_contract, "reserve: certificates missing"
    decimals: uint256 = convert(staticcall IERC20Detailed(euro_).decimals(), uint256)
    assert 2 <= decimals and decimals <= 18, "reserve: euro decimals"
    assert energy_per_net8_ >= LEAST_ENERGY, "reserve: too little energy"
    assert LEAST_FLOOR <= coverage_floor_ and coverage_floor_ <= FULL_COVERAGE, "reserve: bad coverage floor"
    ownable.__init__()
    ownable_2step.__init__()
    cent: uint256 = 10**(decimals - 2)
    net8 = net8_
    euro = euro_
    certificates = certificates_
    least_price = LEAST_CENTS * cent
    most_price = MOST_CENTS * cent
    energy_per_net8 = energy_per_net8_
    daily_cap = daily_cap_
    coverage_floor = coverage_floor_
    assert LEAST_CENTS * cent <= price_ and price_ <= MOST_CENTS * cent, "reserve: price out of bounds"
    self._set_price(price_)


@external
def set_price(price: uint256):
    """
    @notice Moves the nominal price by at most a hundredth, or one unit where that is more, once a day. Contract owner only;
            in production a timelock.
    @dev Invariant 7.
    @param price Smallest euro units per NET8.
    """
    ownable._check_owner()
    assert block.timestamp >= self.price_set_at + DAY, "price: once a day"
    most: uint256 = max(self.price // MOST_CHANGE, 1)  # of a euro with few decimals a hundredth may be nothing
    assert self.price - most <= price and price <= self.price + most, "price: more than a hundredth"
    assert least_price <= price and price <= most_price, "reserve: price out of bounds"
    self._set_price(price)


@external
def mint(euros: uint256, receiver: address) -> uint256:
    """
    @notice Pays euros in and creates NET8 at the nominal price. Needs an allowance on the euro.
    @dev Invariants 1, 2 and 3.
    @param euros Euro units to pay in.
    @param receiver Who gets the NET8.
    @return Wei of NET8 created.
    """
    self._check_receiver(receiver)
    created: uint256 = self._net8_for(euros)
    assert created != 0, "mint: too little"
    self._take(euros)
    self._created_of_production = self._of_production(staticcall INET8(net8).totalSupply())
    extcall INET8(net8).mint(receiver, created)
    log Minted(payer=msg.sender, receiver=receiver, euros=euros, net8=created)
    return created


@external
def mint_from_production(ids: DynArray[uint256, 24], amounts: DynArray[uint256, 24], receiver: address) -> uint256:
    """
    @notice Retires certificates of the caller and creates NET8 for their energy. The caller approves the Reserve for
            all of his certificates (ERC-1155) beforehand. The certificates refuse what has expired.
    @dev Invariants 1, 5 and 6.
    @param ids Up to 24 certificates.
    @param amounts Wh of each.
    @param receiver Who gets the NET8.
    @return Wei of NET8 created.
    """
    self._check_receiver(receiver)
    energy: uint256 = 0
    for amount: uint256 in amounts:
        energy += amount
    created: uint256 = energy * ONE_NET8 // energy_per_net8
    assert created != 0, "mint: too little"
    used: uint256 = self._cap_used_today() + created
    assert used <= daily_cap, "mint: cap of the day reached"
    supply: uint256 = staticcall INET8(net8).totalSupply()
    self._recognise_loss()
    assert self._coverage(self._owed(supply + created)) >= coverage_floor, "mint: coverage too low"
    self._cap_day = block.timestamp // DAY
    self._cap_used = used
    self._created_of_production = self._of_production(supply) + created
    self.energy_retired += energy
    extcall IGreenCertificates(certificates).retire(msg.sender, ids, amounts, BENEFICIARY, PURPOSE)
    extcall INET8(net8).mint(receiver, created)
    log MintedFromProduction(holder=msg.sender, receiver=receiver, energy=energy, net8=created)
    return created


@external
def redeem(net8_wei: uint256, receiver: address) -> uint256:
    """
    @notice Destroys the caller's NET8 and pays nominal x min(1, coverage). Needs an allowance on NET8.
    @dev Invariants 1, 2 and 4.
    @param net8_wei Wei of NET8 to give back.
    @param receiver Who gets the euros.
    @return Euro units paid.
    """
    self._check_receiver(receiver)
    self._recognise_loss()
    euros: uint256 = self._euros_for(net8_wei)
    assert euros != 0, "redeem: too little"
    extcall INET8(net8).burn_from(msg.sender, net8_wei)
    self.euros_held -= euros
    assert extcall IERC20(euro).transfer(receiver, euros, default_return_value=True), "redeem: euro refused"
    log Redeemed(holder=msg.sender, receiver=receiver, net8=net8_wei, euros=euros)
    return euros


@external
def add_backing(euros: uint256):
    """
    @notice Gives euros to the Reserve for nothing, so that every NET8 is better covered.
    @dev Invariant 3.
    @param euros Euro units to give.
    """
    assert euros != 0, "backing: nothing given"
    self._take(euros)
    log BackingAdded(giver=msg.sender, euros=euros)


@external
def recognise_loss() -> uint256:
    """
    @notice Takes note that the stablecoin took euros of the Reserve away. Anyone may call it.
    @dev Invariant 4. Nobody but the stablecoin can lower the Reserve's balance below what is held.
    @return Euro units lost.
    """
    lost: uint256 = self._recognise_loss()
    assert lost != 0, "backing: no loss"
    return lost


@external
@view
def backing() -> Backing:
    """
    @notice The proof of backing in one call: what is held, what exists and where it came from,
            what that is worth, and the coverage.
    """
    supply: uint256 = staticcall INET8(net8).totalSupply()
    owed: uint256 = self._owed(supply)
    of_production: uint256 = self._of_production(supply)
    return Backing(
        euros=self._present(),
        supply=supply,
        owed=owed,
        coverage=self._coverage(owed),
        supply_of_euros=supply - of_production,
        supply_of_production=of_production,
        retired=self.energy_retired,
    )


@external
@view
def cap_left() -> uint256:
    """
    @notice Wei of NET8 that may still be created against production today (UTC).
    """
    return daily_cap - self._cap_used_today()


@external
@view
def net8_for(euros: uint256) -> uint256:
    """
    @notice Wei of NET8 that `mint` would create now for so many euro units.
    """
    return self._net8_for(euros)


@external
@view
def euros_for(net8_wei: uint256) -> uint256:
    """
    @notice Euro units that `redeem` would pay now for so many wei of NET8.
    """
    return self._euros_for(net8_wei)


@internal
@view
def _net8_for(euros: uint256) -> uint256:
    """
    @dev Rounded down: whoever mints pays at least the nominal price.
    """
    return euros * ONE_NET8 // self.price


@internal
@view
def _euros_for(net8_wei: uint256) -> uint256:
    """
    @dev min(nominal, share of what is held), each rounded down. The share is the lower of the two exactly when
         coverage is below 1, and floor(min(a, b)) = min(floor(a), floor(b)): coverage itself is never rounded.
    """
    supply: uint256 = staticcall INET8(net8).totalSupply()
    if supply == 0:
        return 0
    return min(net8_wei * self.price // ONE_NET8, net8_wei * self._present() // supply)


@internal
@view
def _present() -> uint256:
    """
    @dev What is held, less what the stablecoin took away and nobody has recognised yet. Gifts do not count.
    """
    return min(self.euros_held, staticcall IERC20(euro).balanceOf(self))


@internal
def _recognise_loss() -> uint256:
    """
    @return Euro units lost since it was last looked at.
    """
    present: uint256 = self._present()
    lost: uint256 = self.euros_held - present
    if lost != 0:
        self.euros_held = present
        log LossRecognised(euros=lost)
    return lost


@internal
@view
def _owed(supply: uint256) -> uint256:
    """
    @dev Euro units that so much NET8 is worth at the nominal price, rounded up.
    """
    return (supply * self.price + ONE_NET8 - 1) // ONE_NET8


@internal
@view
def _coverage(owed: uint256) -> uint256:
    """
    @dev Rounded down, and full where nothing is owed.
    """
    euros: uint256 = self._present()
    return FULL_COVERAGE if euros >= owed else euros * FULL_COVERAGE // owed


@internal
@view
def _of_production(supply: uint256) -> uint256:
    """
    @dev Invariant 5. Only this contract creates NET8, so since the last mint the supply can only have shrunk: what it
         lost beyond the part created against euros is gone from this part too. Whoever mints stores the result first,
         so that what is created against euros later never revives it.
    """
    return min(self._created_of_production, supply)


@internal
@view
def _cap_used_today() -> uint256:
    return self._cap_used if self._cap_day == block.timestamp // DAY else 0


@internal
def _set_price(price: uint256):
    self.price = price
    self.price_set_at = block.timestamp
    log PriceSet(price=price)


@internal
def _take(euros: uint256):
    """
    @notice Pulls euros from the caller and counts them as held.
    @dev What arrived is measured, because a stablecoin may keep a fee or say yes without moving anything. The lock
         on every function here keeps anything else from happening between the two measurements.
    """
    self._recognise_loss()
    before: uint256 = staticcall IERC20(euro).balanceOf(self)
    assert extcall IERC20(euro).transferFrom(msg.sender, self, euros, default_return_value=True), "euro: refused"
    assert staticcall IERC20(euro).balanceOf(self) - before >= euros, "euro: not all arrived"
    self.euros_held += euros


@internal
@view
def _check_receiver(receiver: address):
    """
    @dev What is sent to the Reserve itself or to nobody would be lost.
    """
    assert receiver != empty(address) and receiver != self, "reserve: bad receiver"
