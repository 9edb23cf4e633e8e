# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Green certificates: where the energy came from
@license AGPL-3.0-only
@notice ERC-1155. One unit is one Wh that a clean site exported in one hour, metered and settled by the oracles.
        The id names both: id = site << 32 | hour, the hour being unix time / 3600.
        A certificate is minted by the site's owner, passed on freely, and retired by whoever claims the energy, if
        wanted for a slot in which a meter of his showed that he used it. It expires 18 months after its hour.
@dev Read it module by module:
       cells      how hours lie in words
       ledger     issued, held, retired, expired: by id, zone and technology
       admission  who may mint, decided by a registrar
       meters     what was produced and consumed, as settled by the exchange
       holdings   ERC-1155: balances, transfers, expiry
       attributes what a certificate says
     Invariants, after every call:
       1 A slot is minted at most once, and only within 856 hours: until then the exchange surely keeps it.
       2 Only exported energy that a meter showed is minted, from a site of a clean technology that the registrar
         admitted; by its owner alone.
       3 issued = held + retired + expired, for every zone and technology, and for every id while its record is kept;
         held is the sum of all balances.
       4 A balance changes only by a logged transfer; mint, retirement and expiry are transfers from or to nobody.
       5 What has expired is neither passed on nor retired; what has not is never swept.
       6 In every slot, no more is matched to a site than its meter showed, and every Wh retired is matched at most once.
       7 Nobody's certificates move, retire or are matched but by their holder or whom he approved for all; a site's
         consumption is used up by its owner or whom he approved alone.
     Immutable: no proxy, no pause. The owner names the registrar, and once the MeterRecords, and can do nothing else.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.tokens.interfaces import IERC1155
from snekmate.tokens.interfaces import IERC1155Receiver
from .certificates import admission
from .certificates import cells
from .certificates import holdings
from .certificates import ledger
from .certificates import attributes
from .certificates import meters
from .exchange import position_words
from .interfaces import IEnergyExchange

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: ledger
initializes: admission[ownable := ownable]
initializes: meters
initializes: holdings[admission := admission, ledger := ledger]
initializes: attributes[admission := admission, ledger := ledger, ownable := ownable]

exports: (
    # renounce_ownership is left out: without an owner a lost registrar could not be replaced.
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    ledger.__interface__,
    admission.__interface__,
    meters.__interface__,
    holdings.__interface__,
    attributes.__interface__,
)

MINT_WINDOW: constant(
    uint256
) = 856  # hours: what the exchange keeps for sure, its ring of 1024 less its horizon of 168
RETIREMENTS: constant(uint256) = 24  # ids retired in one call: a day


event Retired:
    id: indexed(uint256)
    account: indexed(address)
    amount: uint256  # Wh
    beneficiary: String[64]  # on whose behalf
    purpose: String[64]  # what for, e.g. a reporting period
    site: uint256  # whose consumption it is matched to; 0 for none
    slot: uint256  # in which quarter of an hour (unix time / 900); 0 for none


@deploy
def __init__(exchange: address, registrar: address, issuer: String[64]):
    """
    @param exchange The EnergyExchange.
    @param registrar Who admits sites to certificates, at first.
    @param issuer Name of the issuing body, in printable characters.
    """
    assert exchange.is_contract, "certificates: exchange missing"
    ownable.__init__()
    ownable_2step.__init__()
    ledger.__init__()
    admission.__init__(staticcall IEnergyExchange(exchange).grid(), registrar)
    meters.__init__(exchange)
    holdings.__init__()
    attributes.__init__(issuer)


# ------------------------------------------------------------------
#                               mint
# ------------------------------------------------------------------


@external
def mint(site: uint256, first_hour: uint256, count: uint256, receiver: address) -> uint256:
    """
    @notice Mints what a site exported in consecutive hours, in all settled slots that are not minted yet. Site owner
            only. Hours with nothing to mint are passed over; a slot that settles later is minted by another call.
    @dev Invariants 1 and 2.
    @param first_hour Unix time / 3600; until `mint_deadline`.
    @param count Hours, 1 to 24.
    @param receiver Who gets the certificates; a contract must accept ERC-1155 batches.
    @return Wh minted.
    """
    assert msg.sender == meters._owner_of(site), "site: not yours"
    technology: uint256 = admission._check_admitted(site)
    holdings._check_receiver(receiver)
    assert count <= meters.HOURS, "mint: too many hours"
    assert first_hour <= block.timestamp // 3600, "mint: not produced yet"
    assert block.timestamp < self._mint_deadline(first_hour), "mint: too late"
    ids: DynArray[uint256, meters.HOURS] = []
    amounts: DynArray[uint256, meters.HOURS] = []
    total: uint256 = 0
    id: uint256 = cells._id(site, first_hour)
    octet: uint256 = first_hour  # the hour at which the octet, or the day, began
    offset: uint256 = cells._offset(first_hour)
    issues: uint256 = ledger._issue_word(site, first_hour)
    received: uint256 = 0  # cells of Wh that the receiver gets in the octet
    words: DynArray[uint256, meters.HOURS] = meters._words_of(site, first_hour, count)
    for word: uint256 in words:
        if offset == cells.LAP_SHIFT:
            self._issue(site, octet, issues, receiver, received)
            octet = cells._hour(id)
            offset = 0
            issues = ledger._issue_word(site, octet)
            received = 0
        produced: uint256 = position_words._production(word, issues >> offset)
        amount: uint256 = produced >> ledger.SLOT_BITS
        if amount != 0:
            issues = unsafe_add(issues, produced << offset)
            received = unsafe_add(received, amount << offset)
            ids.append(id)
            amounts.append(amount)
            total = unsafe_add(total, amount)
        offset = unsafe_add(offset, cells.CELL_BITS)
        id = unsafe_add(id, 1)
    self._issue(site, octet, issues, receiver, received)
    assert total != 0, "mint: nothing to mint"
    ledger._count_issued(site, technology, total)
    log IERC1155.TransferBatch(_operator=msg.sender, _from=empty(address), _to=receiver, _ids=ids, _values=amounts)
    if receiver.is_contract:
        # Not through `holdings`: its arrays of 128 would make every mint pay for their memory.
        answer: bytes4 = extcall IERC1155Receiver(receiver).onERC1155BatchReceived(
            msg.sender, empty(address), ids, amounts, b""
        )
        assert answer == holdings.BATCH_RECEIVED, "erc1155: receiver refuses"
    return total


