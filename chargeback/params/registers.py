"""Registers: the CSV files in which people say what exists.

A register has exactly its columns (unknown and missing ones are refused by name). Every cell is text, and rows
may be dated with valid_from and valid_to. Dated rows with one key follow each other without a gap or an
overlap; a row that ended with nothing after it is simply retired. Old rows stay, so that a past period finds
what held then.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.money import WHOLE_DIGITS, read_decimal
from chargeback.core.period import check_period, holds_in, month_after
from chargeback.core.text import suggestion
from chargeback.params.account_ids import check_account_of_provider
from chargeback.params.text_files import absent, check_separator, read_text

#: The index of a month has this name where each unit's statements have a folder of the unit's.
INDEX_NAME = "index.html"

SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ACCOUNT_ID = re.compile(r"[0-9]{12}")

COLUMNS: dict[str, tuple[str, ...]] = {
    "business_units.csv": ("business_unit_id", "name", "owner", "email", "idp_group"),
    "cost_centers.csv": (
        "cost_center_id", "name", "business_unit_id", "valid_from", "valid_to",
    ),
    "accounts.csv": (
        "account_id", "name", "owning_team", "default_cost_center_id", "valid_from", "valid_to", "provider",
    ),
    "tag_values.csv": (
        "tag_key", "tag_value", "cost_center_id", "valid_from", "valid_to", "reference",
    ),
    "drivers.csv": ("billing_period", "driver", "cost_center_id", "quantity", "source"),
    "invoices.csv": (
        "invoice_id", "billing_period", "issuer", "currency", "total", "entered_by", "source",
    ),
    "adjustments.csv": (
        "billing_period", "from_cost_center_id", "to_cost_center_id", "amount", "reason",
        "reference", "entered_by", "approved_by", "approved_on",
    ),
    "ratifications.csv": (
        "rules_digest", "valid_from", "reference", "approved_by", "approved_on",
    ),
    "acceptances.csv": (
        "control", "subject", "valid_from", "valid_to", "reference", "accepted_by",
    ),
    "deferrals.csv": (
        "invoice_id", "billing_period", "deferred_to", "reference", "approved_by",
    ),
    "gl_accounts.csv": (
        "kind", "recipient", "company_code", "gl_account", "erp_cost_center", "offset_company_code",
        "offset_gl_account", "offset_cost_center", "due_to_gl_account", "due_from_gl_account", "valid_from",
        "valid_to",
    ),
    "budgets.csv": ("period", "cost_center_id", "amount", "approved_by"),
    "medical_loss_ratio.csv": (
        "cost_center_id", "valid_from", "valid_to", "claims", "quality_improvement", "administration",
        "basis", "reference", "entered_by", "approved_by", "approved_on",
    ),
    "metrics.csv": (
        "billing_period", "metric", "business_unit_id", "cost_center_id", "quantity", "source", "as_of",
        "final",
    ),
}  # fmt: skip

#: Columns that a register had not from the beginning: one that has none of them is read as it is.
ADDED_COLUMNS: dict[str, tuple[str, ...]] = {
    "accounts.csv": ("provider",),
    "adjustments.csv": ("entered_by", "approved_by", "approved_on"),
}

#: Columns of which a register needs one alone: a row names its owner in one of them; the other is blank.
EITHER_COLUMN: dict[str, tuple[str, str]] = {"metrics.csv": ("business_unit_id", "cost_center_id")}

#: Who owns what is the whole company's (chargeback/params/metrics.py).
COMPANY_CELL = ("business_unit_id", "*")

#: Registers about closed periods, which a params folder may do without: no close reads or keeps them.
COLUMNS_AFTER_CLOSE: dict[str, tuple[str, ...]] = {
    "disputes.csv": (
        "dispute_id", "billing_period", "business_unit_id", "line", "amount", "reason", "raised_by",
        "raised_on", "owner", "answered_on", "answer", "decided_on", "decision", "decided_amount",
        "decided_by", "adjustment_reference",
    ),
    "acknowledgements.csv": (
        "billing_period", "business_unit_id", "acknowledged_by", "acknowledged_on", "note",
    ),
}  # fmt: skip

#: Registers that a params folder may do without.
OPTIONAL = (
    "ratifications.csv",
    "acceptances.csv",
    "deferrals.csv",
    "gl_accounts.csv",
    "budgets.csv",
    "medical_loss_ratio.csv",
    "metrics.csv",
)

#: What makes two rows of a register the same thing; dated registers allow one row per period.
KEYS: dict[str, tuple[str, ...]] = {
    "business_units.csv": ("business_unit_id",),
    "cost_centers.csv": ("cost_center_id",),
    "accounts.csv": ("account_id",),
    "tag_values.csv": ("tag_key", "tag_value"),
    "drivers.csv": ("billing_period", "driver", "cost_center_id"),
    "invoices.csv": ("billing_period", "invoice_id"),
    "ratifications.csv": ("valid_from",),
    "acceptances.csv": ("control", "subject"),
    "deferrals.csv": ("billing_period", "invoice_id"),
    "gl_accounts.csv": ("kind", "recipient"),
    "disputes.csv": ("dispute_id",),
    "acknowledgements.csv": ("billing_period", "business_unit_id"),
    "budgets.csv": ("period", "cost_center_id"),
    "medical_loss_ratio.csv": ("cost_center_id",),
}


#: What else to do about two rows for one thing.
ABOUT_TWO_ROWS: dict[str, tuple[str, ...]] = {
    "invoices.csv": (
        "if two issuers sent invoices of one number, enter one row with the sum of their totals: line items "
        "say the number alone",
    ),
}


def columns_of(name: str) -> tuple[str, ...]:
    """The columns of a register."""
    return COLUMNS.get(name) or COLUMNS_AFTER_CLOSE[name]


@dataclass(frozen=True)
class Row:
    """One row of a register with where it stands, so that a refusal can name it."""

    file: str
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    @property
    def where(self) -> str:
        """File, line and the row itself, for the `where` of a refusal."""
        return f"{self.file} line {self.line}: {','.join(self.cells.values())}"

    def at(self, column: str) -> str:
        """File, line, column and the row itself."""
        return f"{self.file} line {self.line}, column {column}: {','.join(self.cells.values())}"

    def decimal(self, column: str, places: int | None = None) -> Decimal:
        """A plain decimal number of this row, refused when it is anything else."""
        text = self[column]
        if re.fullmatch(rf"-?[0-9]{{{WHOLE_DIGITS + 1},}}(\.[0-9]+)?", text):
            raise bad_params(
                f"{column} is larger than any amount", f"at most {WHOLE_DIGITS} digits before the point",
                text, [self.at(column)],
            )  # fmt: skip
        try:
            number = read_decimal(text)
        except InvalidOperation:
            raise bad_params(
                f"{column} is not a plain decimal number", "digits and a point, such as 1234.56",
                repr(text), [self.at(column)], probable_number(text),
            ) from None  # fmt: skip
        if places is not None and number != round(number, places):
            raise bad_params(
                f"{column} has more than {places} decimals", found=text, where=[self.where]
            )
        return number


#: What stands for every cost center that has no row of its own, in registers that have such rows.
EVERY_OTHER = {"medical_loss_ratio.csv": "*"}


def rows_by(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    """Rows by what they have in a column, in their order; for whoever asks for those of many values."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found


