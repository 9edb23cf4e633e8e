# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Oracle registry: who may say what meters showed
@license AGPL-3.0-only
@notice Operators stake NET8 and are admitted to zones. What a quorum of a zone's operators signed is a report, and
        submitting it settles the slots it covers in the same transaction. Anyone may submit. Signers share the zone's
        oracle fee; who lies or is silent loses stake to the OracleCourt.
@dev Read it module by module:
       messages   what operators sign
       operators  stakes and signer keys
       panels     what a report needs to know of a zone
       rewards    who gets the oracle fee
       seats      who may sign for which zone
     Invariants, after every call:
     1. NET8 held = all stakes + rewards earned or carried over, but for gifts sent past the functions here, which count
        for nothing.
     2. Seats 0 .. n-1 of a zone are filled, each by another operator, and no two operators share a signer:
        distinct seats are distinct signers.
     3. A report needs floor(2n/3) + 1 of the n operators of the zone as they are when it is submitted, and n >= 4:
        with f of n = 3f + 1 dishonest, two reports that contradict each other share an honest signer.
     4. A zone that has reached four operators never falls below four.
     5. Stake leaves to its owner only when its operator sits in no zone, `UNBONDING` has passed since he asked, and no
        dispute is open against him; until then, and to no one else, the court may take it.
     6. A report settles every slot at most once: the exchange skips what is settled, and a report that settles
        nothing is refused. So a signature is worthless the second time, in whatever form it is written.
     7. A signer key belongs to one operator for ever. A replaced one counts in reports until its overlap ends, at most
        a day, and in proofs for ever.
     8. In one window at most a third of all stakes is slashed for anything but equivocation.
     9. A zone's oracle fees are shared among those who signed its reports, in proportion to how many each signed; past
        64 the older ones count half.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.utils import eip712_domain_separator
from .interfaces import IEnergyExchange
from .oracle import messages
from .oracle import operators
from .oracle import panels
from .oracle import rewards
from .oracle import seats

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: eip712_domain_separator
initializes: operators
initializes: panels
initializes: rewards[operators := operators, panels := panels]
initializes: seats[ownable := ownable, operators := operators, panels := panels, rewards := rewards]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    # @notice `renounce_ownership` is left out: without an owner no zone could replace an operator.
    eip712_domain_separator.eip712Domain,
    operators.__interface__,
    rewards.__interface__,
    seats.__interface__,
)


event CourtSet:
    court: indexed(address)


event Reported:
    zone: indexed(uint256)
    bitmap: uint256  # bit i: the operator in seat i signed
    entries_hash: bytes32  # keccak256 of the concatenated entries
    settled: uint256  # slots settled by it


# @dev OracleCourt: alone may slash and freeze stakes. Zero until wired.
court: public(address)


@deploy
def __init__(net8_: address, exchange_: address, min_stake_: uint256):
    """
    @param net8_ The NET8 token.
    @param exchange_ The EnergyExchange; it must name this contract its registry afterwards.
    @param min_stake_ Wei of NET8 that an operator stakes at least.
    """
    ownable.__init__()
    ownable_2step.__init__()
    eip712_domain_separator.__init__("NET8 OracleRegistry", "1")
    operators.__init__(net8_, min_stake_)
    panels.__init__()
    rewards.__init__(exchange_)
    seats.__init__()


@external
def connect(court: address):
    """
    @notice Names the OracleCourt, once and for ever. Owner of the contract alone.
    """
    ownable._check_owner()
    assert self.court == empty(address), "registry: court is set"
    assert court.is_contract, "registry: court no contract"
    self.court = court
    log CourtSet(court=court)


# ------------------------------------------------------------------
#                             reports
# ------------------------------------------------------------------


