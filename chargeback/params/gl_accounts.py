"""GL accounts: gl_accounts.csv, which account of the ERP a charge is booked to. Optional and dated.

    kind                 direct, allocated, commitment, rounding, adjustment, correction; * is any
    recipient            a cost center, a business unit, or * for all, as in allocation.toml
    company_code         whose books it is booked in: company code, ledger segment, subsidiary or company
    gl_account           the expense account that is debited
    erp_cost_center      what the ERP calls the cost center; blank is our id, - is none, as on a balance sheet
    offset_company_code  who paid AWS; blank is the same company
    offset_gl_account    the account that is credited there, such as the clearing of cloud cost
    offset_cost_center   the cost center on that line; blank is none
    due_to_gl_account    between two companies: what the first owes the one that paid
    due_from_gl_account  and what that one has to get
    valid_from, valid_to

Of the rows that hold for a charge the most specific one counts: a cost center before its unit before all, a
kind before any. Two rows of which neither is more specific, and which say different things, are ambiguous.
The mapping decides no charge, only where one is booked, so that a council does not ratify it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from chargeback.core.errors import apart, bad_params
from chargeback.core.text import suggestion
from chargeback.params.registers import Row, read_register, rows_in

FILE = "gl_accounts.csv"

#: What corrections of earlier periods are called here; the ledger calls them adjustments, with their period.
CORRECTION = "correction"
KINDS = ("direct", "allocated", "commitment", "rounding", "adjustment", CORRECTION)
ANY = "*"

#: In erp_cost_center: the line has none.
NO_COST_CENTER = "-"

#: A code of an ERP: no sign in it begins a formula or hides another, wherever the file is opened.
CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 .:/&()_-]{0,58}[A-Za-z0-9.)_])?")

NEEDED = ("company_code", "gl_account", "offset_gl_account")
BETWEEN = ("due_to_gl_account", "due_from_gl_account")


@dataclass(frozen=True)
class GlAccount:
    """Where charges are booked, as one row says it."""

    kind: str
    recipient: str
    company_code: str
    gl_account: str
    erp_cost_center: str
    offset_company_code: str
    offset_gl_account: str
    offset_cost_center: str
    due_to_gl_account: str
    due_from_gl_account: str
    valid_from: str
    valid_to: str
    where: str = field(compare=False, default="")

    def cost_center(self, cost_center_id: str) -> str:
        """What a line of a cost center has as the ERP's cost center; blank is none."""
        if self.erp_cost_center == NO_COST_CENTER:
            return ""
        return self.erp_cost_center or cost_center_id

    @property
    def payer(self) -> str:
        """The company that is credited in the end."""
        return self.offset_company_code or self.company_code

    @property
    def between_companies(self) -> bool:
        """Whether one company owes another for it."""
        return self.payer != self.company_code

    @property
    def booking(self) -> tuple[str, ...]:
        """What it says, whatever it is said of and since when."""
        return tuple(getattr(self, name) for name in BOOKING)


BOOKING = tuple(
    one.name
    for one in fields(GlAccount)
    if one.name not in ("kind", "recipient", "valid_from", "valid_to", "where")
)


class Ambiguous(Exception):
    """Two rows hold for a charge, neither is more specific, and they say different things."""

    def __init__(self, rows: Sequence[GlAccount]) -> None:
        super().__init__([one.where for one in rows])
        self.rows = rows


def gl_account_for(
    rows: Iterable[GlAccount], kind: str, cost_center_id: str, business_unit_id: str
) -> GlAccount | None:
    """The row that a charge is booked by; None where there is none.

    Raises:
        Ambiguous: there is more than one.
    """
    of_whom = {ANY: 0, business_unit_id: 1, cost_center_id: 2}
    of_what = {ANY: 0, kind: 1}
    ranked = [
        ((of_what[one.kind], of_whom[one.recipient]), one)
        for one in rows
        if one.kind in of_what and one.recipient in of_whom
    ]
    best = [
        (rank, one)
        for rank, one in ranked
        if not any(
            other != rank and all(a >= b for a, b in zip(other, rank, strict=True))
            for other, _ in ranked
        )
    ]
    if len({one.booking for _, one in best}) > 1:
        raise Ambiguous([one for _, one in best])
    return best[0][1] if best else None


def read_gl_accounts(folder: Path, period: str) -> tuple[GlAccount, ...]:
    """The rows of a params folder that hold in a period; none where it has no such file.

    Raises:
        Refusal: (exit 2) anything in it is malformed.
    """
    if not (folder / FILE).is_file():
        return ()
    return gl_accounts_of(rows_in(read_register(folder, FILE), period))


def parse_gl_accounts(content: bytes, period: str) -> tuple[GlAccount, ...]:
    """The same of the bytes of a gl_accounts.csv, such as one that was kept."""
    with tempfile.TemporaryDirectory(prefix="chargeback-") as folder:
        (Path(folder) / FILE).write_bytes(content)
        return read_gl_accounts(Path(folder), period)


def gl_accounts_of(rows: Iterable[Row]) -> tuple[GlAccount, ...]:
    """The mapping that rows say, in their order."""
    found = []
    for row in rows:
        with apart():
            found.append(gl_account(row))
    return tuple(found)


def gl_account(row: Row) -> GlAccount:
    """One row."""
    if row["kind"] not in (*KINDS, ANY):
        raise bad_params(
            "this is no kind of charge", "one of " + ", ".join((*KINDS, ANY)), repr(row["kind"]),
            [row.where],
            suggestion(row["kind"], KINDS)
            or (["what is pooled is charged to nobody before it is allocated"]
                if row["kind"] == "pooled" else []),
        )  # fmt: skip
    found = GlAccount(**row.cells, where=row.where)
    for column in ("recipient", *NEEDED):
        if not row[column]:
            raise bad_params(
                f"a row of gl_accounts.csv lacks its {column}", ", ".join(("recipient", *NEEDED)),
                "nothing", [row.where],
            )  # fmt: skip
    for column in BETWEEN if found.between_companies else ():
        if not row[column]:
            raise bad_params(
                f"a charge between two companies lacks its {column}",
                "an account in the books of each of the two", "nothing", [row.where],
                [f"{found.company_code} owes {found.payer}: due_to_gl_account is in the books of the first, "
                 "due_from_gl_account in those of the second"],
            )  # fmt: skip
    for column in BOOKING:
        none = column == "erp_cost_center" and row[column] == NO_COST_CENTER
        if row[column] and not none and not CODE.fullmatch(row[column]):
            raise bad_params(
                f"{column} is no code of an ERP",
                "up to 60 letters, digits, spaces and . : / & ( ) _ -, beginning with a letter or digit",
                repr(row[column]), [row.where],
            )  # fmt: skip
    return found
