"""Books policy: the table [books] of policy.toml, how long books in S3 are kept from being changed or deleted.

It decides no charge, so that it is no part of what a council ratifies. Without the table nothing is locked.
"""

from __future__ import annotations

from dataclasses import dataclass

from chargeback.core.errors import bad_params
from chargeback.params.toml_files import TomlFile, text_value

TABLE = "books"

#: Object Lock's own words: nobody can delete an object before its time, or those with a special permission can.
MODES = ("COMPLIANCE", "GOVERNANCE")

MOST_YEARS = 100


@dataclass(frozen=True)
class BooksPolicy:
    """[books] of policy.toml."""

    retention_mode: str = ""  # of MODES; blank when nothing is locked
    retention_years: int = 0


KEYS = tuple(BooksPolicy.__dataclass_fields__)


def read_books_policy(file: TomlFile) -> BooksPolicy:
    """The books policy of a policy.toml.

    Raises:
        Refusal: (exit 2) a key is unknown, one of the two is missing, or a value is not what it can be.
    """
    where, table = file.subtable(TABLE, KEYS)
    if not table:
        return BooksPolicy()
    mode = text_value(where, table, "retention_mode")
    if mode not in MODES:
        raise bad_params("unknown retention_mode", " or ".join(MODES), repr(mode), [where])
    years = text_value(where, table, "retention_years")
    if not (
        years.isascii() and years.isdigit() and len(years) < 4 and 1 <= int(years) <= MOST_YEARS
    ):
        raise bad_params(
            "retention_years is not a number of years",
            f'"1" to "{MOST_YEARS}"',
            repr(years),
            [where],
        )
    return BooksPolicy(mode, int(years))
