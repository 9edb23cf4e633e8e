# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title What a certificate says
@license AGPL-3.0-only
@notice The mandatory attributes of a granular certificate (EnergyTag GC Scheme Standard), as a struct and as JSON.
@dev The URI carries the JSON itself: it is there as long as the chain, and nobody can change it behind a web address.
"""

from snekmate.auth import ownable
from snekmate.utils import base64
from ..interfaces import IGridRegistry
from ..interfaces import IMeterRecords
from . import admission
from . import cells
from . import ledger
from . import printable

uses: admission
uses: ledger
uses: ownable

# Every Wh was settled from readings that a quorum of the zone's staked oracle operators signed.
ORACLE_QUORUM: constant(uint256) = 1
# And a record that the site's own meter signed shows the same for every slot that is minted.
METER_RECORD: constant(uint256) = 2
MOST: constant(uint256) = 1024  # bytes of JSON that the library encodes
MOST_URI: constant(uint256) = 1397  # the prefix and four characters for three bytes


struct Certificate:
    device: uint256  # site: zone << 16 | index
    technology: uint256  # 1 solar, 2 wind, 3 hydro, 4 thermal, 5 neutrinovoltaic
    nameplate: uint256  # W
    location: String[32]  # code given by the registrar
    interval_start: uint256  # unix time
    interval_end: uint256  # unix time
    issuer: String[64]
    configuration: uint256  # EnergyTag configuration, 1 to 3
    assurance: uint256  # 1: a quorum of the zone's oracle operators; 2: and records of the meter for every minted slot
    expires_at: uint256  # unix time
    totals: ledger.Totals  # what became of it


event RecordsSet:
    records: indexed(address)


issuer: public(immutable(String[64]))  # the body that runs this scheme
records: public(address)  # the MeterRecords; zero until wired


@deploy
def __init__(issuer_: String[64]):
    """
    @param issuer_ Name of the issuing body, in printable characters.
    """
    assert printable._is_printable(issuer_), "certificates: bad issuer"
    issuer = issuer_


@external
def connect(records: address):
    """
    @notice Names the MeterRecords, once and for ever. Contract owner only.
    """
    ownable._check_owner()
    assert self.records == empty(address), "certificates: records are set"
    assert records.is_contract, "records: no contract"
    self.records = records
    log RecordsSet(records=records)


@external
@view
def certificate(id: uint256) -> Certificate:
    """
    @notice What a certificate says; empty where its site was never admitted.
    """
    return self._certificate(id)


@external
@view
def metadata(id: uint256) -> String[MOST]:
    """
    @notice The same in JSON, as the ERC-1155 metadata schema has it; empty where the site was never admitted.
    """
    return self._json(id)


@external
@view
@reentrant
def uri(id: uint256) -> String[MOST_URI]:
    """
    @notice ERC-1155: the JSON as a data URI.
    """
    encoded: String[MOST_URI] = "data:application/json;base64,"
    chunks: DynArray[String[4], base64._DATA_OUTPUT_BOUND] = base64._encode(convert(self._json(id), Bytes[MOST]), False)
    for chunk: String[4] in chunks:
        encoded = convert(concat(encoded, chunk), String[MOST_URI])
    return encoded


@internal
@view
def _certificate(id: uint256) -> Certificate:
    site: uint256 = cells._site(id)
    configuration: uint256 = admission._configuration(site)
    if configuration == 0:
        return empty(Certificate)
    hour: uint256 = cells._hour(id)
    return Certificate(
        device=site,
        technology=admission._technology(site),
        nameplate=(staticcall IGridRegistry(admission.grid).site(site)).nameplate,
        location=admission.location[site],
        interval_start=hour * 3600,
        interval_end=(hour + 1) * 3600,
        issuer=issuer,
        configuration=configuration,
        assurance=self._assurance(site, hour),
        expires_at=cells._expires_at(hour),
        totals=ledger._of(id),
    )


@internal
@view
def _assurance(site: uint256, hour: uint256) -> uint256:
    minted: uint256 = ledger._minted_slots(site, hour)
    if minted == 0 or self.records == empty(address):
        return ORACLE_QUORUM
    confirmed: uint256 = staticcall IMeterRecords(self.records).confirmed_mask(site, hour)
    return METER_RECORD if confirmed & minted == minted else ORACLE_QUORUM


@internal
@view
def _json(id: uint256) -> String[MOST]:
    known: Certificate = self._certificate(id)
    if known.configuration == 0:
        return ""
    properties: String[640] = concat(
        '{"energy_carrier":"electricity","unit":"Wh","device":',
        self._digits(known.device),
        ',"technology":"',
        self._technology(known.technology),
        '","nameplate_w":',
        self._digits(known.nameplate),
        ',"location":"',
        known.location,
        '","interval_start":',
        self._digits(known.interval_start),
        ',"interval_end":',
        self._digits(known.interval_end),
        ',"issuer":"',
        known.issuer,
        '","configuration":',
        self._digits(known.configuration),
        ',"assurance":"',
        "meter record" if known.assurance == METER_RECORD else "oracle quorum",
        '","expires_at":',
        self._digits(known.expires_at),
        ',"issued_wh":',
        self._digits(known.totals.issued),
        "}",
    )
    return concat(
        '{"name":"Site ',
        self._digits(known.device),
        ", hour ",
        self._digits(cells._hour(id)),
        '","decimals":0,"description":"One unit is one Wh of clean electricity that a meter showed.","properties":',
        properties,
        "}",
    )


@internal
@pure
def _digits(number: uint256) -> String[20]:
    """
    @dev Sites, hours, seconds and watts are far below 2**64.
    """
    return uint2str(convert(number, uint64))


@internal
@pure
def _technology(technology: uint256) -> String[15]:
    """
    @notice Word for a technology that is certified.
    """
    if technology == 1:
        return "solar"
    if technology == 2:
        return "wind"
    if technology == 3:
        return "hydro"
    if technology == 4:
        return "thermal"
    return "neutrinovoltaic"
