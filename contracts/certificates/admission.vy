# pragma version 0.4.3
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Admission to certificates
@license AGPL-3.0-only
@notice Which sites may mint, and what their certificates say of them that the grid does not know. Admission is the
        registrar's alone, and the registrar of a site is never the grid operator of its zone.
"""

from snekmate.auth import ownable
from ..interfaces import IGridRegistry
from . import printable

uses: ownable

# Technologies 1 (solar) to 5 (neutrinovoltaic) generate from a clean source; 0 is a consumer, and what a storage (6)
# returns was generated elsewhere.
FIRST_CLEAN: constant(uint256) = 1
LAST_CLEAN: constant(uint256) = 5
LAST_CONFIGURATION: constant(uint256) = 3
ADMITTED: constant(uint256) = 1 << 16


event RegistrarSet:
    registrar: indexed(address)


event SiteAdmitted:
    site: indexed(uint256)
    configuration: uint256
    location: String[32]


event SiteDismissed:
    site: indexed(uint256)


grid: public(immutable(address))  # the GridRegistry, in which zones and sites are registered
registrar: public(address)  # who admits sites
location: public(HashMap[uint256, String[32]])  # site -> code of its location, as the registrar gave it
_records: HashMap[uint256, uint256]  # site -> admitted 1 bit (16) | configuration 8 | technology 8


@deploy
def __init__(grid_: address, registrar_: address):
    grid = grid_
    self._set_registrar(registrar_)


@external
def set_registrar(registrar: address):
    """
    @notice Names who admits sites to certificates. Contract owner only.
    """
    ownable._check_owner()
    self._set_registrar(registrar)


@external
def admit(site: uint256, location: String[32], configuration: uint256):
    """
    @notice Lets a site's owner mint certificates. Registrar only.
    @dev A registrar who is also the zone's grid operator would confirm his own meters. What is certified of a site is
         fixed when it is first admitted: a dismissed site may come back only as it was.
    @param location Code of where the site is: bidding zone, postcode or coordinates; 1 to 32 printable characters.
    @param configuration EnergyTag configuration: 1 the certificate is itself the region's official energy certificate,
           2 an official one exists beside it and is cancelled for it, 3 there is no official one.
    """
    self._check_registrar()
    record: uint256 = self._records[site]
    assert record & ADMITTED == 0, "site: already admitted"
    registered: IGridRegistry.Site = staticcall IGridRegistry(grid).site(site)
    assert registered.owner != empty(address), "site: unknown"
    technology: uint256 = registered.technology
    assert FIRST_CLEAN <= technology and technology <= LAST_CLEAN, "site: not a clean source"
    assert msg.sender != staticcall IGridRegistry(grid).zone_operator(site >> 16), "registrar: is grid operator"
    assert configuration != 0 and configuration <= LAST_CONFIGURATION, "site: bad configuration"
    assert printable._is_printable(location), "site: bad location"
    admitted: uint256 = ADMITTED | (configuration << 8) | technology
    if record != 0:
        assert record | ADMITTED == admitted and self.location[site] == location, "site: differs from before"
    self._records[site] = admitted
    self.location[site] = location
    log SiteAdmitted(site=site, configuration=configuration, location=location)


@external
def dismiss(site: uint256):
    """
    @notice Ends what `admit` allowed, from now on. Certificates that exist stay valid. Registrar only.
    """
    self._check_registrar()
    assert self._records[site] & ADMITTED != 0, "site: not admitted"
    self._records[site] ^= ADMITTED
    log SiteDismissed(site=site)


@external
@view
def is_admitted(site: uint256) -> bool:
    """
    @notice Whether a site's owner may mint.
    """
    return self._records[site] & ADMITTED != 0


@external
@view
def configuration(site: uint256) -> uint256:
    """
    @notice EnergyTag configuration of a site's certificates, 1 to 3; 0 for a site that was never admitted.
    """
    return self._configuration(site)


@internal
@view
def _configuration(site: uint256) -> uint256:
    return (self._records[site] >> 8) & 255


@internal
@view
def _technology(site: uint256) -> uint256:
    """
    @notice Technology of a site that was ever admitted. It never changes: whoever converts his plant registers another
            site.
    """
    return self._records[site] & 255


@internal
@view
def _check_admitted(site: uint256) -> uint256:
    """
    @return Technology of the site.
    """
    record: uint256 = self._records[site]
    assert record & ADMITTED != 0, "site: not admitted"
    return record & 255


@internal
@view
def _check_registrar():
    assert msg.sender == self.registrar, "registrar: not you"


@internal
def _set_registrar(registrar: address):
    assert registrar != empty(address), "registrar: zero address"
    self.registrar = registrar
    log RegistrarSet(registrar=registrar)
