"""ERP policy: the table [erp] of delivery.toml, how the journal for the ERP is written.

    [erp]
    layout = "sap"                    generic, sap, oracle, netsuite or workday; generic without the table
    posting_date = "last day"         of the period, or "day 3 of the next month"
    header_text = "Cloud chargeback"  before the period, in each document
    reference_prefix = "CB"           CB-2026-05-001; another one for each set of books
    line_limit = "999"                lines a document, where the ERP takes fewer than its layout says
    document_type = "SA"              SAP
    separator = ";"                   SAP: as the template was downloaded; a comma without it
    ledger = "US Primary"             Oracle: the ledger's name, or its id in ledger_id
    segments = ["{company_code}", "{cost_center}", "{gl_account}", "000"]   Oracle: the account, in its order
    empty_segment = "000"             Oracle: where a line has no cost center
    journal_source = "Chargeback"     Oracle, Workday
    journal_category = "Allocation"   Oracle
    date_format = "MM/DD/YYYY"        NetSuite: as the importing user's preferences have it
    account_set = "Corporate"         Workday: whose ledger accounts these are
    ledger_type = "ACTUALS"           Workday
    company_id_type, spend_category   Workday: what kind of id company_code is; the worktag of charges

It decides no charge. What was exported keeps the settings that it was exported with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from chargeback.core.errors import Refusal, apart, bad_params, together
from chargeback.core.period import last_day, month_after
from chargeback.core.text import suggestion
from chargeback.params.gl_accounts import CODE
from chargeback.params.toml_files import TomlFile, text_list, text_value

TABLE = "erp"

LAYOUTS = ("generic", "sap", "oracle", "netsuite", "workday")

#: What a layout cannot do without.
REQUIRED = {
    "sap": ("document_type",),
    "oracle": ("journal_source", "journal_category"),
    "workday": ("journal_source", "account_set"),
}

LAST_DAY = "last day"
_DAY = re.compile(r"day ([1-9]|1[0-9]|2[0-8]) of the next month")
_PREFIX = re.compile(r"[A-Za-z0-9]{1,4}")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

#: What a segment of an account can be; the first three must be among them.
SEGMENTS = ("company_code", "gl_account", "cost_center", "partner_company_code")
MOST_SEGMENTS = 30

SEPARATORS = (",", ";")
DATE_FORMATS = {"MM/DD/YYYY": "%m/%d/%Y", "DD/MM/YYYY": "%d/%m/%Y", "YYYY-MM-DD": "%Y-%m-%d"}
MOST_LINES = 999_999


@dataclass(frozen=True)
class Erp:
    """[erp] of delivery.toml."""

    layout: str = LAYOUTS[0]
    posting_date: str = LAST_DAY
    header_text: str = "Cloud chargeback"
    reference_prefix: str = "CB"
    line_limit: int = 0  # 0: as many as the layout takes
    document_type: str = ""
    separator: str = ","
    ledger: str = ""
    ledger_id: str = ""
    segments: tuple[str, ...] = ()
    empty_segment: str = "000"
    journal_source: str = ""
    journal_category: str = ""
    date_format: str = "MM/DD/YYYY"
    account_set: str = ""
    ledger_type: str = "ACTUALS"
    company_id_type: str = "Company_Reference_ID"
    spend_category: str = ""

    def posting_day(self, period: str) -> date:
        """The day that a period's documents are posted on."""
        if found := _DAY.fullmatch(self.posting_date):
            return date.fromisoformat(f"{month_after(period)}-{int(found[1]):02d}")
        return last_day(period)


KEYS = tuple(Erp.__dataclass_fields__)

#: Keys that hold a code of the ERP.
CODES = (
    "document_type", "ledger", "ledger_id", "empty_segment", "journal_source", "journal_category",
    "account_set", "ledger_type", "company_id_type", "spend_category",
)  # fmt: skip


