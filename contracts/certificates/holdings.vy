# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Holdings
@license AGPL-3.0-only
@notice Who holds which certificates: ERC-1155 over packed words.
@dev Balances are as the events say (EIP-1155): what has expired stays in its holder's balance, where it can neither be
     passed on nor retired, until it is swept, and sweeping logs a transfer to the zero address. Anyone may sweep, and
     whoever receives certificates where those of the lap before still lie sweeps them on the way, so nothing is stuck.
     A word of an earlier lap has always expired when it is met: a lap is 16,384 hours, a life 13,140, and only hours
     of the past are minted.
"""

from snekmate.tokens.interfaces import IERC1155
from snekmate.tokens.interfaces import IERC1155Receiver
from . import admission
from . import cells
from . import ledger

implements: IERC1155
uses: admission
uses: ledger

BATCH: constant(uint256) = 128  # ids in one call
SWEEP: constant(uint256) = 21  # octets in one call: a week
BATCH_RECEIVED: constant(bytes4) = 0xBC197C81  # what a receiver of a batch answers when it accepts
ERC165: constant(bytes4) = 0x01FFC9A7
ERC1155: constant(bytes4) = 0xD9B67A26
ERC1155_METADATA_URI: constant(bytes4) = 0x0E89341C


event Expired:
    account: indexed(address)
    site: indexed(uint256)
    first_hour: uint256  # of the eight that were swept
    amount: uint256  # Wh


isApprovedForAll: public(reentrant(HashMap[address, HashMap[address, bool]]))
_holdings: HashMap[uint256, uint256]  # account << 96 | place -> Wh of each hour


@deploy
def __init__():
    pass


# ------------------------------------------------------------------
#                             ERC-1155
# ------------------------------------------------------------------


@external
def safeTransferFrom(owner: address, receiver: address, id: uint256, amount: uint256, data: Bytes[1_024]):
    """
    @notice Passes certificates on. Their holder, or who is approved for all of his.
    @param amount Wh.
    @param data For the receiving contract.
    """
    self._check_may_act(owner)
    self._check_receiver(receiver)
    self._pass_on(owner, receiver, id, amount)
    log IERC1155.TransferSingle(_operator=msg.sender, _from=owner, _to=receiver, _id=id, _value=amount)
    if receiver.is_contract:
        answer: bytes4 = extcall IERC1155Receiver(receiver).onERC1155Received(msg.sender, owner, id, amount, data)
        assert answer == method_id("onERC1155Received(address,address,uint256,uint256,bytes)", output_type=bytes4), (
            "erc1155: receiver refuses"
        )


@external
def safeBatchTransferFrom(
    owner: address,
    receiver: address,
    ids: DynArray[uint256, BATCH],
    amounts: DynArray[uint256, BATCH],
    data: Bytes[1_024],
):
    """
    @notice Passes certificates of up to 128 ids on.
    """
    self._check_may_act(owner)
    self._check_receiver(receiver)
    assert len(ids) == len(amounts), "erc1155: lengths differ"
    for i: uint256 in range(len(ids), bound=BATCH):
        self._pass_on(owner, receiver, ids[i], amounts[i])
    self._log_batch(owner, receiver, ids, amounts)
    self._ask_receiver(owner, receiver, ids, amounts, data)


@external
def setApprovalForAll(operator: address, approved: bool):
    """
    @notice Lets an account pass on, retire and match all certificates of the caller, or no longer.
    """
    self.isApprovedForAll[msg.sender][operator] = approved
    log IERC1155.ApprovalForAll(_owner=msg.sender, _operator=operator, _approved=approved)


@external
@view
@reentrant
def balanceOf(owner: address, id: uint256) -> uint256:
    """
    @notice Wh an account holds of an id, with what has expired and is not swept yet.
    """
    return self._balance(owner, id)


@external
@view
@reentrant
def balanceOfBatch(owners: DynArray[address, BATCH], ids: DynArray[uint256, BATCH]) -> DynArray[uint256, BATCH]:
    """
    @notice The same for up to 128 pairs of account and id.
    """
    assert len(owners) == len(ids), "erc1155: lengths differ"
    balances: DynArray[uint256, BATCH] = []
    for i: uint256 in range(len(ids), bound=BATCH):
        balances.append(self._balance(owners[i], ids[i]))
    return balances


@external
@view
@reentrant
def supportsInterface(interface_id: bytes4) -> bool:
    """
    @notice ERC-165: ERC-1155 and its metadata extension.
    """
    return interface_id in [ERC165, ERC1155, ERC1155_METADATA_URI]


# ------------------------------------------------------------------
#                              expiry
# ------------------------------------------------------------------


@external
def expire(holder: address, site: uint256, first_hour: uint256, octets: uint256) -> uint256:
    """
    @notice Takes expired certificates out of an account's balance. Anyone.
    @param first_hour Any of the first eight hours to sweep; hours are swept in eights (unix time / 28,800).
    @param octets How many eights, at most 21 (a week); all must have expired.
    @return Wh swept.
    """
    assert site >> 48 == 0, "site: unknown"
    total: uint256 = 0
    for i: uint256 in range(octets, bound=SWEEP):
        hour: uint256 = first_hour + i * cells.OCTET
        place: uint256 = cells._place(site, hour)
        word: uint256 = self._holdings[self._key(holder, place)]
        if word & cells.MASK_CELLS != 0 and word >> cells.LAP_SHIFT == cells._lap(hour):
            self._holdings[self._key(holder, place)] = word & ~cells.MASK_CELLS
            total += self._sweep(holder, place, word)
    return total


@external
@pure
def expires_at(id: uint256) -> uint256:
    """
    @notice Unix time from which certificates of an id can no longer be passed on or retired: 18 months after the hour.
    """
    return cells._expires_at(cells._hour(id))


# ------------------------------------------------------------------
#                            internal
# ------------------------------------------------------------------


@internal
@view
def _balance(owner: address, id: uint256) -> uint256:
    if id >> 96 != 0:
        return 0
    hour: uint256 = cells._hour(id)
    return cells._cell(self._holdings[self._key(owner, cells._place(cells._site(id), hour))], hour)


@internal
def _pass_on(sender: address, receiver: address, id: uint256, amount: uint256):
    # What is nothing must not touch the receiver's word: nothing proves that such an id exists.
    if amount != 0:
        self._debit(sender, id, amount)
        hour: uint256 = cells._hour(id)
        self._credit(receiver, cells._site(id), hour, amount << cells._offset(hour))


@internal
def _debit(account: address, id: uint256, amount: uint256):
    """
    @notice Takes certificates that have not expired out of a balance.
    """
    assert amount <= self._balance(account, id), "erc1155: balance too low"
    hour: uint256 = cells._hour(id)
    assert block.timestamp < cells._expires_at(hour), "erc1155: expired"
    self._holdings[self._key(account, cells._place(cells._site(id), hour))] -= amount << cells._offset(hour)


@internal
def _credit(account: address, site: uint256, hour: uint256, received: uint256):
    """
    @notice Adds cells of Wh, of the octet of an hour that has not expired.
    """
    place: uint256 = cells._place(site, hour)
    key: uint256 = self._key(account, place)
    word: uint256 = self._holdings[key]
    self._holdings[key] = unsafe_add(cells._in_lap(word, hour), received)
    if word & cells.MASK_CELLS != 0 and word >> cells.LAP_SHIFT != cells._lap(hour):
        self._sweep(account, place, word)


@internal
def _sweep(account: address, place: uint256, word: uint256) -> uint256:
    """
    @notice Accounts for the cells of a word that is no longer in the account's balance.
    @return Their Wh.
    """
    site: uint256 = place >> 11
    first_hour: uint256 = cells._first_hour(word, place)
    assert block.timestamp >= cells._expires_at(first_hour + cells.OCTET - 1), "expiry: not yet"
    ids: DynArray[uint256, cells.OCTET] = []
    amounts: DynArray[uint256, cells.OCTET] = []
    total: uint256 = 0
    for i: uint256 in range(cells.OCTET):
        amount: uint256 = cells._cell(word, first_hour + i)
        if amount != 0:
            ids.append(cells._id(site, first_hour + i))
            amounts.append(amount)
            total += amount
    ledger._count_expired(site, admission._technology(site), first_hour, word & cells.MASK_CELLS, total)
    log IERC1155.TransferBatch(_operator=msg.sender, _from=account, _to=empty(address), _ids=ids, _values=amounts)
    log Expired(account=account, site=site, first_hour=first_hour, amount=total)
    return total


@internal
def _log_batch(owner: address, receiver: address, ids: DynArray[uint256, BATCH], amounts: DynArray[uint256, BATCH]):
    """
    @notice Logs certificates that come from, go to, or change hands; the zero address is nobody.
    """
    log IERC1155.TransferBatch(_operator=msg.sender, _from=owner, _to=receiver, _ids=ids, _values=amounts)


@internal
def _ask_receiver(
    owner: address,
    receiver: address,
    ids: DynArray[uint256, BATCH],
    amounts: DynArray[uint256, BATCH],
    data: Bytes[1_024],
):
    """
    @notice Gives a receiving contract the right to refuse, after everything is booked.
    """
    if receiver.is_contract:
        answer: bytes4 = extcall IERC1155Receiver(receiver).onERC1155BatchReceived(
            msg.sender, owner, ids, amounts, data
        )
        assert answer == BATCH_RECEIVED, "erc1155: receiver refuses"


@internal
@pure
def _key(account: address, place: uint256) -> uint256:
    return (convert(account, uint256) << 96) | place


@internal
@view
def _check_may_act(owner: address):
    assert msg.sender == owner or self.isApprovedForAll[owner][msg.sender], "erc1155: not yours"


@internal
@pure
def _check_receiver(receiver: address):
    assert receiver != empty(address), "erc1155: zero address"
