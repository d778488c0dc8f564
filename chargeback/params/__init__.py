"""Params: everything that a person decides, as it holds in one billing period.

`read_params` reads the registers (CSV) and rules (TOML) of a params folder, checks each by itself, then checks
them against each other for the period: every reference exists, and every pool has somebody to charge. What it
returns holds only what is in force in that period, so a past month is closed with what held then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from chargeback.core.errors import Refusal, apart, bad_params, keeping, together
from chargeback.core.period import check_period, holds_in
from chargeback.core.text import suggestion
from chargeback.params.acceptances import Acceptance, read_acceptances
from chargeback.params.adjustments import Adjustment, adjustment_of, check_approved
from chargeback.params.books_policy import BooksPolicy, read_books_policy
from chargeback.params.budgets import PlannedYear, budgets_of, planned_years
from chargeback.params.controls_policy import ControlsPolicy, read_controls_policy
from chargeback.params.daily_policy import DailyPolicy, read_daily_policy
from chargeback.params.deferrals import Deferral, deferrals_of
from chargeback.params.delivery import Delivery, read_delivery
from chargeback.params.gl_accounts import ANY, GlAccount, gl_accounts_of
from chargeback.params.handout_policy import check_contacts
from chargeback.params.invoicing import stand_in_id
from chargeback.params.key_names import KeyName, read_key_names
from chargeback.params.medical_loss_ratio import Declaration, declarations_of
from chargeback.params.metrics import (
    Metric,
    MetricName,
    check_counted,
    check_named,
    metrics_of,
    read_metric_names,
)
from chargeback.params.ownership import OwnershipRule, read_ownership
from chargeback.params.policy import FILE as POLICY
from chargeback.params.policy import Policy, read_policy
from chargeback.params.registers import (
    COLUMNS,
    COMPANY_CELL,
    EITHER_COLUMN,
    OPTIONAL,
    Row,
    is_every_other,
    read_register,
    rows_by,
    rows_in,
)
from chargeback.params.rules import Pool, check_step_down, pools_in, read_pools
from chargeback.params.tags import TagReader
from chargeback.params.toml_files import TomlFile, read_toml

T = TypeVar("T")

FILES = (
    *COLUMNS, "policy.toml", "allocation.toml", "ownership.toml", "sources.toml", "delivery.toml",
)  # fmt: skip


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
    """An account and the cost center that owns what its tags do not.

    Args:
        provider: whose account it is; blank for AWS.
    """

    account_id: str
    name: str
    owning_team: str
    default_cost_center_id: str | None
    valid_from: str
    valid_to: str
    provider: str = ""


@dataclass(frozen=True)
class TagValue:
    """An alias: a tag value that means a cost center."""

    tag_key: str
    tag_value: str
    cost_center_id: str
    reference: str
    where: str = field(compare=False, default="")


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
    where: str = field(compare=False, default="")


@dataclass(frozen=True)
class Ratification:
    """That a council decided which rules hold from a period on."""

    rules_digest: str
    valid_from: str
    reference: str
    approved_by: str
    approved_on: str  # a date, such as 2026-04-20


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
    invoices: dict[str, Invoice]  # without those that are left to a later period
    adjustments: tuple[Adjustment, ...]
    pools: tuple[Pool, ...]
    digests: dict[str, str]  # file name -> sha256 of its bytes
    ownership: tuple[OwnershipRule, ...] = ()
    daily: DailyPolicy = field(default_factory=DailyPolicy)
    books: BooksPolicy = field(default_factory=BooksPolicy)
    ratifications: tuple[Ratification, ...] = ()  # all of them, by valid_from
    governed: bool = False  # there is a ratifications.csv
    controls: ControlsPolicy = field(default_factory=ControlsPolicy)
    acceptances: tuple[Acceptance, ...] = ()
    key_names: dict[str, KeyName] = field(default_factory=dict)  # by allocation key
    deferrals: tuple[Deferral, ...] = ()  # invoices of the period that are left to a later one
    delivery: Delivery = field(default_factory=Delivery)
    gl_accounts: tuple[GlAccount, ...] = ()
    budgets: tuple[PlannedYear, ...] = ()  # of the period's calendar year, by cost center
    loss_ratio: tuple[Declaration, ...] = ()  # of all periods
    metrics: tuple[Metric, ...] = ()  # of all periods, as they are entered
    metric_names: dict[str, MetricName] = field(default_factory=dict)
    providers: dict[str, str] = field(
        default_factory=dict
    )  # by account, also of those not in force

    def recipients(self, pool: Pool) -> tuple[str, ...]:
        """The cost centers that take part in a pool, sorted by id."""
        taking_part = expand(self, pool.recipients) - expand(self, pool.except_)
        return tuple(sorted(taking_part))

    def pool_recipients(self, pool: Pool) -> tuple[str, ...]:
        """The later pools that take part in a pool, in the order of the file."""
        return tuple(
            one.pool_id
            for one in self.pools
            if one.pool_id in pool.recipients and one.pool_id not in pool.except_
        )

    @cached_property
    def tag_reader(self) -> TagReader:
        """Reads tag values as they mean something in the period."""
        aliases = {
            (one.tag_key, one.tag_value): (one.cost_center_id, one.where) for one in self.tag_values
        }
        return TagReader(self.cost_centers, aliases, self.policy.tag_value_normalization)

    @property
    def ratification(self) -> Ratification | None:
        """The latest ratification that holds in the period, whatever rules it is about."""
        held = [one for one in self.ratifications if one.valid_from <= self.period]
        return held[-1] if held else None

    @property
    def stand_in(self) -> str:
        """What line items without an invoice stand on."""
        return stand_in_id(self.policy.invoicing, self.period)

    @property
    def deferred_ids(self) -> frozenset[str]:
        """The invoices of the period that are left to a later one."""
        return frozenset(one.invoice_id for one in self.deferrals)

    def accepted(self, control: str) -> dict[str, Acceptance]:
        """What is accepted of a control in the period, by subject."""
        return {one.subject: one for one in self.acceptances if one.control == control}

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


def check_folder(folder: Path) -> None:
    """Refuse a params folder that is not there (exit 2)."""
    if not folder.is_dir():
        raise bad_params(
            "the params folder does not exist", "a folder like params/ of the repository",
            "a file" if folder.exists() else "none",
            [str(folder)], ["name a folder with PARAMS=, or leave PARAMS= out to use params/"],
        )  # fmt: skip


def read_params(folder: Path, period: str, approved: bool = False) -> Params:
    """The params of a folder as they hold in a period.

    Args:
        approved: they are about to be posted, so that the period's adjustments must be approved, and what is
            counted be of a day that has come.

    Raises:
        Refusal: (exit 2) anything in the folder is malformed, contradictory or refers to what is not there.
    """
    check_folder(folder)
    check_period(period)
    with together():
        registers = read_registers(folder)
        check_references(registers)
        check_drivers(registers)
        params, pools_ever = params_in(folder, period, registers)
        if approved:
            check_approved(params.adjustments)
            check_counted(params.metrics)
        check_period_rules(params, registers, pools_ever)
    return params


def params_problems(folder: Path, period: str) -> tuple[Params | None, list[Refusal]]:
    """The params of a folder, or everything that is wrong in them for a close: all that it would refuse.

    A register or rule that cannot be read hides what others say wrong of it, and nothing else.
    """
    with keeping() as problems:
        return read_params(folder, period, approved=True), problems
    return None, problems


def read_registers(folder: Path) -> dict[str, list[Row]]:
    """Each register by its name; where refusals are kept, those that can be read at all."""
    registers = {}
    for name in COLUMNS:
        if name not in OPTIONAL or (folder / name).is_file():
            with apart():
                registers[name] = read_register(folder, name)
    return registers


#: Stands in for a policy that cannot be read, so that everything else is looked at.
UNREAD_POLICY = Policy("", "amortized", (), (), "", "", Decimal(0))


def params_in(
    folder: Path, period: str, registers: dict[str, list[Row]]
) -> tuple[Params, set[str]]:
    """What is in force in a period, not checked against each other yet; and the pools' ids of any period."""

    def rows(name: str) -> list[Row]:
        return registers.get(name, [])

    policy = UNREAD_POLICY
    ownership: tuple[OwnershipRule, ...] = ()
    pools: list[Pool] = []
    held: list[Pool] = []
    key_names: dict[str, KeyName] = {}
    tables: dict[str, Any] = {}
    with apart():
        policy = read_policy(folder, period)
    with apart():
        with together():
            pools = read_pools(folder)
        held = pools_in(pools, period)
    with apart():
        if pools:
            key_names = read_key_names(folder, pools)
    # Where one pool cannot be read, the others are checked all the same.
    held = held or [one for one in pools if holds_in(period, one.valid_from, one.valid_to)]
    with apart():
        ownership = read_ownership(folder, period)
    delivery = Delivery()
    with apart():
        delivery = read_delivery(folder, period)
        check_contacts(
            delivery.handout, [row["business_unit_id"] for row in rows("business_units.csv")]
        )
    budgets = budgets_of(rows("budgets.csv"))
    budgets_of_year: tuple[PlannedYear, ...] = ()
    for year in sorted({one.period[:4] for one in budgets} | {period[:4]}):
        planned = planned_years(budgets, rows("cost_centers.csv"), year)
        if year == period[:4]:
            budgets_of_year = planned
    deferrals = tuple(
        one for one in deferrals_of(rows("deferrals.csv")) if one.billing_period == period
    )
    deferred = {one.invoice_id for one in deferrals}
    loss_ratio: tuple[Declaration, ...] = ()
    with apart():
        loss_ratio = declarations_of(rows("medical_loss_ratio.csv"))
    with apart():
        file = read_toml(folder, POLICY)
        for name, read in TABLES_OF_POLICY.items():
            with apart():
                tables[name] = read(file)
    metrics = metrics_of(rows("metrics.csv"), rows("cost_centers.csv"))
    if "metrics.csv" in registers or not (folder / "metrics.csv").is_file():
        check_named(tables.get("metric_names", ()), metrics)
    params = Params(
        folder=folder,
        period=period,
        policy=policy,
        business_units={
            row["business_unit_id"]: BusinessUnit(**row.cells)
            for row in rows("business_units.csv")
        },
        cost_centers={
            row["cost_center_id"]: CostCenter(**row.cells)
            for row in rows_in(rows("cost_centers.csv"), period)
        },
        accounts={
            row["account_id"]: Account(
                row["account_id"],
                row["name"],
                row["owning_team"],
                row["default_cost_center_id"] or None,
                row["valid_from"],
                row["valid_to"],
                row.cells.get("provider", ""),
            )
            for row in rows_in(rows("accounts.csv"), period)
        },
        tag_values=tuple(
            TagValue(
                row["tag_key"], row["tag_value"], row["cost_center_id"], row["reference"], row.where
            )
            for row in rows_in(rows("tag_values.csv"), period)
        ),
        drivers=tuple(each(rows("drivers.csv"), period, driver_of)),
        invoices={
            invoice_id: one
            for invoice_id, one in invoices_in(rows("invoices.csv"), period).items()
            if invoice_id not in deferred
        },
        adjustments=tuple(each(rows("adjustments.csv"), period, adjustment_of)),
        pools=tuple(held),
        digests=digest_files(folder),
        ownership=ownership,
        ratifications=tuple(sorted(
            (Ratification(**row.cells) for row in rows("ratifications.csv")),
            key=lambda one: one.valid_from,
        )),
        governed=(folder / "ratifications.csv").is_file(),
        acceptances=read_acceptances(rows_in(rows("acceptances.csv"), period)),
        deferrals=deferrals,
        key_names=key_names,
        delivery=delivery,
        gl_accounts=gl_accounts_of(rows_in(rows("gl_accounts.csv"), period)),
        budgets=budgets_of_year,
        loss_ratio=loss_ratio,
        metrics=metrics,
        providers=account_providers(rows("accounts.csv"), period),
        **tables,
    )  # fmt: skip
    return params, {pool.pool_id for pool in pools}


