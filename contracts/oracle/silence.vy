# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Silence
@license AGPL-3.0-only
@notice A zone that does not report a slot pays: a little to who raises the alarm after a day, and after the report timeout,
        when the slot settles as traded, more than anybody can have gained by that.
@dev Who gains by silence is a seller who did not deliver. As traded he is paid as if he had, so he gains at most the
     imbalance price of all he sold. For each site that sold, the operators of its zone lose five times that, in equal
     parts. To keep a report from coming takes n - quorum + 1 of n operators, never less than a third, so these alone
     lose 5/3 of the gain at least; a tenth of all five comes back to them when they alert themselves, which leaves
     7/6: silence costs more than it can bring, whoever gains, as far as their stakes reach. `secured` says how far.
     A slot is the business of those who sat in the zone when it ended. Who leaves afterwards takes it with him, and an
     unbonding stake stays for longer than a slot may go unreported; whoever comes has nothing to do with it.
     An alert needs a site with a trade in the slot. A zone in which nothing was traded is never alerted, and a trade made
     for the alert's sake is worth nothing while the zone reports: operators report every slot anyway, and may say that
     there was no reading.
"""

from ..exchange import hour_terms
from ..exchange import position_words
from ..interfaces import IEnergyExchange
from ..interfaces import IOracleRegistry
from . import messages
from . import purse

uses: purse

# @dev Seconds after a slot from which its silence may be alerted: long enough to repair a node or a network.
ALERT_AFTER: public(constant(uint256)) = 86_400
REPORT_TIMEOUT: constant(uint256) = 7 * 86_400  # seconds after a slot, the exchange's: then it settles as traded
ALERT_PART: constant(uint256) = 1_000  # of the least stake, from each operator, for a slot that is late
ALERT_SHARE: constant(uint256) = 4  # a quarter of that to the alerter: less than the silent ones pay, who could alert
SILENCE_FACTOR: constant(uint256) = 5
SILENCE_SHARE: constant(uint256) = 10  # a tenth of that to the alerter
MAX_SITES: constant(uint256) = 64  # in one call
MIN_OPERATORS: constant(uint256) = 4  # the registry's: fewer cannot report
GRAIN: constant(uint256) = 10**11  # wei


event SilenceAlerted:
    zone: indexed(uint256)
    slot: indexed(uint256)
    alerter: indexed(address)
    exposure: uint256  # wei that sellers can have gained; 0 for a slot that is only late
    taken: uint256  # wei slashed
    reward: uint256  # wei of it to the alerter


# @dev zone << 32 | slot -> whether its lateness was paid for.
is_alerted: public(HashMap[uint256, bool])

# @dev zone << 32 | slot -> site index >> 8 -> bitmap of the sites whose sales were paid for.
_charged: HashMap[uint256, HashMap[uint256, uint256]]


@deploy
def __init__():
    pass


@external
def alert_late(site: uint256, slot: uint256) -> uint256:
    """
    @notice Makes those who were to report a site's zone pay for a slot that is not reported after a day. Anyone, once for
            each zone and slot.
    @param site One that traded in the slot.
    @return Wei for the alerter, to be collected.
    """
    zone: uint256 = site >> 16
    self._check_silent(zone, slot)
    assert block.timestamp >= (slot + 1) * 900 + ALERT_AFTER, "alert: too early"
    assert self._has_traded(self._cell(site, slot)), "alert: nothing traded"
    key: uint256 = zone << 32 | slot
    assert not self.is_alerted[key], "alert: made before"
    self.is_alerted[key] = True
    each: uint256 = staticcall IOracleRegistry(purse.registry).min_stake() // ALERT_PART
    return self._charge(self._responsible(zone, slot), zone, slot, 0, each, ALERT_SHARE)


@external
def alert_silence(zone: uint256, slot: uint256, sites: DynArray[uint256, MAX_SITES]) -> uint256:
    """
    @notice Makes those who were to report a zone pay for what its sellers can have gained by a slot that nobody reported
            in time. Anyone, once for each site.
    @param sites Sites of the zone that sold in the slot.
    @return Wei for the alerter, to be collected.
    """
    self._check_silent(zone, slot)
    assert block.timestamp > (slot + 1) * 900 + REPORT_TIMEOUT, "alert: may still be reported"
    sold: uint256 = 0
    for site: uint256 in sites:
        assert site >> 16 == zone, "alert: site of another zone"
        key: uint256 = zone << 32 | slot
        index: uint256 = site & 65535
        assert self._charged[key][index >> 8] >> (index & 255) & 1 == 0, "alert: made before"
        self._charged[key][index >> 8] |= 1 << (index & 255)
        sold += self._sold(self._cell(site, slot))
    assert sold != 0, "alert: nothing sold"
    rules: uint256 = staticcall IEnergyExchange(staticcall IOracleRegistry(purse.registry).exchange()).terms_word(
        zone << 32 | slot // 4
    )
    exposure: uint256 = sold * hour_terms._imbalance(rules) * GRAIN
    silent: DynArray[uint256, messages.MAX_OPERATORS] = self._responsible(zone, slot)
    each: uint256 = SILENCE_FACTOR * exposure // max(len(silent), 1)
    return self._charge(silent, zone, slot, exposure, each, SILENCE_SHARE)


@external
@view
def secured(zone: uint256) -> (uint256, uint256):
    """
    @notice Bribery bound: how much open value the stakes of a zone secure, against a false report and against silence.
            Above it, operators who are given all of that value can afford to lose their stakes.
    @dev False report: a quorum signs, of those with the least at stake; each loses all when a dispute of the highest tier
         is upheld. Silence: n - quorum + 1 withhold their signatures, and must lose half as much again as they gain,
         the alerter's part included; each pays at most what the poorest has.
    @return Wei against a false report, wei against silence. Zero while the zone has fewer than four operators.
    """
    ids: DynArray[uint256, messages.MAX_OPERATORS] = staticcall IOracleRegistry(purse.registry).zone_operators(zone)
    if len(ids) < MIN_OPERATORS:
        return 0, 0
    stakes: DynArray[uint256, messages.MAX_OPERATORS] = []
    for id: uint256 in ids:
        stakes.append((staticcall IOracleRegistry(purse.registry).operator(id)).stake)
        for back: uint256 in range(30):
            at: uint256 = len(stakes) - 1
            if at < back + 1 or stakes[at - back] >= stakes[at - back - 1]:
                break
            poorer: uint256 = stakes[at - back]
            stakes[at - back] = stakes[at - back - 1]
            stakes[at - back - 1] = poorer
    quorum: uint256 = staticcall IOracleRegistry(purse.registry).quorum(zone)
    of_liars: uint256 = 0
    for i: uint256 in range(quorum, bound=31):
        of_liars += stakes[i]
    return of_liars, (len(stakes) - quorum + 1) * stakes[0] * 2 // 3


# ------------------------------------------------------------------
#                             internal
# ------------------------------------------------------------------


@internal
@view
def _check_silent(zone: uint256, slot: uint256):
    """
    @notice Refuses a slot that is too far off to be one, and one in which a report settled anything.
    """
    assert slot >> 32 == 0, "alert: no such slot"
    rules: uint256 = staticcall IEnergyExchange(staticcall IOracleRegistry(purse.registry).exchange()).terms_word(
        zone << 32 | slot // 4
    )
    assert not hour_terms._is_reported(rules, slot), "alert: was reported"


@internal
@view
def _responsible(zone: uint256, slot: uint256) -> DynArray[uint256, messages.MAX_OPERATORS]:
    """
    @notice Operators who had to report a slot: who sat in the zone in its last second, if they were enough for a report.
    """
    ids: DynArray[uint256, messages.MAX_OPERATORS] = staticcall IOracleRegistry(purse.registry).zone_operators_at(
        zone, (slot + 1) * 900 - 1
    )
    if len(ids) < MIN_OPERATORS:
        return []
    return ids


@internal
@view
def _cell(site: uint256, slot: uint256) -> uint256:
    """
    @notice What the exchange holds of a site's slot.
    """
    word: uint256 = (
        staticcall IEnergyExchange(staticcall IOracleRegistry(purse.registry).exchange()).position_words_of(
            site, slot // 4, 1
        )
    )[0]
    return word >> position_words._offset(slot) & position_words.MASK_CELL


@internal
@pure
def _has_traded(cell: uint256) -> bool:
    """
    @notice Whether a cell is an open position.
    """
    return cell != 0 and cell < position_words.SETTLED


@internal
@pure
def _sold(cell: uint256) -> uint256:
    """
    @notice Wh sold in an open position, or in one that settled as traded.
    """
    if cell < position_words.SETTLED:
        return convert(max(position_words._net_wh(cell), 0), uint256)
    return cell & position_words.MASK_WH if cell >> 48 & 255 == position_words.AS_TRADED else 0


@internal
def _charge(
    silent: DynArray[uint256, messages.MAX_OPERATORS],
    zone: uint256,
    slot: uint256,
    exposure: uint256,
    each: uint256,
    share: uint256,
) -> uint256:
    """
    @notice Takes the same from each of the silent, as far as he has it, and gives a part to the caller.
    @dev All or nothing: what this window does not allow is refused and can be alerted in the next; but what not even a
         whole window allows is taken as far as that goes.
    """
    room: uint256 = staticcall IOracleRegistry(purse.registry).slashable_now()
    taken: uint256 = 0
    missed: uint256 = 0
    for id: uint256 in silent:
        due: uint256 = min(each, (staticcall IOracleRegistry(purse.registry).operator(id)).stake)
        got: uint256 = extcall IOracleRegistry(purse.registry).slash(id, due)
        taken += got
        missed += due - got
    assert (
        missed == 0 or room == (staticcall IOracleRegistry(purse.registry).total_stake() + taken) // 3
    ), "alert: window is full"
    assert taken != 0, "alert: nothing at stake"
    reward: uint256 = taken // share
    purse._owe(msg.sender, reward)
    log SilenceAlerted(zone=zone, slot=slot, alerter=msg.sender, exposure=exposure, taken=taken, reward=reward)
    purse._burn(taken - reward)
    return reward
