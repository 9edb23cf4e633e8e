"""What a gateway must not forget: its signed readings, and how far each operator has them. One SQLite file."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from net8_oracle.reading import Reading, SignedReading
from net8_oracle.settings import ConfigRefused

__all__ = ["GatewayStore", "Stored"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reading (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    site INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    import_wh INTEGER NOT NULL,
    export_wh INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    signature BLOB NOT NULL,
    source_ns INTEGER NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (site, sequence)
);
CREATE TABLE IF NOT EXISTS meter (
    site INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    serial TEXT NOT NULL,
    PRIMARY KEY (site, epoch)
);
CREATE TABLE IF NOT EXISTS delivered (operator TEXT PRIMARY KEY, place INTEGER NOT NULL);
"""
_DURABLE = "PRAGMA synchronous = FULL"  # a power cut must not take back a published reading
_COLUMNS = "place, site, sequence, taken_at, import_wh, export_wh, epoch, signature, source_ns, record"


@dataclass(frozen=True, slots=True)
class Stored:
    """A reading and its place in the order in which the gateway took its readings."""

    place: int
    signed: SignedReading


def _stored(row: Sequence[Any]) -> Stored:
    place, site, sequence, taken_at, import_wh, export_wh, epoch, signature, source_ns, record = row
    reading = Reading(site, taken_at, import_wh, export_wh, epoch, sequence)
    return Stored(place, SignedReading(reading, signature, source_ns, record))


class GatewayStore:
    """The store of one gateway process. A method that writes has written durably when it returns, but for one."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            ConfigRefused: it cannot be opened or is no database.
        """
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=10)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(_DURABLE)
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as fault:
            raise ConfigRefused(f"store {path} cannot be opened ({fault}); check its folder and rights") from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def append(self, readings: Sequence[SignedReading], serials: Mapping[int, str] | None = None) -> list[Stored]:
        """Store new readings, and the serial numbers of the sites' meters, all or none.

        The first serial of a site in an epoch stays.

        Raises:
            sqlite3.Error: the disk is full or a sequence is used twice; nothing was stored.
        """
        rows = [
            (
                *(r.site, r.sequence, r.taken_at, r.import_wh, r.export_wh, r.epoch),
                *(signed.signature, signed.source_ns, signed.record),
            )
            for signed in readings
            for r in (signed.reading,)
        ]
        self._db.execute("BEGIN IMMEDIATE")
        try:
            places = [
                self._db.execute(
                    "INSERT INTO reading"
                    " (site, sequence, taken_at, import_wh, export_wh, epoch, signature, source_ns, record)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                ).lastrowid
                for row in rows
            ]
            self._db.executemany(
                "INSERT OR IGNORE INTO meter VALUES (?, ?, ?)",
                [
                    (one.reading.site, one.reading.epoch, serials[one.reading.site])
                    for one in readings
                    if serials is not None and one.reading.site in serials
                ],
            )
            self._db.execute("COMMIT")
        except sqlite3.Error:
            self._db.execute("ROLLBACK")
            raise
        return [Stored(place or 0, signed) for place, signed in zip(places, readings, strict=True)]

    def last(self, site: int) -> Reading | None:
        """The site's latest reading."""
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM reading WHERE site = ? ORDER BY sequence DESC LIMIT 1",  # noqa: S608
            (site,),
        ).fetchone()
        return _stored(row).signed.reading if row else None

    def serial(self, site: int, epoch: int) -> str | None:
        """Serial number of the meter from which the site's readings of an epoch came, if it told one."""
        row = self._db.execute("SELECT serial FROM meter WHERE site = ? AND epoch = ?", (site, epoch)).fetchone()
        return None if row is None else str(row[0])

    def undelivered(self, operator: str) -> list[Stored]:
        """Readings that `operator` has not acknowledged, in the order they were taken."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM reading"  # noqa: S608
            " WHERE place > coalesce((SELECT place FROM delivered WHERE operator = ?), 0) ORDER BY place",
            (operator,),
        )
        return [_stored(row) for row in rows]

    def mark_delivered(self, operator: str, place: int) -> None:
        """`operator` has every reading up to and including `place`.

        Does not wait for the disk, because nothing is lost with it: after a power cut the operator is sent again what
        it has. Whatever is appended later makes it durable too.
        """
        self._db.execute("PRAGMA synchronous = NORMAL")
        try:
            self._db.execute(
                "INSERT INTO delivered VALUES (?, ?)"
                " ON CONFLICT (operator) DO UPDATE SET place = max(place, excluded.place)",
                (operator, place),
            )
        finally:
            self._db.execute(_DURABLE)

    def prune(self, operators: Iterable[str], taken_before: int) -> int:
        """Drop readings older than `taken_before`, except each site's latest; returns how many.

        Older ones can no longer be settled, whoever has not acknowledged them.
        """
        known = list(operators)
        marks = ", ".join("?" * len(known))
        self._db.execute(f"DELETE FROM delivered WHERE operator NOT IN ({marks})", known)  # noqa: S608
        return self._db.execute(
            "DELETE FROM reading WHERE taken_at < ?"
            " AND sequence < (SELECT max(sequence) FROM reading latest WHERE latest.site = reading.site)",
            (taken_before,),
        ).rowcount
