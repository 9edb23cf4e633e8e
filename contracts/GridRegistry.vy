# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title GridRegistry
@license AGPL-3.0-only
@notice Who and what trades under which rules: zones and their grid operators, the write-once terms of every hour, the
        sites that a grid operator has admitted with their owners' consent, the links between zones, and the guardian.
        It holds no money; what grid operators may take out of the exchange goes through its delay.
@dev Terms of an hour are fixed once, before the hour is tradable, and never change: either the grid operator published a
     tariff for it in time, which goes to the exchange at once, or the zone's default holds, for which the exchange asks
     when the hour is first used. A site is immutable: a new owner, meter, technology or nameplate is a new site, so what
     was traded under the old one settles under it.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.utils import eip712_domain_separator
from snekmate.utils import signature_checker
from .exchange import hour_terms

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: eip712_domain_separator

exports: (
    # renounce_ownership is left out: without an owner no zone could ever be opened.
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    eip712_domain_separator.eip712Domain,
)


interface Exchange:
    def connect(registry: address, desk: address): nonpayable
    def stop_orders(until: uint256): nonpayable
    def open_site(site: uint256, owner: address, most_energy: uint256): nonpayable
    def fix_published(zone: uint256, first_hour: uint256, words: DynArray[uint256, 24]): nonpayable
    def pay_out(zone: uint256, account: uint256, most: uint256, receiver: address) -> uint256: nonpayable
    def registry() -> address: view
    def zone_account(zone: uint256) -> (uint256, uint256, uint256): view
    def terms_word(key: uint256) -> uint256: view


MAX_TARIFF_LEAD: constant(uint256) = 168  # hours: the horizon of trading; beyond it nothing could be traded anyway
PUBLISH_AHEAD: constant(uint256) = 8784  # hours: a leap year, so that a mistyped hour cannot be fixed for ever
MAX_SITES: constant(uint256) = 2**16 - 1  # in a zone: an order names its site in 16 bits
MAX_NAMEPLATE: constant(uint256) = 4 * (2**23 - 1)  # W: energy of a slot has 23 bits
POOL_DELAY: constant(uint256) = 21 * 86400  # seconds: longer than reports (7 days) and disputes about them can take
POOL_WINDOW: constant(uint256) = (
    7 * 86400
)  # seconds in which an announced withdrawal can be made: time to act, not to wait
MAX_STOP: constant(uint256) = 3 * 86400  # seconds: enough to look into an alarm; open orders and positions go on
STOP_PAUSE: constant(uint256) = (
    7 * 86400
)  # seconds of trading between two stops, so that a guardian cannot close a market
MAX_CAPACITY: constant(uint256) = 2**32 - 1  # Wh in a slot: 17 GW
MAX_TRANSPORT_FEE: constant(uint256) = 2**16 - 1  # grains per Wh: the range of prices
POOL: constant(uint256) = 0  # accounts of a zone in the exchange
GRID_FEES: constant(uint256) = 1
ORACLE_FEES: constant(uint256) = 2
MAX_TECHNOLOGY: constant(uint256) = 6  # none, solar, wind, hydro, thermal, neutrinovoltaic, storage
CONSENT_TYPEHASH: constant(bytes32) = keccak256(
    "SiteConsent(uint256 zone,address owner,uint256 technology,uint256 nameplate,address meter_key,uint256 nonce,uint256 deadline)"
)


struct Zone:
    operator: address
    tariff_lead: uint256  # hours: what is nearer than this and unpublished has the default
    sites: uint256
    default_terms: uint256  # packed terms of hours before `next_from`
    next_terms: uint256  # packed terms of hours from `next_from` on
    next_from: uint256


struct Site:
    owner: address
    technology: uint256
    nameplate: uint256  # W
    meter_key: address


struct Link:
    capacity: uint256  # Wh in a slot, both directions together
    fee: uint256  # grains per Wh


struct PoolRequest:
    grains: uint256
    ready_at: uint256  # unix time


event ExchangeSet:
    exchange: indexed(address)


event GuardianSet:
    guardian: indexed(address)


event LinkSet:
    zone: indexed(uint256)
    other: indexed(uint256)
    capacity: uint256
    fee: uint256


event PoolWithdrawalRequested:
    zone: indexed(uint256)
    grains: uint256
    ready_at: uint256


event ZoneCreated:
    zone: indexed(uint256)
    operator: indexed(address)


event ZoneOperatorSet:
    zone: indexed(uint256)
    operator: indexed(address)


event DefaultTermsSet:
    zone: indexed(uint256)
    from_hour: uint256
    terms: hour_terms.Terms


event SiteRegistered:
    site: indexed(uint256)
    owner: indexed(address)
    technology: uint256
    nameplate: uint256
    meter_key: address