#: The tables of policy.toml that decide no charge, by the fields of params.
TABLES_OF_POLICY: dict[str, Callable[[TomlFile], Any]] = {
    "daily": read_daily_policy, "books": read_books_policy, "controls": read_controls_policy,
    "metric_names": read_metric_names,
}  # fmt: skip


def each(rows: Iterable[Row], period: str, read: Callable[[Row], T]) -> list[T]:
    """What the rows of a period say."""
    found = []
    for row in rows:
        if row["billing_period"] == period:
            with apart():
                found.append(read(row))
    return found


def account_providers(rows: Iterable[Row], period: str) -> dict[str, str]:
    """Whose each account is, blank for AWS: as it holds in a period, else as its last row says."""
    dated = sorted(rows, key=lambda row: row["valid_from"])
    return {
        row["account_id"]: row.cells.get("provider", "")
        for row in [*dated, *rows_in(dated, period)]
    }


def driver_of(row: Row) -> Driver:
    """A row of drivers.csv."""
    return Driver(row["driver"], row["cost_center_id"], row.decimal("quantity", 10), row["source"])


def invoice_of(row: Row) -> Invoice:
    """A row of invoices.csv whose total is known."""
    return Invoice(
        row["invoice_id"], row["issuer"], row["currency"], row.decimal("total", 2), row.where
    )


