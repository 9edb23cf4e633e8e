# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Meter records: what meters signed by themselves
@license AGPL-3.0-only
@notice A site whose meter signs its own registers need not be believed through its operators alone. Records of the
        meter, taken at both ends of a slot, show what it exported; where that is what was settled, the slot is
        confirmed, and its certificates say so. Anyone may bring records, alone or together with a report.
@dev Read it module by module:
       ocmf        what a record says
       meter_keys  who signed it
     Register word, at a place of a ring: boundary 40 bits (200..239) | key's generation 16 (160..175) | register's code 24
     (136..159) | seconds after the boundary 6 (129..134) | pagination 65 (64..128) | energy in Wh 64.
     Invariants, after every call:
       1 A slot is confirmed only if the site's own meter, by the key it has now, signed the same register at its start
         and again, later by its own count, at its end, and the energy between them is what was settled from meters.
       2 A record counts for one site, whose key serves no other, and each of its readings at the one boundary that its
         time says.
       3 What is confirmed stays so. Bringing a record twice, late or in another order changes nothing.
       4 Nothing here holds back a settlement or moves anybody's money.
     Immutable, without an owner.
"""

from .exchange import position_words
from .interfaces import IEnergyExchange
from .interfaces import IGreenCertificates
from .interfaces import IOracleRegistry
from .records import meter_keys
from .records import ocmf

initializes: meter_keys

exports: meter_keys.__interface__

MOST: constant(uint256) = 32  # records in one call
REPORT: constant(uint256) = 4096  # bytes of a report's entries, as the registry takes them
OPERATORS: constant(uint256) = 31  # who may sign one
TOLERANCE: constant(uint256) = 60  # seconds after a boundary in which a record counts as taken there, as readings do
RING: constant(uint256) = 4096  # boundaries, 42 days: longer than the exchange remembers what it settled
BOUNDARY_SHIFT: constant(uint256) = 200
GENERATION_SHIFT: constant(uint256) = 160
CODE_SHIFT: constant(uint256) = 136
LATE_SHIFT: constant(uint256) = 129
# Key, code and kind of pagination: where two words differ in one of them they are not the same register, in one count.
SAME_REGISTER: constant(uint256) = ((2**64 - 1) << CODE_SHIFT) | (1 << 128)
PAGINATION_SHIFT: constant(uint256) = 64
MASK_PAGINATION: constant(uint256) = 2**65 - 1
MASK_WH: constant(uint256) = 2**64 - 1


event Recorded:
    site: indexed(uint256)
    boundary: uint256  # slot (unix time / 900) at whose start the meter showed it
    pagination: uint256
    export_wh: uint256


event Confirmed:
    site: indexed(uint256)
    slot: uint256


event Contradicted:
    site: indexed(uint256)
    slot: uint256
    settled_wh: uint256  # what the operators reported
    recorded_wh: uint256  # what the meter signed


struct MeterRecord:
    site: uint256
    json: Bytes[ocmf.MOST]  # what stands between the first two bars of OCMF|..|..
    places: ocmf.Places
    signature: meter_keys.MeterSignature


registry: public(immutable(address))  # the OracleRegistry
exchange: immutable(address)
_registers: HashMap[uint256, uint256]  # site << 12 | boundary mod 4096 -> register word
_confirmed: HashMap[uint256, uint256]  # site << 32 | slot / 256 -> bit slot mod 256


@deploy
def __init__(registry_: address, certificates: address):
    """
    @param registry_ The OracleRegistry, which takes reports.
    @param certificates The GreenCertificates, whose registrar names the keys of meters.
    """
    assert registry_.is_contract, "records: registry missing"
    meter_keys.__init__(certificates)
    registry = registry_
    exchange = staticcall IOracleRegistry(registry_).exchange()
    assert exchange == staticcall IGreenCertificates(certificates).exchange(), "records: two exchanges"


# ------------------------------------------------------------------
#                             records
# ------------------------------------------------------------------


@external
def report(
    zone: uint256,
    round: uint256,
    entries: Bytes[REPORT],
    bitmap: uint256,
    signatures: DynArray[IOracleRegistry.Signature, OPERATORS],
    records: DynArray[MeterRecord, MOST],
) -> uint256:
    """
    @notice Settles a report, as `OracleRegistry.report` does, and takes the records that meters signed for it.
    @return Slots settled.
    """
    settled: uint256 = extcall IOracleRegistry(registry).report(zone, round, entries, bitmap, signatures)
    for record: MeterRecord in records:
        self._take(record)
    return settled


@external
def bring(records: DynArray[MeterRecord, MOST]):
    """
    @notice Takes records that meters signed. Anyone may bring them, in any order.
    @dev Invariants 1 to 3.
    """
    for record: MeterRecord in records:
        self._take(record)


@external
def confirm(site: uint256, slot: uint256) -> bool:
    """
    @notice Confirms a slot whose records came before it was settled, or logs that they contradict it.
    @return Whether the slot is confirmed now.
    """
    assert site >> 48 == 0 and slot >> 40 == 0, "record: no such slot"
    self._confirm(site, slot)
    return self._is_confirmed(site, slot)


@internal
def _take(record: MeterRecord):
    """
    @dev Of several records at one boundary the earliest stands, and of one moment the lowest number, whoever comes
         first; of one record with several registers, the one that came. What a record of long ago would overwrite
         stays. One that is ahead of the chain's clock is passed over and may come again: a block may be older than what
         happened since. One that is there already is compared once more with what was settled meanwhile.
    """
    site: uint256 = record.site
    meter_keys._check_signed(site, sha256(record.json), record.signature)
    register: ocmf.Register = ocmf._read(record.json, record.places)
    boundary: uint256 = register.taken_at // 900
    late: uint256 = register.taken_at % 900
    assert late <= TOLERANCE, "record: not at a boundary"
    assert register.export_wh <= MASK_WH, "record: register too large"
    if register.taken_at > block.timestamp:
        return
    moment: uint256 = (late << (LATE_SHIFT - PAGINATION_SHIFT)) | register.pagination
    tag: uint256 = (boundary << (BOUNDARY_SHIFT - CODE_SHIFT)) | (
        meter_keys._generation[site] << (GENERATION_SHIFT - CODE_SHIFT)
    )
    place: uint256 = self._place(site, boundary)
    known: uint256 = self._registers[place]
    if known >> BOUNDARY_SHIFT > boundary:
        return
    # One of the same boundary and key gives way to an earlier one; one of another boundary or key always.
    if (known >> GENERATION_SHIFT) << (GENERATION_SHIFT - CODE_SHIFT) != tag or moment < self._moment(known):
        self._registers[place] = (
            ((tag | register.code) << CODE_SHIFT) | (moment << PAGINATION_SHIFT) | register.export_wh
        )
        log Recorded(site=site, boundary=boundary, pagination=register.pagination, export_wh=register.export_wh)
    self._confirm(site, boundary - 1)
    self._confirm(site, boundary)


@internal
def _confirm(site: uint256, slot: uint256):
    """
    @notice Confirms a slot if its two registers show what was settled; logs it where they show something else.
    """
    start: uint256 = self._register(site, slot)
    end: uint256 = self._register(site, slot + 1)
    if start == 0 or end == 0 or self._is_confirmed(site, slot):
        return
    # The same register of the same key, in the same count: otherwise they show no energy together.
    if (start ^ end) & SAME_REGISTER != 0:
        return
    if (start >> GENERATION_SHIFT) & meter_keys.MASK_GENERATION != meter_keys._generation[site]:
        return
    pages: uint256 = MASK_PAGINATION << PAGINATION_SHIFT
    if end & pages <= start & pages or end & MASK_WH < start & MASK_WH:
        return
    positions: uint256 = (staticcall IEnergyExchange(exchange).position_words_of(site, slot // 4, 1))[0]
    cell: uint256 = (positions >> position_words._offset(slot)) & position_words.MASK_CELL
    if not position_words._is_metered(cell):
        return
    recorded: uint256 = unsafe_sub(end & MASK_WH, start & MASK_WH)
    settled: uint256 = cell & position_words.MASK_WH
    if recorded != settled:
        log Contradicted(site=site, slot=slot, settled_wh=settled, recorded_wh=recorded)
        return
    self._confirmed[self._bits_key(site, slot)] |= 1 << (slot & 255)
    log Confirmed(site=site, slot=slot)


# ------------------------------------------------------------------
#                              views
# ------------------------------------------------------------------


@external
@view
def is_confirmed(site: uint256, slot: uint256) -> bool:
    """
    @notice Whether records of the site's own meter show what was settled in a slot.
    """
    return self._is_confirmed(site, slot)


@external
@view
def confirmed_mask(site: uint256, hour: uint256) -> uint256:
    """
    @notice Which slots of an hour are confirmed: bit i is slot i.
    """
    return (self._confirmed[self._bits_key(site, hour * 4)] >> (hour * 4 & 255)) & 15


@external
@view
def register_at(site: uint256, boundary: uint256) -> (uint256, uint256):
    """
    @notice The record of a site's meter at the start of a slot: its number by the meter's count, and its export
            register in Wh. Both zero where none was brought, or a later one took its place, 42 days after.
    """
    word: uint256 = self._register(site, boundary)
    return (word >> PAGINATION_SHIFT) & MASK_PAGINATION, word & MASK_WH


# ------------------------------------------------------------------
#                            internal
# ------------------------------------------------------------------


@internal
@view
def _register(site: uint256, boundary: uint256) -> uint256:
    """
    @notice The register word of a boundary; zero where there is none.
    """
    word: uint256 = self._registers[self._place(site, boundary)]
    return word if word >> BOUNDARY_SHIFT == boundary else 0


@internal
@pure
def _moment(word: uint256) -> uint256:
    """
    @notice When within its minute, and under which number, a register was recorded: the earlier is the smaller.
    """
    return (word >> PAGINATION_SHIFT) & (2**71 - 1)


@internal
@view
def _is_confirmed(site: uint256, slot: uint256) -> bool:
    return (self._confirmed[self._bits_key(site, slot)] >> (slot & 255)) & 1 == 1


@internal
@pure
def _place(site: uint256, boundary: uint256) -> uint256:
    return (site << 12) | (boundary & (RING - 1))


@internal
@pure
def _bits_key(site: uint256, slot: uint256) -> uint256:
    return (site << 32) | (slot >> 8)