def read_erp(file: TomlFile) -> Erp:
    """The ERP policy of a delivery.toml.

    Raises:
        Refusal: (exit 2) a key is unknown or not what it can be, or the layout needs one that is not there.
    """
    where, table = file.subtable(TABLE, KEYS)
    values: dict[str, Any] = {}
    with together():
        for key in table:
            with apart():
                values[key] = value_of(where, table, key)
        found = Erp(**values)
        for key in REQUIRED.get(found.layout, ()):
            with apart():
                if not getattr(found, key):
                    raise lacking(where, found.layout, key)
        if found.layout == "oracle":
            with apart():
                check_oracle(where, found)
    return found


def value_of(where: str, table: dict[str, Any], key: str) -> Any:
    """What a key holds."""
    if key == "segments":
        return checked_segments(where, text_list(where, table, key))
    text = text_value(where, table, key).strip()
    match key:
        case "layout":
            need_one_of(where, key, text, LAYOUTS)
        case "separator":
            need_one_of(where, key, text, SEPARATORS)
        case "date_format":
            need_one_of(where, key, text, tuple(DATE_FORMATS))
        case "posting_date" if text != LAST_DAY and not _DAY.fullmatch(text):
            raise bad_params(
                "posting_date is no day that can be told for every period",
                f'"{LAST_DAY}", or "day 3 of the next month", up to day 28', repr(text), [where],
                ["for a single export: make erp-journal PERIOD=… DATE=2026-07-01"],
            )  # fmt: skip
        case "reference_prefix" if not _PREFIX.fullmatch(text):
            raise bad_params(
                "reference_prefix is too long or has other signs", "1 to 4 letters and digits",
                repr(text), [where],
            )  # fmt: skip
        case "line_limit":
            if not (text.isascii() and text.isdigit() and 2 <= int(text[:9]) <= MOST_LINES):
                raise bad_params(
                    "line_limit is not a number of lines", f'"2" to "{MOST_LINES}"', repr(text), [where]
                )  # fmt: skip
            return int(text)
        case _ if (key in CODES or key == "header_text") and not CODE.fullmatch(text):
            raise bad_params(
                f"{key} is no code of an ERP",
                "up to 60 letters, digits, spaces and . : / & ( ) _ -, beginning with a letter or digit",
                repr(text), [where],
            )  # fmt: skip
    return text


def need_one_of(where: str, key: str, text: str, known: tuple[str, ...]) -> None:
    """Refuse a choice that there is not."""
    if text not in known:
        raise bad_params(
            f"unknown {key}", ", ".join(map(repr, known)), repr(text), [where],
            suggestion(text, known),
        )  # fmt: skip


def checked_segments(where: str, segments: tuple[str, ...]) -> tuple[str, ...]:
    """The segments, each a name in braces or a code."""
    for one in segments:
        name = _PLACEHOLDER.fullmatch(one)
        if not (name[1] in SEGMENTS if name else CODE.fullmatch(one)):
            raise bad_params(
                "a segment is neither a code nor a name in braces",
                ", ".join(f"{{{name}}}" for name in SEGMENTS) + ', or a code such as "000"', repr(one),
                [where],
            )  # fmt: skip
    return segments


def check_oracle(where: str, found: Erp) -> None:
    """Refuse what Oracle could not tell the ledger or the account of."""
    if not found.ledger and not found.ledger_id:
        raise lacking(where, "oracle", "ledger")
    missing = [name for name in SEGMENTS[:3] if f"{{{name}}}" not in found.segments]
    if missing or len(found.segments) > MOST_SEGMENTS:
        raise bad_params(
            "segments do not make an account of Oracle",
            'segments = ["{company_code}", "{cost_center}", "{gl_account}", …], at most 30',
            ", ".join(found.segments) or "nothing", [where],
            ["write them in the order of your chart of accounts"],
        )  # fmt: skip


def lacking(where: str, layout: str, key: str) -> Refusal:
    """That a layout needs a key (exit 2)."""
    return bad_params(
        f"the layout {layout} needs the key {key}", f'{key} = "…"', "nothing", [where]
    )
