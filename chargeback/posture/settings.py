"""Settings: what an account is expected to be beyond what is the same for everybody.

In: [books] of policy.toml, its tag keys, and the table [posture] of sources.toml, as `terraform output` has it.

    [posture]
    report_readers = ["arn:aws:iam::123456789012:role/finops-analysts"]
    cutoff_bytes = "107374182400"                 at which the workgroup stops a query; default: 100 GB
    books_copy = "arn:aws:s3:::insurer-copies"    the bucket that the books are copied to; default: none

    [posture.statement_readers]                   roles that read a unit's statements straight from S3
    claims = ["arn:aws:iam::123456789012:role/claims-finance"]

Without it nobody is expected in the policies but AWS's own services and the account itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chargeback.core.errors import bad_params
from chargeback.params.books_policy import BooksPolicy, read_books_policy
from chargeback.params.policy import read_policy
from chargeback.params.toml_files import read_toml, text_list, text_value

FILE, TABLE, READERS = "sources.toml", "posture", "statement_readers"
KEYS = ("report_readers", "cutoff_bytes", "books_copy", READERS)

#: Bytes that infra/live/query.tf sets unless it is told otherwise.
CUTOFF_BYTES = 107_374_182_400

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^*?]+")
_BUCKET = re.compile(r"arn:aws[a-z-]*:s3:::([a-z0-9.-]+)")
_BYTES = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Expected:
    """What is expected of an account.

    Args:
        lock: how long books and the archive of the report are locked.
        tag_keys: that the report needs, as they stand in it, such as user_cost_center.
        report_readers: ARNs of people's roles that read the report.
        statement_readers: ARNs of roles by the unit whose statements they read.
        cutoff_bytes: at which the workgroup stops a query.
        books_copy: name of the bucket that the books are copied to; blank where they are not.
    """

    lock: BooksPolicy = field(default_factory=BooksPolicy)
    tag_keys: tuple[str, ...] = ()
    report_readers: tuple[str, ...] = ()
    statement_readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cutoff_bytes: int = CUTOFF_BYTES
    books_copy: str = ""


def read_expected(params: Path, period: str) -> Expected:
    """What params say that an account must be.

    Args:
        period: in which the policy's tag keys hold.

    Raises:
        Refusal: (exit 2) a file cannot be read, or a key is unknown or cannot be what it says.
    """
    policy = read_policy(params, period)
    tags = tuple(dict.fromkeys((*policy.cost_center_tags, *policy.mandatory_tags)))
    lock = read_books_policy(read_toml(params, "policy.toml"))
    if not (params / FILE).is_file():
        return Expected(lock, tags)
    where, table = read_toml(params, FILE).subtable(TABLE, KEYS)
    units = table.get(READERS, {})
    if not isinstance(units, dict):
        raise bad_params(
            f"{READERS} must be a table", f"[{TABLE}.{READERS}]", repr(units)[:80], [where]
        )
    return Expected(
        lock,
        tags,
        roles(where, table, "report_readers"),
        {str(unit): roles(f"{where}, {READERS}", units, unit) for unit in units},
        cutoff(where, table),
        copy_of(where, table),
    )


def roles(where: str, table: dict[str, object], key: str) -> tuple[str, ...]:
    """ARNs of single roles or users."""
    found = text_list(where, table, key)
    for one in found:
        if not _ROLE.fullmatch(one):
            raise bad_params(
                f"{key} takes ARNs of single roles",
                "arn:aws:iam::123456789012:role/…, without wildcards", repr(one), [where],
            )  # fmt: skip
    return found


def cutoff(where: str, table: dict[str, object]) -> int:
    """Bytes at which a query is stopped."""
    text = text_value(where, table, "cutoff_bytes", str(CUTOFF_BYTES))
    if not _BYTES.fullmatch(text):
        raise bad_params(
            "cutoff_bytes is not a number of bytes", '"107374182400"', repr(text), [where]
        )
    return int(text)


def copy_of(where: str, table: dict[str, object]) -> str:
    """The bucket that the books are copied to; blank where none is named."""
    text = text_value(where, table, "books_copy", "")
    found = _BUCKET.fullmatch(text)
    if text and not found:
        raise bad_params(
            "books_copy is not the ARN of a bucket",
            "arn:aws:s3:::insurer-copies",
            repr(text),
            [where],
        )
    return found[1] if found else ""
