"""Estate params: the registers and rules that a person would have for an estate of the bench.

Cost centers go round the units, aliases and accounts round the cost centers. Pools are split evenly, by
direct spend and by headcount in turn. Each unit's group sees its unit. Both limits on what nobody owns are
accepted, as a made-up estate carries fewer tags than it may.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from chargeback.bench.estates import LAST, Size, write_period, write_report
from chargeback.core.period import month_before
from chargeback.params.registers import COLUMNS, OPTIONAL, columns_of

KEYS = ("direct_spend", "even", "driver:headcount")

POLICY = """currency = "USD"
cost_basis = "amortized"
cost_center_tags = ["user_cost_center"]
mandatory_tags = ["user_cost_center"]
commitments_cost_center_id = "CC-1000"
rounding_cost_center_id = "CC-1000"
invoice_rounding_limit = "1.00"
"""


@dataclass(frozen=True)
class Written:
    """Where an estate lies.

    Args:
        again: the last closed period as it was delivered after its close.
    """

    report: Path
    again: Path
    params: Path


def write_estate(folder: Path, size: Size) -> Written:
    """Report and params of an estate in an empty folder."""
    written = Written(folder / "cur", folder / "again", folder / "params")
    totals = write_report(written.report, size)
    write_period(written.again, size, LAST, delivery=1)
    written.params.mkdir(parents=True)
    for name, text in files(size, totals).items():
        (written.params / name).write_text(text, encoding="utf-8")
    return written


def files(size: Size, totals: Mapping[str, Decimal]) -> dict[str, str]:
    """The text of each file of the params, by name.

    Args:
        totals: of the invoices, in dollars.
    """
    return {
        **{name: register(name, ()) for name in COLUMNS if name not in OPTIONAL},
        **{name: register(name, rows) for name, rows in registers(size, totals).items()},
        "policy.toml": POLICY,
        "allocation.toml": "".join(pool(size, number) for number in range(size.pools))
        + rule("untagged", "Untagged", "{}", "even", size.first_period),
        "viewers.toml": "".join(viewer(size, number) for number in range(size.units)),
    }


def registers(size: Size, totals: Mapping[str, Decimal]) -> dict[str, Iterable[tuple[object, ...]]]:
    """The rows of each register, by its name."""
    first, center = size.first_period, size.cost_center_id
    centers = range(size.cost_centers)
    periods = (*size.closed_periods, size.open_period)
    pools = ["untagged", *(pool_id(number) for number in range(size.pools))]
    accepted = [
        *(("fallback_share_is_within_its_limit", one) for one in pools),
        ("nobodys_share_is_within_its_limit", "untagged"),
    ]
    return {
        "business_units.csv": [
            (size.unit_id(one), f"Unit {one}", f"Owner {one}", f"owner{one}@example.com", f"group-{one}")
            for one in range(size.units)
        ],
        "cost_centers.csv": [
            (center(one), f"Cost center {one}", size.unit_id(one), first, "") for one in centers
        ],
        "accounts.csv": [
            (size.account_id(one), f"account-{one}", "team", center(one) if one % 2 else "", first, "", "")
            for one in range(size.accounts)
        ],
        "tag_values.csv": [
            ("user_cost_center", f"team-{one:05d}", center(one), first, "", "CHG1")
            for one in range(size.tag_values)
        ],
        "drivers.csv": [
            (period, "headcount", center(one), 10 + one % 90, "HR extract")
            for period in periods
            for one in centers
        ],
        "invoices.csv": [
            (invoice, f"{invoice[:4]}-{invoice[4:6]}", "AWS", "USD", f"{total:.2f}", "finance", "PDF")
            for invoice, total in totals.items()
        ],
        "adjustments.csv": [
            (period, center(one), center(one + 1), f"{one + 1}.25", "licences", f"ADJ-{period}-{one}",
             "Ann", "Bob", f"{month_before(first)}-20")
            for period in size.closed_periods
            for one in range(size.adjustments)
        ],
        "acceptances.csv": [(*one, first, "", "CHG1", "controller") for one in accepted],
    }  # fmt: skip


def pool_id(number: int) -> str:
    """The id of a pool."""
    return f"shared-{number:03d}"


def pool(size: Size, number: int) -> str:
    """A pool that takes the line items of one product."""
    match = f'{{ product_code = ["SharedService{number:03d}"] }}'
    key = KEYS[number % len(KEYS)]
    return rule(
        pool_id(number), f"Shared {number}", match, key, size.first_period,
        "overrides_tags = true\n",
    )  # fmt: skip


def rule(name: str, title: str, match: str, key: str, first: str, more: str = "") -> str:
    """One [[pool]] of allocation.toml."""
    return (
        f'[[pool]]\npool_id = "{name}"\nname = "{title}"\nmatch = {match}\n{more}key = "{key}"\n'
        f'recipients = ["*"]\nvalid_from = "{first}"\napproved = "CHG1"\n\n'
    )


def viewer(size: Size, number: int) -> str:
    """One [[viewer]] of viewers.toml: a unit's group sees that unit."""
    return (
        f'[[viewer]]\ngroup = "group-{number}"\nrole = "viewer"\nbusiness_units = ["{size.unit_id(number)}"]\n'
        f'valid_from = "{size.first_period}"\napproved = "CHG1"\n\n'
    )


def register(name: str, rows: Iterable[tuple[object, ...]]) -> str:
    """A register as its file has it."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns_of(name))
    writer.writerows(rows)
    return stream.getvalue()