@internal
def _issue(site: uint256, hour: uint256, issues: uint256, receiver: address, received: uint256):
    """
    @notice Books what is minted of the octet of an hour, if anything.
    @param issues Its issue cells as they are now.
    @param received Cells of Wh that the receiver gets.
    """
    if received != 0:
        ledger._store_issue_word(site, hour, issues)
        holdings._credit(receiver, site, hour, received)


@external
@view
def mintable(site: uint256, hour: uint256) -> uint256:
    """
    @notice Wh that `mint` would mint of an hour now, if the site is admitted and its owner asks.
    """
    if hour > block.timestamp // 3600 or block.timestamp >= self._mint_deadline(hour):
        return 0
    word: uint256 = meters._words_of(site, hour, 1)[0]
    return position_words._production(word, ledger._minted_slots(site, hour)) >> ledger.SLOT_BITS


@external
@pure
def mint_deadline(hour: uint256) -> uint256:
    """
    @notice Unix time from which an hour can no longer be minted, 35 days after it began.
    """
    assert hour >> cells.HOUR_BITS == 0, "mint: no such hour"
    return self._mint_deadline(hour)


@internal
@pure
def _mint_deadline(hour: uint256) -> uint256:
    return unsafe_mul(unsafe_add(hour, MINT_WINDOW), 3600)


# ------------------------------------------------------------------
#                              retire
# ------------------------------------------------------------------


@external
def retire(
    holder: address,
    ids: DynArray[uint256, RETIREMENTS],
    amounts: DynArray[uint256, RETIREMENTS],
    beneficiary: String[64],
    purpose: String[64],
):
    """
    @notice Takes certificates out of circulation for good and records for whom and for what. Their holder, or who is
            approved for all of his.
    @dev Invariants 3, 5 and 7.
    @param ids Up to 24, such as those of a day.
    @param amounts Wh of each, not zero.
    @param beneficiary On whose behalf.
    @param purpose What for, e.g. a reporting period.
    """
    holdings._check_may_act(holder)
    assert len(ids) == len(amounts), "erc1155: lengths differ"
    for i: uint256 in range(len(ids), bound=RETIREMENTS):
        self._retire(holder, ids[i], amounts[i])
        log Retired(
            id=ids[i], account=holder, amount=amounts[i], beneficiary=beneficiary, purpose=purpose, site=0, slot=0
        )
    holdings._log_batch(holder, empty(address), ids, amounts)


@external
def retire_matched(
    holder: address,
    id: uint256,
    amount: uint256,
    beneficiary: String[64],
    purpose: String[64],
    site: uint256,
    slot: uint256,
):
    """
    @notice Retires certificates for energy that a site bought and used in the same hour, by its meter. Their holder, or
            who is approved for all of his; and he must also own the site, or be approved by its owner.
    @dev Invariants 3, 5, 6 and 7.
    @param site Whose consumption is matched.
    @param slot Quarter of an hour (unix time / 900) within the certificates' hour, settled by a meter.
    """
    holdings._check_may_act(holder)
    consumer: address = meters._owner_of(site)
    assert msg.sender == consumer or holdings.isApprovedForAll[consumer][msg.sender], "match: not your site"
    assert slot // 4 == cells._hour(id), "match: not in that hour"
    meters._match(site, slot, amount)
    self._retire(holder, id, amount)
    log Retired(id=id, account=holder, amount=amount, beneficiary=beneficiary, purpose=purpose, site=site, slot=slot)
    holdings._log_batch(holder, empty(address), [id], [amount])


@internal
def _retire(holder: address, id: uint256, amount: uint256):
    assert amount != 0, "retire: nothing"
    holdings._debit(holder, id, amount)
    site: uint256 = cells._site(id)
    ledger._count_retired(site, admission._technology(site), cells._hour(id), amount)