@external
def report(
    zone: uint256,
    round: uint256,
    entries: Bytes[32 * messages.MAX_ENTRIES],
    bitmap: uint256,
    signatures: DynArray[messages.Signature, messages.MAX_OPERATORS],
) -> uint256:
    """
    @notice Settles what a quorum of the zone's operators signed. Anyone may submit it.
    @dev Invariants 3, 6 and 7.
    @param round Round of the agreement that they signed it in; it bears on the signatures alone.
    @param entries One packed word of 32 bytes per site and hour, as `EnergyExchange.settle` takes them.
    @param bitmap Bit i set: the operator in seat i signed.
    @param signatures One per set bit, in ascending order of seats.
    @return Slots settled.
    """
    panel: uint256 = panels.panels[zone]
    count: uint256 = panel >> panels.COUNT_SHIFT
    assert len(signatures) >= seats._quorum(count), "report: no quorum"
    assert bitmap >> count == 0, "report: bitmap beyond seats"
    assert len(entries) % 32 == 0, "report: torn entry"
    entries_hash: bytes32 = keccak256(entries)
    digest: bytes32 = self._digest(zone, round, entries_hash)
    listed: Bytes[32 * messages.MAX_OPERATORS] = slice(panels._list_of(panel).code, 1, 32 * messages.MAX_OPERATORS)
    used: uint256 = 0
    signed: uint256 = 0
    for seat: uint256 in range(count, bound=messages.MAX_OPERATORS):
        if bitmap >> seat & 1 == 0:
            continue
        assert used < len(signatures), "report: signature missing"
        # Written out here: a call for each signature would cost every report.
        signature: messages.Signature = signatures[used]
        vs: uint256 = convert(signature.vs, uint256)
        signer: address = ecrecover(
            digest,
            unsafe_add(27, vs >> messages.PARITY_SHIFT),
            convert(signature.r, uint256),
            vs & messages.S_MASK,
        )
        seated: uint256 = extract32(listed, unsafe_mul(seat, 32), output_type=uint256)
        if convert(signer, uint256) != seated & seats.SIGNER_MASK or signer == empty(address):
            self._check_replaced(signer, seated)
        signed |= 1 << unsafe_mul(seat, panels.COUNTER_BITS)
        used = unsafe_add(used, 1)
    assert used == len(signatures), "report: surplus signature"
    panels._note(zone, panel, signed)
    settled: uint256 = extcall IEnergyExchange(rewards.exchange).settle(zone, entries)
    assert settled != 0, "report: settles nothing"
    log Reported(zone=zone, bitmap=bitmap, entries_hash=entries_hash, settled=settled)
    return settled


@external
@view
def report_digest(zone: uint256, round: uint256, entries: Bytes[32 * messages.MAX_ENTRIES]) -> bytes32:
    """
    @notice What the operators of a zone sign: the EIP-712 hash of a report.
    @dev EIP-712 hashes an array as its elements one after the other, which is what the bytes are.
    """
    return self._digest(zone, round, keccak256(entries))


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    """
    @notice EIP-712 domain separator of this contract on this chain.
    """
    return eip712_domain_separator._domain_separator_v4()


# ------------------------------------------------------------------
#                           for the court
# ------------------------------------------------------------------


@external
def slash_all(id: uint256) -> uint256:
    """
    @notice Takes an operator's whole stake for equivocation, mutes him in all his zones and expels him: his stake cannot
            be filled up again, so that one proof counts once. Court only.
    @dev Invariants 1 and 5.
    @return Wei taken, paid to the court.
    """
    self._check_court()
    taken: uint256 = operators._slash(id, max_value(uint256))
    seats._mute_everywhere(id)
    operators._expel(id)
    return taken


@external
def slash(id: uint256, amount: uint256) -> uint256:
    """
    @notice Takes from an operator's stake what was decided, as far as the window allows. Court only.
    @dev Invariants 1, 5 and 8.
    @return Wei taken, paid to the court; what is missing for the window's sake can be taken in the next.
    """
    self._check_court()
    return operators._slash_within_window(id, amount)


@external
def freeze(ids: DynArray[uint256, messages.MAX_OPERATORS]):
    """
    @notice Keeps the stakes of operators in place while a dispute about them is open. Court only.
    """
    self._check_court()
    for id: uint256 in ids:
        operators._freeze(id)


@external
def unfreeze(ids: DynArray[uint256, messages.MAX_OPERATORS]):
    """
    @notice Ends a freeze. Court only.
    """
    self._check_court()
    for id: uint256 in ids:
        operators._unfreeze(id)


# ------------------------------------------------------------------
#                             internal
# ------------------------------------------------------------------


@internal
@view
def _digest(zone: uint256, round: uint256, entries_hash: bytes32) -> bytes32:
    return eip712_domain_separator._hash_typed_data_v4(messages._report(zone, round, entries_hash))


@internal
@view
def _check_replaced(signer: address, seat: uint256):
    """
    @notice Refuses a signature that was not made with the key of this seat, unless with one that it has replaced lately.
    @dev A signature that recovers to nothing yields the zero address, which is no operator's. A muted seat has no
         signer, and takes no replaced one either.
    """
    assert (
        seat & seats.SIGNER_MASK != 0
        and operators.operator_of_signer[signer] == seat >> seats.ID_SHIFT
        and block.timestamp < operators.retired_until[signer]
    ), "report: bad signature"


@internal
@view
def _check_court():
    assert msg.sender == self.court, "registry: only the court"