def invoices_in(rows: Iterable[Row], period: str) -> dict[str, Invoice]:
    """The invoices of a period whose totals are known; a blank total is one that nobody has entered yet."""
    known = each((row for row in rows if row["total"]), period, invoice_of)
    return {one.invoice_id: one for one in known}


def read_invoices(folder: Path, periods: Iterable[str]) -> dict[str, dict[str, Invoice]]:
    """The invoices of several periods, as they are entered now; a closed period's may be new.

    Raises:
        Refusal: (exit 2) the register is malformed.
    """
    rows = read_register(folder, "invoices.csv")
    return {period: invoices_in(rows, period) for period in periods}


def check_references(registers: dict[str, list[Row]]) -> None:
    """Refuse a register row that refers to a business unit or cost center that no register has."""
    ids = {
        kind: {row[f"{kind}_id"] for row in registers[name]}
        for kind, name in REFERRED.items()
        if name in registers
    }
    for one in sorted(set.intersection(*ids.values()) if len(ids) == len(REFERRED) else ()):
        with apart():
            raise bad_params(
                f"{one!r} is a business unit and a cost center",
                "different ids, because rules name either", repr(one),
                [row.where for kind, name in REFERRED.items() for row in registers[name]
                 if row[f"{kind}_id"] == one],
            )  # fmt: skip
    for rows in registers.values():
        for row in rows:
            for column in row.cells:
                with apart():
                    check_reference(row, column, ids)
    for row in registers.get("gl_accounts.csv", []) if len(ids) == len(REFERRED) else ():
        with apart():
            check_recipient(row, ids["business_unit"] | ids["cost_center"])


