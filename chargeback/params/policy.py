"""Policy: policy.toml, what holds for every line item and every invoice of a period.

A key has one value that holds always, or a list of dated ones:

    cost_basis = [
        { value = "unblended", valid_from = "2025-12", valid_to = "2026-02", approved = "CHG1" },
        { value = "amortized", valid_from = "2026-03", approved = "CHG2" },
    ]

What is read holds in one period. Unknown keys are refused by name, because a misspelt key that is silently
ignored changes money. Amounts are strings, because TOML's floats are not exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from chargeback.core.errors import BAD_USAGE, Kept, apart, bad_params, together
from chargeback.core.money import read_decimal
from chargeback.core.period import check_period, holds_in
from chargeback.params.books_policy import TABLE as BOOKS
from chargeback.params.controls_policy import TABLE as CONTROLS
from chargeback.params.daily_policy import TABLE as DAILY
from chargeback.params.invoicing import INVOICED, INVOICING
from chargeback.params.metrics import TABLE as METRIC
from chargeback.params.published_totals import PROTECTED, PUBLISHED_TOTALS
from chargeback.params.registers import check_dates
from chargeback.params.toml_files import TomlFile, check_names, read_toml, text_list, text_value

FILE = "policy.toml"
MAX_MANDATORY_TAGS = 100  # AWS has 50 for one resource; cost categories are named here too
MAX_COST_CENTER_TAGS = 3  # sql/rollup has three tag columns
POLICY_KEYS = (
    "currency", "cost_basis", "cost_center_tags", "mandatory_tags", "tag_value_normalization",
    "commitments_cost_center_id", "rounding_cost_center_id", "invoice_rounding_limit", "invoicing",
    "published_totals",
)  # fmt: skip
TABLES = (BOOKS, CONTROLS, DAILY, METRIC)  # read elsewhere: they decide no charge
COST_BASES = {"amortized": "amortized", "unblended": "unblended"}
#: What holds in periods that no dated value names.
OTHERWISE = {"invoicing": "invoiced", "published_totals": "protected"}
DATED_KEYS = ("value", "valid_from", "valid_to", "approved")
NORMALIZATIONS = ("case", "spaces", "hyphens")


@dataclass(frozen=True)
class Policy:
    """policy.toml as it holds in one period."""

    currency: str
    cost_basis: str  # "amortized" or "unblended"
    cost_center_tags: tuple[str, ...]  # in order of trust
    mandatory_tags: tuple[str, ...]
    commitments_cost_center_id: str
    rounding_cost_center_id: str
    invoice_rounding_limit: Decimal  # currency units per invoice
    tag_value_normalization: tuple[str, ...] = ()  # out of NORMALIZATIONS, in that order
    invoicing: str = INVOICED  # or NO_INVOICE, PRO_FORMA
    published_totals: str = PROTECTED  # or SHARES, ALL, NONE


def read_policy(folder: Path, period: str) -> Policy:
    """The policy of a period, checked key by key.

    Raises:
        Refusal: (exit 2) a key is unknown, missing, of the wrong form, has dated values with a gap or an
            overlap, or none that holds in the period.
    """
    file = read_toml(folder, FILE)
    with together():
        file.check_names((*POLICY_KEYS, *TABLES))
        table: dict[str, Any] = {}
        for key in file.table:
            with apart():
                table |= {key: value_in(file, key, period)} if key not in TABLES else {}
        found: dict[str, Any] = {}
        for key, read in READERS.items():
            with apart():
                if key in file.table and key not in table:
                    raise Kept(BAD_USAGE, f"{key} has no value")
                found[key] = read(file, table)
    return Policy(**found)


def one_of(
    key: str, choices: Mapping[str, str], otherwise: str
) -> Callable[[TomlFile, dict[str, Any]], str]:
    """Reads a key that has one of a few words.

    Args:
        choices: what each word is kept as.
        otherwise: the word that holds where the key is absent.
    """

    def read(file: TomlFile, table: dict[str, Any]) -> str:
        where = file.where(key)
        text = text_value(where, table, key, otherwise)
        if text not in choices:
            raise bad_params(
                f"unknown {key}", " or ".join(f'"{one}"' for one in choices), repr(text), [where]
            )
        return choices[text]

    return read


def cost_center_tags(file: TomlFile, table: dict[str, Any]) -> tuple[str, ...]:
    """The tags that may name a cost center."""
    tags = text_list(file.where("cost_center_tags"), table, "cost_center_tags")
    if "cost_center_tags" not in table:
        raise bad_params(
            f"the key {'cost_center_tags'!r} is missing",
            'cost_center_tags = ["user_cost_center"], or [] where tags decide nothing', "nothing", [file.name],
        )  # fmt: skip
    if len(tags) > MAX_COST_CENTER_TAGS or len(set(tags)) != len(tags):
        raise bad_params(
            "cost_center_tags must name at most three different tag keys, in order of trust",
            found=repr(list(tags)), where=[file.where("cost_center_tags")],
        )  # fmt: skip
    return tags


def mandatory_tags(file: TomlFile, table: dict[str, Any]) -> tuple[str, ...]:
    """The tags that every resource should carry."""
    where = file.where("mandatory_tags")
    tags = text_list(where, table, "mandatory_tags")
    if len(tags) > MAX_MANDATORY_TAGS:
        raise bad_params(
            "mandatory_tags names too many tags", f"at most {MAX_MANDATORY_TAGS}", f"{len(tags):,}",
            [where], ["each is looked up for every line item: name those that decide something"],
        )  # fmt: skip
    return tags


def currency(file: TomlFile, table: dict[str, Any]) -> str:
    """The currency of the report."""
    code = text_value(file.where("currency"), table, "currency")
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise bad_params(
            "the currency is not a code of three capital letters", 'as in the report, such as "USD"',
            repr(code), [file.where("currency")],
        )  # fmt: skip
    return code


def cost_center_of(key: str) -> Callable[[TomlFile, dict[str, Any]], str]:
    """Reads a key that names a cost center."""
    return lambda file, table: text_value(file.where(key), table, key)


def rounding_limit(file: TomlFile, table: dict[str, Any]) -> Decimal:
    """How far an invoice may be from its line items before the close stops."""
    where = file.where("invoice_rounding_limit")
    text = text_value(where, table, "invoice_rounding_limit")
    try:
        limit = read_decimal(text)
        if limit < 0:
            raise InvalidOperation
    except InvalidOperation:
        raise bad_params(
            "invoice_rounding_limit is not an amount", '"1.00"', repr(text), [where]
        ) from None
    return limit


def normalizations(file: TomlFile, table: dict[str, Any]) -> tuple[str, ...]:
    """What may differ between a tag value and what it means."""
    where = file.where("tag_value_normalization")
    declared = text_list(where, table, "tag_value_normalization")
    unknown = [one for one in declared if one not in NORMALIZATIONS]
    if unknown:
        raise bad_params(
            "unknown tag_value_normalization", "some of " + ", ".join(NORMALIZATIONS),
            repr(unknown[0]), [where],
        )  # fmt: skip
    return tuple(one for one in NORMALIZATIONS if one in declared)


def value_in(file: TomlFile, key: str, period: str) -> Any:
    """A key's value in a period: the plain one, or the dated one that holds."""
    value = file.table[key]
    if not (isinstance(value, list) and value and all(isinstance(one, dict) for one in value)):
        return value
    dated = []
    for number, one in enumerate(value, start=1):
        where = f"{file.value_where(key, number)}, {key} value {number}"
        check_names(where, one, DATED_KEYS)
        if "value" not in one:
            raise bad_params("the key 'value' is missing", "value = …", repr(one), [where])
        text_value(where, one, "approved")
        starts = check_period(text_value(where, one, "valid_from"), f"{where}, valid_from")
        ends = text_value(where, one, "valid_to", "")
        if ends and check_period(ends, f"{where}, valid_to") < starts:
            raise bad_params("a value ends before it begins", where=[where])
        dated.append((starts, ends, f"{where}: {one['value']!r} from {starts}", one["value"]))
    dated.sort(key=lambda row: row[:2])
    check_dates(f"{file.name}: {key}", [row[:3] for row in dated], gaps=key in OTHERWISE)
    for starts, ends, _, held in dated:
        if holds_in(period, starts, ends):
            return held
    if key in OTHERWISE:
        return OTHERWISE[key]
    raise bad_params(
        f"no value of {key} is in force in {period}", f"one whose valid_from and valid_to include {period}",
        ", ".join(f"{starts}..{ends or ''}" for starts, ends, *_ in dated), [file.where(key)],
    )  # fmt: skip


#: How each key is read: from the file and the values that hold in the period.
READERS: dict[str, Callable[[TomlFile, dict[str, Any]], Any]] = {
    "currency": currency,
    "cost_basis": one_of("cost_basis", COST_BASES, "amortized"),
    "cost_center_tags": cost_center_tags,
    "mandatory_tags": mandatory_tags,
    "commitments_cost_center_id": cost_center_of("commitments_cost_center_id"),
    "rounding_cost_center_id": cost_center_of("rounding_cost_center_id"),
    "invoice_rounding_limit": rounding_limit,
    "tag_value_normalization": normalizations,
    "invoicing": one_of("invoicing", INVOICING, OTHERWISE["invoicing"]),
    "published_totals": one_of("published_totals", PUBLISHED_TOTALS, OTHERWISE["published_totals"]),
}