exchange: public(address)
guardian: public(address)
stopped_until: public(uint256)  # unix time until which the guardian's latest stop lasts
pool_requests: public(HashMap[uint256, PoolRequest])
_links: HashMap[uint256, Link]  # zone << 128 | other -> what the zone's operator allows
zone_count: public(uint256)
consent_nonce: public(HashMap[address, uint256])
_zones: HashMap[uint256, Zone]
_sites: HashMap[uint256, Site]


@deploy
def __init__():
    ownable.__init__()
    ownable_2step.__init__()
    eip712_domain_separator.__init__("NET8 GridRegistry", "1")


# ------------------------------------------------------------------
#                        contract owner
# ------------------------------------------------------------------


@external
def connect(exchange: address, registry: address, desk: address):
    """
    @notice Names the exchange in which admitted sites trade, and to it the OracleRegistry whose reports settle and the
            TradingDesk that brings signed orders: once and for ever. Contract owner only.
    """
    ownable._check_owner()
    assert self.exchange == empty(address), "grid: exchange is set"
    assert exchange.is_contract and registry.is_contract and desk.is_contract, "grid: not a contract"
    self.exchange = exchange
    log ExchangeSet(exchange=exchange)
    extcall Exchange(exchange).connect(registry, desk)
    extcall Exchange(exchange).open_site(0, desk, 0)  # the desk's own account


@external
def set_guardian(guardian: address):
    """
    @notice Names who may stop new orders for a while; the zero address for nobody. Contract owner only.
    """
    ownable._check_owner()
    self.guardian = guardian
    log GuardianSet(guardian=guardian)


@external
def stop_orders(seconds: uint256):
    """
    @notice Stops new orders in the exchange for at most three days, then not again for a week. Withdrawals, cancels
            and settlement go on: nobody can stop those. Guardian only.
    """
    assert msg.sender == self.guardian, "guardian: not you"
    assert seconds > 0 and seconds <= MAX_STOP, "guardian: bad duration"
    assert block.timestamp >= self.stopped_until + STOP_PAUSE, "guardian: too soon again"
    until: uint256 = block.timestamp + seconds
    self.stopped_until = until
    extcall Exchange(self.exchange).stop_orders(until)


@external
def resume_orders():
    """
    @notice Ends a stop early. Guardian or contract owner.
    """
    assert msg.sender == self.guardian or msg.sender == ownable.owner, "guardian: not you"
    assert block.timestamp < self.stopped_until, "guardian: not stopped"
    self.stopped_until = block.timestamp
    extcall Exchange(self.exchange).stop_orders(block.timestamp)


@external
def create_zone(operator: address, default_terms: hour_terms.Terms, tariff_lead: uint256) -> uint256:
    """
    @notice Opens a zone. Contract owner only.
    @param operator Its grid operator: admits sites, sets tariffs, collects grid fees, funds the pool.
    @param tariff_lead Hours ahead (1 to 168) from which an hour without a published tariff has the default.
    @return Zone number, from 1.
    """
    ownable._check_owner()
    assert operator != empty(address), "zone: no operator"
    assert tariff_lead > 0 and tariff_lead <= MAX_TARIFF_LEAD, "zone: bad tariff lead"
    hour_terms._check(default_terms)
    self.zone_count += 1
    zone: uint256 = self.zone_count
    packed: uint256 = hour_terms._pack(default_terms)
    self._zones[zone] = Zone(
        operator=operator, tariff_lead=tariff_lead, sites=0, default_terms=packed, next_terms=packed, next_from=0
    )
    log ZoneCreated(zone=zone, operator=operator)
    log DefaultTermsSet(zone=zone, from_hour=0, terms=default_terms)
    return zone


@external
def set_zone_operator(zone: uint256, operator: address):
    """
    @notice Replaces a zone's grid operator. Contract owner only.
    """
    ownable._check_owner()
    assert operator != empty(address), "zone: no operator"
    assert self._zones[zone].operator != empty(address), "zone: unknown"
    self._zones[zone].operator = operator
    log ZoneOperatorSet(zone=zone, operator=operator)


# ------------------------------------------------------------------
#                        grid operator: terms
# ------------------------------------------------------------------


@external
def set_default_terms(zone: uint256, default_terms: hour_terms.Terms):
    """
    @notice Changes the default for hours that nobody can trade yet. One change at a time may be on its way.
    @dev A past hour that was never used has the default of today from now on: nobody has a position there.
    """
    self._check_operator(zone)
    hour_terms._check(default_terms)
    known: Zone = self._zones[zone]
    hour: uint256 = block.timestamp // 3600
    assert hour >= known.next_from, "terms: change under way"
    from_hour: uint256 = hour + known.tariff_lead + 1
    self._zones[zone].default_terms = known.next_terms
    self._zones[zone].next_terms = hour_terms._pack(default_terms)
    self._zones[zone].next_from = from_hour
    log DefaultTermsSet(zone=zone, from_hour=from_hour, terms=default_terms)


