"""Params: everything that a person decides, as it held in one billing period.

`read_params` reads the registers (CSV) and rules (TOML) of a params folder, checks each by itself, then
checks them against each other for the period: every reference exists, every pool has someone to charge. What
it returns holds only the rows of that period, so a past month is closed with what held then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from chargeback.errors import bad_params
from chargeback.params.registers import COLUMNS, Row, read_register, rows_in, suggestion
from chargeback.params.rules import Policy, Pool, pools_in, read_policy, read_pools

FILES = (*COLUMNS, "policy.toml", "allocation.toml", "sources.toml")


@dataclass(frozen=True)
class BusinessUnit:
    """A group of cost centers; gets one statement."""

    business_unit_id: str
    name: str
    owner: str
    email: str
    idp_group: str


@dataclass(frozen=True)
class CostCenter:
    """Who is charged."""

    cost_center_id: str
    name: str
    business_unit_id: str
    valid_from: str
    valid_to: str


@dataclass(frozen=True)
class Account:
    """An AWS account and the cost center that owns what its tags do not."""

    account_id: str
    name: str
    owning_team: str
    default_cost_center_id: str | None
    valid_from: str
    valid_to: str


@dataclass(frozen=True)
class TagValue:
    """An alias: a tag value that means a cost center."""

    tag_key: str
    tag_value: str
    cost_center_id: str
    reference: str


@dataclass(frozen=True)
class Driver:
    """A measured quantity that an allocation key can use."""

    driver: str
    cost_center_id: str
    quantity: Decimal
    source: str


@dataclass(frozen=True)
class Invoice:
    """What AWS asks to be paid."""

    invoice_id: str
    issuer: str
    currency: str
    total: Decimal


@dataclass(frozen=True)
class Adjustment:
    """A charge that people moved from one cost center to another."""

    from_cost_center_id: str
    to_cost_center_id: str
    amount: Decimal
    reason: str
    reference: str


@dataclass(frozen=True)
class Params:
    """The params of one period; the dicts are keyed by id and hold only what is in force."""

    folder: Path
    period: str
    policy: Policy
    business_units: dict[str, BusinessUnit]
    cost_centers: dict[str, CostCenter]
    accounts: dict[str, Account]
    tag_values: tuple[TagValue, ...]
    drivers: tuple[Driver, ...]
    invoices: dict[str, Invoice]
    adjustments: tuple[Adjustment, ...]
    pools: tuple[Pool, ...]
    digests: dict[str, str]  # file name -> sha256 of its bytes

    def recipients(self, pool: Pool) -> tuple[str, ...]:
        """The cost centers that take part in a pool, sorted by id."""
        taking_part = expand(self, pool.recipients) - expand(self, pool.except_)
        return tuple(sorted(taking_part))

    def digest(self) -> str:
        """One sha256 for the whole folder: of the lines "<sha256>  <file>" in order of name."""
        lines = "".join(f"{sha}  {name}\n" for name, sha in sorted(self.digests.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


def expand(params: Params, names: Iterable[str]) -> set[str]:
    """Cost center ids behind a list of "*", business unit ids and cost center ids."""
    ids: set[str] = set()
    for name in names:
        if name == "*":
            ids |= set(params.cost_centers)
        elif name in params.cost_centers:
            ids.add(name)
        else:
            ids |= {
                cost_center.cost_center_id
                for cost_center in params.cost_centers.values()
                if cost_center.business_unit_id == name
            }
    return ids


def digest_files(folder: Path) -> dict[str, str]:
    """sha256 of each params file that exists."""
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in FILES
        if (folder / name).is_file()
    }


def read_params(folder: Path, period: str) -> Params:
    """The params of a folder as they hold in a period.

    Raises:
        Refusal: (exit 2) anything in the folder is malformed, contradictory or refers to what is not there.
    """
    if not folder.is_dir():
        raise bad_params(
            "the params folder does not exist", "a folder as params/ of the repository", "none",
            [str(folder)], ["name a folder with PARAMS=, or leave PARAMS= out to use params/"],
        )  # fmt: skip
    registers = {name: read_register(folder, name) for name in COLUMNS}
    policy, pools = read_policy(folder), read_pools(folder)
    check_references(registers)
    params = Params(
        folder=folder,
        period=period,
        policy=policy,
        business_units={
            row["business_unit_id"]: BusinessUnit(**row.cells)
            for row in registers["business_units.csv"]
        },
        cost_centers={
            row["cost_center_id"]: CostCenter(**row.cells)
            for row in rows_in(registers["cost_centers.csv"], period)
        },
        accounts={
            row["account_id"]: Account(
                row["account_id"],
                row["name"],
                row["owning_team"],
                row["default_cost_center_id"] or None,
                row["valid_from"],
                row["valid_to"],
            )
            for row in rows_in(registers["accounts.csv"], period)
        },
        tag_values=tuple(
            TagValue(row["tag_key"], row["tag_value"], row["cost_center_id"], row["reference"])
            for row in rows_in(registers["tag_values.csv"], period)
        ),
        drivers=tuple(
            Driver(row["driver"], row["cost_center_id"], row.decimal("quantity", 10), row["source"])
            for row in registers["drivers.csv"]
            if row["billing_period"] == period
        ),
        invoices={
            row["invoice_id"]: Invoice(
                row["invoice_id"], row["issuer"], row["currency"], row.decimal("total", 2)
            )
            for row in registers["invoices.csv"]
            if row["billing_period"] == period
        },
        adjustments=tuple(
            Adjustment(
                row["from_cost_center_id"], row["to_cost_center_id"], row.decimal("amount", 2),
                row["reason"], row["reference"],
            )
            for row in registers["adjustments.csv"]
            if row["billing_period"] == period
        ),
        pools=tuple(pools_in(pools, period)),
        digests=digest_files(folder),
    )  # fmt: skip
    check_period_rules(params, registers)
    return params


def check_references(registers: dict[str, list[Row]]) -> None:
    """Refuse a register row that refers to a business unit or cost center that no register has."""
    units = {row["business_unit_id"] for row in registers["business_units.csv"]}
    cost_centers = {row["cost_center_id"] for row in registers["cost_centers.csv"]}
    both = sorted(units & cost_centers)
    if both:
        raise bad_params(
            f"{both[0]!r} is a business unit and a cost center",
            "different ids, because rules name either",
            where=["business_units.csv", "cost_centers.csv"],
        )
    for name, rows in registers.items():
        for row in rows:
            for column, text in row.cells.items():
                known = units if column == "business_unit_id" else cost_centers
                refers = column == "business_unit_id" or column.endswith("cost_center_id")
                if refers and text and text not in known:
                    kind = "business unit" if known is units else "cost center"
                    register = "business_units.csv" if known is units else "cost_centers.csv"
                    raise bad_params(
                        f"{name} names an unknown {kind}", f"an id of {register}", repr(text),
                        [row.where], suggestion(text, known),
                    )  # fmt: skip


def check_period_rules(params: Params, registers: dict[str, list[Row]]) -> None:
    """Refuse rules that cannot be carried out in the period."""
    ever = {row["cost_center_id"] for row in registers["cost_centers.csv"]}
    policy, period = params.policy, params.period

    def need_cost_center(cost_center_id: str, what: str, where: str) -> None:
        if cost_center_id not in params.cost_centers:
            raise bad_params(
                f"{what} names "
                + (f"a cost center that does not hold in {period}" if cost_center_id in ever
                   else "an unknown cost center"),
                f"a cost center of cost_centers.csv in force in {period}", repr(cost_center_id),
                [where], suggestion(cost_center_id, params.cost_centers),
            )  # fmt: skip

    for name in ("commitments_cost_center_id", "rounding_cost_center_id"):
        need_cost_center(getattr(policy, name), name, "policy.toml")
    for pool in params.pools:
        for cost_center_id in pool.shares:
            need_cost_center(cost_center_id, f"the pool {pool.pool_id!r}", pool.where)
        for name in (*pool.recipients, *pool.except_):
            if name != "*" and name not in params.business_units and name not in ever:
                raise bad_params(
                    f"the pool {pool.pool_id!r} names an unknown recipient",
                    'a business unit, a cost center or "*"', repr(name), [pool.where],
                    suggestion(name, (*params.business_units, *ever)),
                )  # fmt: skip
        recipients = params.recipients(pool)
        if not recipients:
            raise bad_params(
                f"nobody takes part in the pool {pool.pool_id!r} in {period}",
                "at least one cost center",
                f"recipients {list(pool.recipients)} except {list(pool.except_)}", [pool.where],
                ["widen recipients or shorten except"],
            )  # fmt: skip
        outside = sorted(set(pool.shares) - set(recipients))
        if outside:
            raise bad_params(
                f"the pool {pool.pool_id!r} gives a share to a cost center that takes no part",
                ", ".join(recipients), outside[0], [pool.where],
            )  # fmt: skip
    for adjustment in params.adjustments:
        where = f"adjustments.csv: {adjustment.reference or adjustment.reason}"
        need_cost_center(adjustment.from_cost_center_id, "an adjustment", where)
        need_cost_center(adjustment.to_cost_center_id, "an adjustment", where)
    for invoice in params.invoices.values():
        if invoice.currency != policy.currency:
            raise bad_params(
                "an invoice is in another currency than the policy", policy.currency,
                invoice.currency, [f"invoices.csv: {invoice.invoice_id}"],
            )  # fmt: skip