def check_recipient(row: Row, known: set[str]) -> None:
    """Refuse a row about nobody; blank is refused where the row is read."""
    if row["recipient"] not in ("", ANY, *known):
        raise bad_params(
            f"{row.file} names an unknown recipient", f"{ANY}, or an id of " + " or ".join(REFERRED.values()),
            repr(row["recipient"]), [row.where], suggestion(row["recipient"], known),
        )  # fmt: skip


#: Where the ids are that registers refer to.
REFERRED = {"business_unit": "business_units.csv", "cost_center": "cost_centers.csv"}


def check_reference(row: Row, column: str, ids: dict[str, set[str]]) -> None:
    """Refuse a cell that refers to a business unit or cost center which is not there."""
    kind = "business_unit" if column == "business_unit_id" else "cost_center"
    refers = column == "business_unit_id" or column.endswith("cost_center_id")
    refers = refers and not is_every_other(row, row[column])
    if row.file in EITHER_COLUMN and (column, row[column]) == COMPANY_CELL:
        return
    if refers and row[column] and kind in ids and row[column] not in ids[kind]:
        known = kind.replace("_", " ")
        raise bad_params(
            f"{row.file} names an unknown {known}", f"an id of {REFERRED[kind]}", repr(row[column]),
            [row.where], suggestion(row[column], ids[kind]),
        )  # fmt: skip


