# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Equivocation
@license AGPL-3.0-only
@notice Two signatures of one operator under statements that cannot both be honest cost him his whole stake at once, with
        no vote. Anyone may prove it and gets a tenth; the rest is destroyed.
@dev The rule, exactly. An operator has equivocated when keys that are or were his signed
       two observations with the same zone, slot, part and round and different readings, or
       two reports with the same zone and round that differ in the reading of a site and slot which both cover:
       one has no reading there and the other has one, or export or import is another.
     An honest node notes what it signs before it signs, and never signs anything else for the same zone, slot, part and
     round. What it reports for one part and slot names sites of that part and the one slot alone, so two of its reports
     of one round never meet in a site and slot. It cannot be caught by this rule, whatever others do, whenever its
     machine is killed, and with whatever key it signs.
"""

from ..interfaces import IOracleRegistry
from . import messages
from . import purse

uses: purse

# @dev Of the stake to who proves it. Little enough that an operator gains nothing by proving his own.
BOUNTY_SHARE: public(constant(uint256)) = 10


event Equivocated:
    id: indexed(uint256)
    prover: indexed(address)
    zone: indexed(uint256)
    round: uint256
    slashed: uint256  # wei, of which the prover gets a tenth


@deploy
def __init__():
    pass


@external
def prove_observations(
    zone: uint256,
    slot: uint256,
    part: uint256,
    round: uint256,
    readings_hashes: bytes32[2],
    signatures: messages.Signature[2],
) -> uint256:
    """
    @notice Slashes an operator who signed two different observations of one part of one slot in one round.
    @param readings_hashes Of each, the hash of its readings one after the other.
    @return Wei of bounty, to be collected.
    """
    assert readings_hashes[0] != readings_hashes[1], "proof: no contradiction"
    return self._convict(
        zone,
        round,
        [
            messages._observation(zone, slot, part, round, readings_hashes[0]),
            messages._observation(zone, slot, part, round, readings_hashes[1]),
        ],
        signatures,
    )


@external
def prove_reports(
    zone: uint256,
    round: uint256,
    first: Bytes[32 * messages.MAX_ENTRIES],
    second: Bytes[32 * messages.MAX_ENTRIES],
    places: uint256[2],
    slot: uint256,
    signatures: messages.Signature[2],
) -> uint256:
    """
    @notice Slashes an operator who signed two reports of one round that contradict each other.
    @param first Entries of a report.
    @param second Entries of the other.
    @param places In each, the place of the entry of the site and hour in question, from 0.
    @param slot Slot in question, by its place in the hour, 0 to 3.
    @return Wei of bounty, to be collected.
    """
    assert self._contradict(
        self._entry(first, places[0]), self._entry(second, places[1]), slot
    ), "proof: no contradiction"
    hashes: bytes32[2] = [keccak256(first), keccak256(second)]
    assert hashes[0] != hashes[1], "proof: no contradiction"
    return self._convict(
        zone, round, [messages._report(zone, round, hashes[0]), messages._report(zone, round, hashes[1])], signatures
    )


@internal
@pure
def _entry(entries: Bytes[32 * messages.MAX_ENTRIES], place: uint256) -> uint256:
    """
    @notice An entry of a report, by its place.
    """
    assert place < len(entries) // 32, "proof: no such entry"
    return extract32(entries, place * 32, output_type=uint256)


@internal
@pure
def _contradict(one: uint256, other: uint256, slot: uint256) -> bool:
    """
    @notice Whether two entries differ in the reading of the same site, hour and slot.
    """
    assert slot < 4, "proof: no such slot"
    if one >> 200 != other >> 200:
        return False
    if (one & other) >> (192 + slot) & 1 == 0:
        return False
    unread: uint256 = one >> (196 + slot) & 1
    if unread != other >> (196 + slot) & 1:
        return True
    return unread == 0 and ((one ^ other) >> (48 * slot)) & (2**48 - 1) != 0


@internal
def _convict(zone: uint256, round: uint256, hashes: bytes32[2], signatures: messages.Signature[2]) -> uint256:
    """
    @notice Slashes the one operator who signed both statements.
    """
    id: uint256 = self._who_signed(hashes[0], signatures[0])
    assert id != 0, "proof: no operator signed"
    assert id == self._who_signed(hashes[1], signatures[1]), "proof: not the same signer"
    slashed: uint256 = extcall IOracleRegistry(purse.registry).slash_all(id)
    assert slashed != 0, "proof: nothing at stake"
    bounty: uint256 = slashed // BOUNTY_SHARE
    purse._owe(msg.sender, bounty)
    log Equivocated(id=id, prover=msg.sender, zone=zone, round=round, slashed=slashed)
    purse._burn(slashed - bounty)
    return bounty


@internal
@view
def _who_signed(struct_hash: bytes32, signature: messages.Signature) -> uint256:
    """
    @notice Id of the operator whose key signed a statement, 0 for nobody's.
    """
    digest: bytes32 = keccak256(
        concat(x"1901", staticcall IOracleRegistry(purse.registry).DOMAIN_SEPARATOR(), struct_hash)
    )
    return staticcall IOracleRegistry(purse.registry).operator_of_signer(messages._signer(digest, signature))
