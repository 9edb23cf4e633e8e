# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Site accounts
@license AGPL-3.0-only
@notice The prepaid NET8 of every site's owner.
@dev A site's money lies in two places, so that orders and settlements each write one word:
       account  owner 160 (bits 96..255) | free balance 64, grains
       lane     of four neighbours a word: open 1 (bit 63) | most energy in a slot 23 (Wh) | settled credit 40 (grains)
     Settlement adds to the credit; it moves into the free balance when that is short, or when it would overflow.
     Account 0 is the desk's own: no site has that number, and fees that orders allow their relayers collect there.
"""

from . import refusal
from . import roles
from . import vault

uses: roles
uses: vault

MASK_BALANCE: constant(uint256) = 2**64 - 1
MASK_CREDIT: constant(uint256) = 2**40 - 1
OPEN: constant(uint256) = 1 << 63


event Deposited:
    site: indexed(uint256)
    payer: indexed(address)
    grains: uint256


event Withdrawn:
    site: indexed(uint256)
    receiver: indexed(address)
    grains: uint256


event Charged:
    site: indexed(uint256)
    grains: uint256


_accounts: HashMap[uint256, uint256]  # site -> account
_lanes: HashMap[uint256, uint256]  # site >> 2 -> four lanes


@deploy
def __init__():
    pass


@external
def open_site(site: uint256, owner: address, most_energy: uint256):
    """
    @notice Opens the account of a site that a grid operator has admitted, or the desk's. Grid registry only.
    @param most_energy Wh it can export in a slot, below 2**23.
    """
    roles._check_grid()
    self._accounts[site] = convert(owner, uint256) << 96
    self._lanes[site >> 2] |= (OPEN | (most_energy << 40)) << self._offset(site)


# ------------------------------------------------------------------
#                      deposits and withdrawals
# ------------------------------------------------------------------


@external
def deposit(site: uint256, amount: uint256):
    """
    @notice Adds NET8 of the caller to a site's free balance.
    @param amount Wei, whole grains.
    """
    self._deposit(site, amount)


@external
def deposit_with_permit(site: uint256, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    """
    @notice Deposits in one transaction: the caller's EIP-2612 permit takes the place of an approval.
    """
    vault._permit(msg.sender, amount, deadline, v, r, s)
    self._deposit(site, amount)


@external
def withdraw(site: uint256, amount: uint256, receiver: address):
    """
    @notice Pays NET8 out of a site's free balance. Its owner only; neither desk nor agent ever can.
    @param amount Wei, whole grains.
    """
    if msg.sender != self._owner(site):
        refusal._because("site: not yours")
    grains: uint256 = vault._to_grains(amount)
    self._debit(site, grains)
    log Withdrawn(site=site, receiver=receiver, grains=grains)
    vault._push(receiver, grains)


@external
def charge(site: uint256, grains: uint256):
    """
    @notice Moves a fee that the site's owner has signed for to the desk's account. Desk only.
    """
    roles._check_desk()
    self._debit(site, grains)
    self._pay_desk(site, grains)


@internal
def _pay_desk(site: uint256, grains: uint256) -> int256:
    """
    @notice Credits a site's fee, if any, to the desk's account; the caller debits the site.
    @return The fee.
    """
    if grains != 0:
        self._credit(0, grains)
        log Charged(site=site, grains=grains)
    return convert(grains, int256)


@internal
def _deposit(site: uint256, amount: uint256):
    if self._accounts[site] == 0:
        refusal._because("site: unknown")
    grains: uint256 = vault._to_grains(amount)
    self._credit(site, grains)
    log Deposited(site=site, payer=msg.sender, grains=grains)
    vault._pull(msg.sender, grains)


# ------------------------------------------------------------------
#                            balances
# ------------------------------------------------------------------


@internal
@view
def _owner(site: uint256) -> address:
    return convert(self._accounts[site] >> 96, address)


@internal
@view
def _check_may_trade(owner: uint256):
    """
    @notice Refuses a caller who is neither a site's owner nor the desk.
    @param owner The owner's address as a number.
    """
    if convert(msg.sender, uint256) != owner and msg.sender != roles.desk:
        refusal._because("site: not yours")


@internal
def _settle_up(site: uint256, change: int256):
    """
    @notice Moves what a site's margins, locks and fees grew by out of its free balance, or what they shrank by into it.
    """
    if change > 0:
        self._debit(site, convert(change, uint256))
    elif change < 0:
        self._credit(site, convert(unsafe_sub(0, change), uint256))


@internal
def _credit(site: uint256, grains: uint256):
    """
    @notice Adds to a site's free balance.
    """
    account: uint256 = self._accounts[site]
    if unsafe_add(account & MASK_BALANCE, grains) > MASK_BALANCE:
        refusal._because("balance: too high")
    self._accounts[site] = unsafe_add(account, grains)


@internal
def _debit(site: uint256, grains: uint256):
    """
    @notice Takes from a site's free balance, moving settled credit into it when it is short.
    """
    self._debit_account(site, self._accounts[site], grains)


@internal
def _debit_account(site: uint256, before: uint256, grains: uint256):
    """
    @param before The site's account as it is stored.
    """
    account: uint256 = before
    if account & MASK_BALANCE < grains:
        lanes: uint256 = self._lanes[site >> 2]
        offset: uint256 = self._offset(site)
        credit: uint256 = (lanes >> offset) & MASK_CREDIT
        if unsafe_add(account & MASK_BALANCE, credit) < grains:
            refusal._because("balance: too low")
        self._lanes[site >> 2] = unsafe_sub(lanes, credit << offset)
        account = unsafe_add(account, credit)
    self._accounts[site] = unsafe_sub(account, grains)


@internal
def _move_credit(lanes: uint256, site: uint256, grains: uint256) -> uint256:
    """
    @notice Moves a lane that a settlement would make overflow, and the settlement, into the free balance.
    @return The word without the lane's credit, for the caller to store.
    """
    offset: uint256 = self._offset(site)
    credit: uint256 = (lanes >> offset) & MASK_CREDIT
    self._credit(site, unsafe_add(credit, grains))
    return unsafe_sub(lanes, credit << offset)


@internal
@pure
def _offset(site: uint256) -> uint256:
    """
    @notice Bit at which a site's lane begins.
    """
    return (site & 3) << 6


@internal
@view
def _free_balance(site: uint256) -> uint256:
    credit: uint256 = (self._lanes[site >> 2] >> self._offset(site)) & MASK_CREDIT
    return unsafe_add(self._accounts[site] & MASK_BALANCE, credit)


# ------------------------------------------------------------------
#                              views
# ------------------------------------------------------------------


@external
@view
def owner_of(site: uint256) -> address:
    """
    @notice Who may withdraw and trade for a site; zero for an unknown one.
    """
    return self._owner(site)


@external
@view
def free_balance(site: uint256) -> uint256:
    """
    @notice Grains a site may trade with or withdraw, settled credit included.
    """
    return self._free_balance(site)