def check_period_rules(
    params: Params, registers: dict[str, list[Row]], pools_ever: set[str]
) -> None:
    """Refuse rules that cannot be carried out in the period.

    Args:
        pools_ever: ids of the pools of any period.
    """
    ever = {row["cost_center_id"] for row in registers.get("cost_centers.csv", [])}
    policy, period = params.policy, params.period
    unread = [name for name in REFERRED.values() if name not in registers]

    def need_cost_center(cost_center_id: str, what: str, where: str) -> None:
        if cost_center_id not in params.cost_centers and not unread:
            raise bad_params(
                f"{what} names "
                + (f"a cost center that is not in force in {period}" if cost_center_id in ever
                   else "an unknown cost center"),
                f"a cost center of cost_centers.csv in force in {period}", repr(cost_center_id),
                [where], suggestion(cost_center_id, params.cost_centers),
            )  # fmt: skip

    if policy is not UNREAD_POLICY:
        policy_file = read_toml(params.folder, POLICY)
        for name in ("commitments_cost_center_id", "rounding_cost_center_id"):
            with apart():
                need_cost_center(getattr(policy, name), name, policy_file.where(name))
        with apart():
            params.tag_reader  # noqa: B018  refuses values that are the same once they are normalized
        check_currency(params.invoices.values(), policy)
    check_ids(params, ever)
    with apart():
        check_step_down(params.pools)
    for pool in params.pools if not unread else ():
        with apart():
            check_pool(params, pool, ever, pools_ever)
        with apart():
            check_pool_drivers(params, pool, registers)
        for cost_center_id in pool.shares:
            if cost_center_id not in params.pool_recipients(pool):
                with apart():
                    need_cost_center(cost_center_id, f"the pool {pool.pool_id!r}", pool.where)
    for rule in params.ownership:
        with apart():
            what = f"the ownership rule {rule.rule_id!r}"
            need_cost_center(rule.cost_center_id, what, rule.where)
    for adjustment in params.adjustments:
        for one in (adjustment.from_cost_center_id, adjustment.to_cost_center_id):
            with apart():
                need_cost_center(one, "an adjustment", adjustment.where)


def check_currency(invoices: Iterable[Invoice], policy: Policy) -> None:
    """Refuse an invoice in another currency than the policy's."""
    for invoice in invoices:
        if invoice.currency != policy.currency:
            other = invoice.currency.upper() != policy.currency
            with apart():
                raise bad_params(
                    "an invoice is in a different currency from the policy", policy.currency,
                    invoice.currency, [invoice.where],
                    ["AWS's PDF may show the currency of payment: enter the total in the report's currency,",
                     "the invoice's base currency amount (BaseCurrencyAmount in ListInvoiceSummaries)",
                     "if the report itself is in another currency, close it with params of its own"] if other
                    else suggestion(invoice.currency, [policy.currency]),
                )  # fmt: skip