def is_every_other(row: Row, text: str) -> bool:
    """Whether a cell of a register stands for every cost center without a row of its own."""
    return EVERY_OTHER.get(row.file) == text


def probable_number(text: str) -> list[str]:
    """A "did you mean" line for an amount that is written for people; nothing when it is none.

    >>> [probable_number(one) for one in ("2,930.50", "2930,50", "(12.00)")]
    [["did you mean '2930.50'?"], ["did you mean '2930.50'?"], ["did you mean '-12.00'?"]]
    """
    bare = re.sub(r"[\s'’$€£]|^[A-Z]{3}|[A-Z]{3}$", "", text.replace("−", "-"))
    if bracketed := re.fullmatch(r"\((.+)\)", bare):
        bare = f"-{bracketed[1]}"
    if re.fullmatch(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", bare):
        bare = bare.replace(",", "")
    elif re.fullmatch(r"-?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+),[0-9]+", bare):
        bare = bare.replace(".", "").replace(",", ".")
    return [f"did you mean {bare!r}?"] if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", bare) else []


def read_register(folder: Path, name: str) -> list[Row]:
    """All rows of one register, checked against its columns, ids, dates and key.

    Raises:
        Refusal: (exit 2) the file is absent or unreadable, a column is unknown or missing, a row has too
            few or too many cells, an id or date has the wrong form, or dated rows overlap or leave a gap.
    """
    try:
        text = read_text(folder, name)
    except FileNotFoundError:
        raise absent(
            folder, name, "a CSV file with the columns " + ",".join(columns_of(name))
        ) from None
    check_separator(name, text, columns_of(name))
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        starts, lines = [1], []
        for values in reader:  # a quoted cell may hold line ends
            lines.append(values)
            starts.append(reader.line_num + 1)
    except csv.Error as error:
        raise bad_params(
            f"{name} is not well-formed CSV", found=str(error), where=[f"{name} line {starts[-1]}"]
        ) from None
    header = tuple(lines[0]) if lines else ()
    check_columns(name, header)
    rows = []
    for number, values in zip(starts[1:], lines[1:], strict=False):
        if any(value.strip() for value in values):
            with apart():
                rows.append(read_row(name, number, header, values))
    sound = []
    for row in rows:
        with apart(), together():
            check_cells(row)
            sound.append(row)
    check_keys(name, sound)
    return rows


def read_row(name: str, number: int, header: tuple[str, ...], values: list[str]) -> Row:
    """A row whose cells are as many as the columns."""
    if len(values) != len(header):
        raise bad_params(
            f"a row of {name} has the wrong number of cells", f"{len(header)}: "
            + ",".join(header), f"{len(values)}: " + ",".join(values), [f"{name} line {number}"],
            ["quote a cell that holds a comma"] if len(values) > len(header)
            else ["an empty cell needs its comma too"],
        )  # fmt: skip
    cells = dict(zip(header, (value.strip() for value in values), strict=True))
    if name == "tag_values.csv":  # the tag's own spaces are part of it
        cells["tag_value"] = values[header.index("tag_value")]
    return Row(name, number, cells)


def check_columns(name: str, header: tuple[str, ...]) -> None:
    """Refuse a header with unknown, missing or repeated columns."""
    known = columns_of(name)
    if not set(known) & {column.strip().casefold() for column in header}:
        raise bad_params(
            f"{name} does not begin with its columns", ",".join(known),
            ",".join(header) or "nothing", [f"{name} line 1"],
            ["the first line names the columns: add it, or remove what stands above it"],
        )  # fmt: skip
    if "" in header:
        raise bad_params(
            f"{name} has a column without a name", ",".join(known), ",".join(header),
            [f"{name} line 1"], ["a spreadsheet saves empty columns too: delete them there"],
        )  # fmt: skip
    for column in header:
        if column not in known:
            raise bad_params(
                f"{name} has an unknown column {column!r}", ",".join(known), ",".join(header),
                [f"{name} line 1"], suggestion(column, known),
            )  # fmt: skip
    missing = [column for column in known if column not in header]
    if tuple(missing) == ADDED_COLUMNS.get(name):
        missing = []
    if len(missing) == 1 and missing[0] in EITHER_COLUMN.get(name, ()):
        missing = []
    if missing or len(set(header)) != len(header):
        raise bad_params(
            f"{name} lacks the column {missing[0]!r}" if missing else f"{name} repeats a column",
            ",".join(known), ",".join(header) or "an empty file", [f"{name} line 1"],
        )  # fmt: skip


def check_cells(row: Row) -> None:
    """Refuse ids and dates of the wrong form, naming the row."""
    for column, text in row.cells.items():
        with apart():
            check_cell(row, column, text)
    if row.cells.get("valid_to") and row["valid_to"] < row["valid_from"]:
        raise bad_params("a row ends before it begins", where=[row.where])


def check_cell(row: Row, column: str, text: str) -> None:
    """Refuse a cell of the wrong form."""
    if column in EITHER_COLUMN.get(row.file, ()) and (not text or (column, text) == COMPANY_CELL):
        return  # an owner: chargeback/params/metrics.py
    if column == "account_id" and row.cells.get("provider"):
        check_account_of_provider(text, row["provider"], row.where)
    elif column == "account_id" and not ACCOUNT_ID.fullmatch(text):
        lost = bool(re.fullmatch("[0-9]{1,11}", text))
        digits = re.sub(r"[-' ]", "", text)
        raise bad_params(
            "an account id is not 12 digits", "12 digits as text, such as 012345670123",
            f"{text!r}, {len(text)} characters", [row.where],
            [f"a leading zero was probably lost: {text.zfill(12)}" if lost
             else f"did you mean {digits}?" if ACCOUNT_ID.fullmatch(digits)
             else "copy the id from the AWS console; an account of another provider names it in provider",
             "spreadsheets drop leading zeros: format the column as text before saving"],
        )  # fmt: skip
    is_optional = column == "default_cost_center_id" or is_every_other(row, text)
    if column.endswith("cost_center_id") and not is_optional:
        need_id(row, column)
    if column in ("business_unit_id", "invoice_id"):
        need_id(row, column)
    if column == "business_unit_id" and text.casefold() == INDEX_NAME:
        raise bad_params(
            f"{column} is not a valid id", f"another than {INDEX_NAME}, which lies beside the units' folders",
            repr(text), [row.where],
        )  # fmt: skip
    dated = column in ("valid_from", "billing_period", "deferred_to")
    if dated or (column == "valid_to" and text):
        check_period(text, row.at(column))
    if column == "rules_digest" and not re.fullmatch(r"[0-9a-f]{64}", text):
        raise bad_params(
            "rules_digest is not a digest", "64 digits and letters a to f, as make rules prints it",
            repr(text), [row.where],
        )  # fmt: skip
    if column == "approved_on" and (text or row.file not in ADDED_COLUMNS):
        check_date(row, column)
    if row.file == "ratifications.csv":
        need_cell(row, column, "a ratification")


def check_date(row: Row, column: str) -> date:
    """The day that a cell names, or a refusal of what is not written as a date."""
    return check_day(row[column], column, row.where)


def check_day(text: str, column: str, where: str) -> date:
    """The day that a text names, or a refusal of what is not written as a date."""
    try:
        day = date.fromisoformat(text)
        if day.isoformat() != text:
            raise ValueError
    except ValueError:
        raise bad_params(
            f"{column} is not a date", "a day such as 2026-04-20", repr(text), [where]
        ) from None
    return day


def need_cell(row: Row, column: str, what: str) -> None:
    """Refuse a row of a decision that leaves a cell empty; `what` names the decision."""
    if not row[column]:
        raise bad_params(
            f"{what} lacks its {column}",
            "every cell of the row" + (" but valid_to" if "valid_to" in row.cells else ""),
            "nothing", [row.where],
        )  # fmt: skip


def need_id(row: Row, column: str) -> None:
    """Refuse an id that could not be a folder name or part of a ledger account."""
    if not SAFE_ID.fullmatch(row[column]):
        raise bad_params(
            f"{column} is not a valid id",
            "1 to 64 letters, digits, points, underscores and hyphens", repr(row[column]),
            [row.where],
        )  # fmt: skip


def check_keys(name: str, rows: list[Row]) -> None:
    """Refuse two rows for the same thing at the same time, and gaps between dated rows."""
    if name not in KEYS:
        return
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in KEYS[name]), []).append(row)
    for key, same in groups.items():
        with apart():
            check_key(name, key, same)