@external
def publish_tariffs(zone: uint256, first_hour: uint256, tariffs: DynArray[hour_terms.Tariff, 24]):
    """
    @notice Fixes the tariffs of consecutive hours, such as those of the next day; grid and gate are the default's.
    @dev Only hours further ahead than the tariff lead: nearer ones may already be traded with the default.
    """
    self._check_operator(zone)
    known: Zone = self._zones[zone]
    now_hour: uint256 = block.timestamp // 3600
    assert first_hour > now_hour + known.tariff_lead, "terms: published too late"
    assert first_hour < now_hour + PUBLISH_AHEAD, "terms: too far ahead"
    words: DynArray[uint256, 24] = []
    hour: uint256 = first_hour
    for tariff: hour_terms.Tariff in tariffs:
        fixed: hour_terms.Terms = hour_terms._unpack(self._default(known, hour))
        fixed.feed_in = tariff.feed_in
        fixed.imbalance = tariff.imbalance
        fixed.grid_fee = tariff.grid_fee
        hour_terms._check(fixed)
        words.append(hour_terms._pack(fixed))
        hour += 1
    extcall Exchange(self.exchange).fix_published(zone, first_hour, words)


# ------------------------------------------------------------------
#                 grid operator: pool, fees, links
# ------------------------------------------------------------------


@external
def request_pool_withdrawal(zone: uint256, grains: uint256):
    """
    @notice Announces a withdrawal from the zone's balancing pool; replaces an earlier announcement.
    @dev Bounded by what the pool holds now and by `POOL_WINDOW`, so that nobody announces in advance what is not there yet,
         or takes the warning from a withdrawal months later. An announcement stays with the zone: who is named its
         operator after it can carry it out.
    @param grains At most what the pool holds.
    """
    self._check_operator(zone)
    assert grains > 0, "amount: zero"
    assert grains <= (staticcall Exchange(self.exchange).zone_account(zone))[0], "pool: holds less"
    ready_at: uint256 = block.timestamp + POOL_DELAY
    self.pool_requests[zone] = PoolRequest(grains=grains, ready_at=ready_at)
    log PoolWithdrawalRequested(zone=zone, grains=grains, ready_at=ready_at)


@external
def withdraw_pool(zone: uint256, receiver: address) -> uint256:
    """
    @notice Pays out an announced withdrawal once its delay has passed and for `POOL_WINDOW` from then on, at most what
            the pool still holds.
    @return Grains paid.
    """
    self._check_operator(zone)
    request: PoolRequest = self.pool_requests[zone]
    assert request.grains > 0, "pool: nothing requested"
    assert block.timestamp >= request.ready_at, "pool: delay not over"
    assert block.timestamp < request.ready_at + POOL_WINDOW, "pool: announced too long ago"
    self.pool_requests[zone] = empty(PoolRequest)
    return extcall Exchange(self.exchange).pay_out(zone, POOL, request.grains, receiver)


@external
def withdraw_fees(zone: uint256, receiver: address) -> uint256:
    """
    @notice Pays the collected grid fees to the grid operator's receiver.
    @return Grains paid.
    """
    self._check_operator(zone)
    return extcall Exchange(self.exchange).pay_out(zone, GRID_FEES, max_value(uint256), receiver)


@external
def draw_oracle_fees(zone: uint256) -> uint256:
    """
    @notice Pays all oracle fees that a zone has collected to the OracleRegistry, which shares them among those who signed
            the zone's reports and alone may call it.
    @return Grains paid.
    """
    assert msg.sender == staticcall Exchange(self.exchange).registry(), "grid: only the registry"
    return extcall Exchange(self.exchange).pay_out(zone, ORACLE_FEES, max_value(uint256), msg.sender)


@external
def set_link(zone: uint256, other: uint256, capacity: uint256, fee: uint256):
    """
    @notice Allows the sites of two zones to trade with each other, as far as the other operator allows it too: the
            smaller capacity of the two holds, and each zone is paid its own fee.
    @param capacity Wh in a slot, both directions together; 0 closes the link for what is not traded yet.
    @param fee Grains per Wh, for carrying energy through this zone.
    """
    self._check_operator(zone)
    assert zone != other and self._zones[other].operator != empty(address), "link: no such zone"
    assert capacity <= MAX_CAPACITY, "link: capacity out of range"
    assert fee <= MAX_TRANSPORT_FEE, "link: fee out of range"
    self._links[zone << 128 | other] = Link(capacity=capacity, fee=fee)
    log LinkSet(zone=zone, other=other, capacity=capacity, fee=fee)