def check_ids(params: Params, ever: set[str]) -> None:
    """Refuse a pool whose id is a business unit's or a cost center's, because recipients name either."""
    for pool in params.pools:
        if pool.pool_id in ever or pool.pool_id in params.business_units:
            with apart():
                raise bad_params(
                    f"{pool.pool_id!r} is a pool and a business unit or cost center",
                    "different ids, because recipients name either", repr(pool.pool_id), [pool.where],
                )  # fmt: skip


def check_pool(params: Params, pool: Pool, ever: set[str], pools_ever: set[str]) -> None:
    """Refuse a pool that nobody takes part in, or that names nobody known.

    Args:
        ever, pools_ever: cost centers and pools of any period.
    """
    pools = [one.pool_id for one in params.pools]
    for name in (*pool.recipients, *pool.except_):
        known = name == "*" or name in params.business_units or name in ever or name in pools
        if not known:
            raise bad_params(
                f"the pool {pool.pool_id!r} names an unknown recipient",
                f'a business unit, a cost center, a later pool in force in {params.period} or "*"',
                repr(name) + (", a pool that is not in force then" if name in pools_ever else ""),
                [pool.where],
                suggestion(name, (*params.business_units, *ever, *pools)),
            )  # fmt: skip
    recipients = (*params.recipients(pool), *params.pool_recipients(pool))
    if not recipients:
        raise bad_params(
            f"nobody takes part in the pool {pool.pool_id!r} in {params.period}",
            "at least one cost center or later pool",
            f"recipients {list(pool.recipients)} except {list(pool.except_)}", [pool.where],
            ["widen recipients or shorten except"],
        )  # fmt: skip
    outside = sorted(set(pool.shares) - set(recipients))
    if outside and (outside[0] in params.cost_centers or outside[0] in pools):
        raise bad_params(
            f"the pool {pool.pool_id!r} gives a share to a cost center that does not take part",
            ", ".join(recipients), outside[0], [pool.where],
        )  # fmt: skip


def check_pool_drivers(params: Params, pool: Pool, registers: dict[str, list[Row]]) -> None:
    """Refuse a pool whose driver was not measured."""
    measured = {one.driver for one in params.drivers}
    for key in (pool.key, pool.fallback or ""):
        driver = key.removeprefix("driver:")
        if key.startswith("driver:") and driver not in measured and "drivers.csv" in registers:
            raise bad_params(
                f"the driver {driver!r} has no rows for {params.period}",
                f"rows of drivers.csv with {params.period},{driver}",
                "drivers of the period: " + (", ".join(sorted(measured)) or "none"),
                [pool.where, "drivers.csv"],
                [*suggestion(driver, measured),
                 "enter the month's quantities; what was not measured is unknown, not zero"],
            )  # fmt: skip


def check_drivers(registers: dict[str, list[Row]]) -> None:
    """Refuse quantities below zero, and those of cost centers that do not hold in their period."""
    dated = rows_by(registers.get("cost_centers.csv", []), "cost_center_id")
    for row in registers.get("drivers.csv", []):
        with apart():
            if row.decimal("quantity", 10) < 0:
                raise bad_params(
                    "a driver's quantity is negative", "0 or more", row["quantity"], [row.where]
                )
        with apart():
            check_driver_dates(row, dated.get(row["cost_center_id"], []))


def check_driver_dates(row: Row, dated: Sequence[Row]) -> None:
    """Refuse a quantity of a cost center that does not hold in its period.

    Args:
        dated: the cost center's rows; with none, another check names it.
    """
    period = row["billing_period"]
    if dated and not any(holds_in(period, one["valid_from"], one["valid_to"]) for one in dated):
        raise bad_params(
            f"a driver counts a cost center that is not in force in {period}",
            f"cost centers in force in {period}", row["cost_center_id"],
            [row.where, *(one.where for one in dated)],
            ["remove the row, or correct the dates in cost_centers.csv"],
        )  # fmt: skip