def check_key(name: str, key: tuple[str, ...], same: list[Row]) -> None:
    """Refuse rows of one key that hold at the same time, or that leave a gap."""
    if "valid_to" not in columns_of(name):
        if len(same) > 1:
            raise bad_params(
                f"{name} has two rows for {' '.join(key)}", "one row", f"{len(same)} rows",
                [row.where for row in same[:2]],
                ["remove the row that is wrong", *ABOUT_TWO_ROWS.get(name, ())],
            )  # fmt: skip
        return
    same.sort(key=lambda row: (row["valid_from"], row.line))
    check_dates(
        f"{name}: {' '.join(key)}",
        [(row["valid_from"], row["valid_to"], row.where) for row in same],
    )


def check_dates(what: str, dated: list[tuple[str, str, str]], gaps: bool = False) -> None:
    """Refuse overlaps, and gaps unless there may be some, among (valid_from, valid_to, where), sorted."""
    for (_, ends, before), (starts, _, after) in itertools.pairwise(dated):
        if not ends or starts <= ends:
            raise bad_params(
                f"dated rows overlap in {what}", "one row for each period",
                f"both hold in {starts}", [before, after],
                ["end the earlier row (valid_to) before the later one begins"],
            )  # fmt: skip
        if starts != month_after(ends) and not gaps:
            raise bad_params(
                f"dated rows leave a gap in {what}", f"the next row to begin in {month_after(ends)}",
                f"it begins in {starts}", [before, after],
                ["close the gap with valid_from or valid_to"],
            )  # fmt: skip


def rows_in(rows: Iterable[Row], period: str) -> list[Row]:
    """The dated rows that hold in a period."""
    return [row for row in rows if holds_in(period, row["valid_from"], row["valid_to"])]
