"""Routes of certificates. Their ids exceed what JSON's readers keep exact, so they are text of digits."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel

from net8_indexer.api.reads import AccountFilter, AccountPath, Cursor, Db, Limit, SiteFilter, Time, ZoneFilter
from net8_indexer.queries import certificates
from net8_indexer.queries.certificates import CertificateRow, HoldingRow, MoveRow, Provenance, RetirementRow
from net8_indexer.queries.paging import Page

__all__ = ["router"]

router = APIRouter(tags=["certificates"])

_DIGITS = r"^[0-9]{1,25}$"
_ABOUT = "ERC-1155 id: site times 2^32 plus hour"
_Certificate = Annotated[str, Path(pattern=_DIGITS, description=_ABOUT)]
_CertificateFilter = Annotated[str | None, Query(pattern=_DIGITS, description=_ABOUT)]


class Retired(BaseModel):
    """Certificates that are used up for good."""

    wh: int


def _number(certificate: str | None) -> int | None:
    return None if certificate is None else int(certificate)


@router.get("/certificates")
def read_certificates(
    db: Db, site: SiteFilter = None, zone: ZoneFilter = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[CertificateRow]:
    """Certificates of a site, of a zone or of all: issued, held and retired."""
    return certificates.certificates(db, site=site, zone=zone, cursor=cursor, limit=limit)


@router.get("/certificates/{certificate}")
def read_provenance(db: Db, certificate: _Certificate) -> Provenance:
    """Where a certificate comes from: site, readings, reports and who signed them."""
    found = certificates.provenance(db, int(certificate))
    if found is None:
        raise HTTPException(404, f"certificate {certificate} was never issued; /api/certificates lists those that were")
    return found


@router.get("/accounts/{account}/certificates")
def read_holdings(db: Db, account: AccountPath, cursor: Cursor = None, limit: Limit = 100) -> Page[HoldingRow]:
    """Certificates that an account holds."""
    return certificates.holdings(db, account, cursor=cursor, limit=limit)


@router.get("/accounts/{account}/retired")
def read_retired(db: Db, account: AccountPath, before: Time) -> Retired:
    """How much an account used up before a moment."""
    return Retired(wh=certificates.retired_before(db, account, before))


@router.get("/certificate-moves")
def read_moves(
    db: Db,
    certificate: _CertificateFilter = None,
    account: AccountFilter = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[MoveRow]:
    """Moves of a certificate or of an account, newest first."""
    return certificates.moves(db, certificate=_number(certificate), account=account, cursor=cursor, limit=limit)


@router.get("/retirements")
def read_retirements(
    db: Db,
    certificate: _CertificateFilter = None,
    account: AccountFilter = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[RetirementRow]:
    """Certificates used up for good, newest first."""
    return certificates.retirements(db, certificate=_number(certificate), account=account, cursor=cursor, limit=limit)