# ------------------------------------------------------------------
#                              sites
# ------------------------------------------------------------------


@external
def register_site(
    zone: uint256,
    owner: address,
    technology: uint256,
    nameplate: uint256,
    meter_key: address,
    deadline: uint256,
    signature: Bytes[65],
) -> uint256:
    """
    @notice Admits a metered connection point with its owner's signed consent. Grid operator only.
    @param technology 0 none, 1 solar, 2 wind, 3 hydro, 4 thermal, 5 neutrinovoltaic, 6 storage.
    @param nameplate Most power the site can export, in W; 0 for one that only consumes.
    @param meter_key Address whose key signs the site's readings.
    @param deadline Unix time until which the consent holds.
    @param signature Owner's EIP-712 signature over SiteConsent (ERC-1271 for contract wallets).
    @return Site number: zone << 16 | index, the index from 1.
    """
    self._check_operator(zone)
    assert self.exchange != empty(address), "grid: no exchange"
    assert owner != empty(address), "site: no owner"
    assert meter_key != empty(address), "site: no meter key"
    assert technology <= MAX_TECHNOLOGY, "site: unknown technology"
    assert nameplate <= MAX_NAMEPLATE, "site: nameplate too large"
    assert block.timestamp <= deadline, "site: consent expired"
    nonce: uint256 = self.consent_nonce[owner]
    digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(
        keccak256(abi_encode(CONSENT_TYPEHASH, zone, owner, technology, nameplate, meter_key, nonce, deadline))
    )
    assert signature_checker._is_valid_signature_now(owner, digest, signature), "site: consent not signed"
    self.consent_nonce[owner] = nonce + 1
    index: uint256 = self._zones[zone].sites + 1
    assert index <= MAX_SITES, "zone: full"
    self._zones[zone].sites = index
    site: uint256 = (zone << 16) | index
    self._sites[site] = Site(owner=owner, technology=technology, nameplate=nameplate, meter_key=meter_key)
    log SiteRegistered(site=site, owner=owner, technology=technology, nameplate=nameplate, meter_key=meter_key)
    extcall Exchange(self.exchange).open_site(site, owner, nameplate // 4)
    return site


@internal
@pure
def _default(zone: Zone, hour: uint256) -> uint256:
    return zone.default_terms if hour < zone.next_from else zone.next_terms


@internal
@view
def _check_operator(zone: uint256):
    assert msg.sender == self._zones[zone].operator, "zone: not its operator"


# ------------------------------------------------------------------
#                              views
# ------------------------------------------------------------------


@external
@view
def packed_terms(zone: uint256, hour: uint256) -> uint256:
    """
    @notice Packed default terms of an hour that nobody published a tariff for; 0 while somebody still may, or for an
            unknown zone.
    """
    known: Zone = self._zones[zone]
    return self._default(known, hour) if hour <= block.timestamp // 3600 + known.tariff_lead else 0


@external
@view
def terms(zone: uint256, hour: uint256) -> (hour_terms.Terms, bool):
    """
    @notice Terms of an hour, and whether they are final; before that, and of a past hour that was never used, what the
            default would make them.
    """
    known: Zone = self._zones[zone]
    word: uint256 = staticcall Exchange(self.exchange).terms_word((zone << 32) | hour)
    final: bool = word != 0 or hour <= block.timestamp // 3600 + known.tariff_lead
    if word == 0:
        word = self._default(known, hour)
    return hour_terms._unpack(word), final


@external
@view
def link(zone: uint256, other: uint256) -> (uint256, uint256, uint256):
    """
    @notice Wh that two zones may trade with each other in a slot, and the grains per Wh that each of them asks for it.
    """
    here: Link = self._links[zone << 128 | other]
    there: Link = self._links[other << 128 | zone]
    return min(here.capacity, there.capacity), here.fee, there.fee


@external
@view
def zone_operator(zone: uint256) -> address:
    """
    @notice Grid operator of a zone; zero for an unknown zone.
    """
    return self._zones[zone].operator


@external
@view
def tariff_lead(zone: uint256) -> uint256:
    """
    @notice Hours ahead from which an hour without a published tariff has the default.
    """
    return self._zones[zone].tariff_lead


@external
@view
def site(site: uint256) -> Site:
    """
    @notice What is known of a site; empty for an unknown one.
    """
    return self._sites[site]


@external
@view
def site_count(zone: uint256) -> uint256:
    """
    @notice Number of sites in a zone: their indices are 1 to this.
    """
    return self._zones[zone].sites
