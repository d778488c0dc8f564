"""Metrics: metrics.csv, what a business produced in a month, so that cost can be told for one of it.

    billing_period,metric,business_unit_id,cost_center_id,quantity,source,as_of,final
    2026-05,claims_processed,claims,,2647926,"claims platform, month-end count",2026-06-02,yes
    2026-05,members,*,,1240388,"enrollment system",2026-06-01,no

It decides no charge. The file is optional. A quantity is of one owner: a business unit, a cost center, or
`*`, the whole company; one of the two columns may be left out. A later count replaces an earlier one and is
never added to it: of the rows of a period, metric and owner the one with the latest `as_of` counts, the
others stay as history. `final` is yes, or no for what may still change.

What a metric is called where people read stands in the [[metric]] tables of policy.toml, all optional:

    [[metric]]
    metric = "claims_processed"
    name = "Claims processed"
    one = "claim"
    many = "claims"
    per = "1"                # or "1000": what the unit cost is of
    approved = "CHG0031044"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.period import holds_in
from chargeback.core.text import suggestion
from chargeback.params.registers import SAFE_ID, Row, check_date, read_register
from chargeback.params.toml_files import TomlFile, check_names, text_value

FILE = "metrics.csv"
TABLE = "metric"

#: The owner of a quantity of all business units together.
COMPANY = "*"

#: One of a metric whose pieces have no name.
PIECE = "piece"

#: Decimals of a quantity.
QUANTITY_PLACES = 4

KNOWN = ("metric", "name", "one", "many", "per", "approved")
PER = ("1", "1000")
FINAL = {"yes": True, "no": False}


@dataclass(frozen=True)
class Metric:
    """A count of what an owner produced in a month.

    Args:
        business_unit_id: the owner, or the unit of the cost center in the month; COMPANY for the company.
        cost_center_id: blank where the owner is a unit or the company.
        quantity: zero or more, with at most QUANTITY_PLACES decimals.
        as_of: the day on which it was counted, "2026-06-02".
    """

    billing_period: str
    metric: str
    business_unit_id: str
    cost_center_id: str
    quantity: Decimal
    source: str
    as_of: str
    is_final: bool
    where: str = field(compare=False, default="")

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a later count replaces: period, metric and owner."""
        owner = "" if self.cost_center_id else self.business_unit_id
        return self.billing_period, self.metric, owner, self.cost_center_id


@dataclass(frozen=True)
class MetricName:
    """What a metric is called.

    Args:
        one, many: a piece of it, and several: "claim", "claims".
        per: so many pieces the unit cost is of.
        approved: who decided it; blank where nothing says so.
    """

    name: str
    one: str
    many: str
    per: int = 1
    approved: str = ""


def named(metric: str, names: dict[str, MetricName]) -> MetricName:
    """What a metric is called; what is not named is called after its id, and counted by the piece.

    >>> found = named("prescriptions_filled", {})
    >>> found.name, found.one, found.many
    ('Prescriptions filled', 'piece', 'prescriptions filled')
    """
    words = metric.replace("_", " ").strip()
    return names.get(metric) or MetricName(words[:1].upper() + words[1:], PIECE, words)


def metrics_of(rows: Iterable[Row], cost_centers: Iterable[Row]) -> tuple[Metric, ...]:
    """All rows of metrics.csv, whatever their period, in the order of the file.

    Args:
        cost_centers: the rows of cost_centers.csv, of all periods.

    Raises:
        Refusal: (exit 2) a row is malformed, has no owner or two, or is as old as another one of the same.
    """
    centers: dict[str, list[Row]] = {}
    for row in cost_centers:
        centers.setdefault(row["cost_center_id"], []).append(row)
    found = []
    for row in rows:
        with apart():
            found.append(metric_of(row, centers))
    check_counts(found)
    return tuple(found)


def metric_of(row: Row, centers: dict[str, list[Row]]) -> Metric:
    """A row of metrics.csv."""
    unit, center = row.cells.get("business_unit_id", ""), row.cells.get("cost_center_id", "")
    if bool(unit) == bool(center):
        raise bad_params(
            "a metric has no owner" if not unit else "a metric has two owners",
            f"a business_unit_id or a cost_center_id; {COMPANY} as business_unit_id for the whole company",
            f"{unit} and {center}" if unit else "neither", [row.where],
        )  # fmt: skip
    if not SAFE_ID.fullmatch(row["metric"]):
        raise bad_params(
            "metric is not a valid id", "1 to 64 letters, digits, points, underscores and hyphens",
            repr(row["metric"]), [row.at("metric")],
        )  # fmt: skip
    quantity = row.decimal("quantity", QUANTITY_PLACES)
    if quantity < 0:
        raise bad_params(
            "a metric's quantity is negative", "0 or more", row["quantity"], [row.at("quantity")],
            ["a later count replaces the one before: enter the whole quantity, not what it changes by"],
        )  # fmt: skip
    check_date(row, "as_of")
    if row["final"] not in FINAL:
        raise bad_params(
            "final is neither yes nor no", "yes, or no for a quantity that may still change",
            repr(row["final"]), [row.at("final")], suggestion(row["final"].lower(), tuple(FINAL)),
        )  # fmt: skip
    return Metric(
        row["billing_period"], row["metric"], unit or unit_of(row, center, centers), center, quantity,
        row["source"], row["as_of"], FINAL[row["final"]], row.where,
    )  # fmt: skip


def unit_of(row: Row, center: str, centers: dict[str, list[Row]]) -> str:
    """The business unit that has a cost center in the row's period."""
    dated, period = centers.get(center, []), row["billing_period"]
    for one in dated:
        if holds_in(period, one["valid_from"], one["valid_to"]):
            return one["business_unit_id"]
    if dated:
        raise bad_params(
            f"a metric is of a cost center that is not in force in {period}",
            f"cost centers in force in {period}", center, [row.where, *(one.where for one in dated)],
            ["remove the row, or correct the dates in cost_centers.csv"],
        )  # fmt: skip
    return ""  # the register does not know it, which is refused where registers are held together


def check_counts(metrics: Iterable[Metric]) -> None:
    """Refuse two counts of the same as of one day: nobody could say which one replaces the other."""
    seen: dict[tuple[tuple[str, ...], str], Metric] = {}
    for one in metrics:
        other = seen.setdefault((one.key, one.as_of), one)
        if other is not one:
            with apart():
                raise bad_params(
                    "two quantities of a metric are as of the same day",
                    "a later as_of for the one that replaces the other", one.as_of,
                    [other.where, one.where], ["correct as_of, or remove the row that is wrong"],
                )  # fmt: skip


def check_counted(metrics: Iterable[Metric]) -> None:
    """Refuse what a close is not to begin with; what was closed with it is read all the same.

    Raises:
        Refusal: (exit 2) a count is as of a day that has not come in UTC, or a metric is written in two ways.
    """
    today = datetime.now(UTC).date().isoformat()
    written: dict[str, Metric] = {}
    with together():
        for one in metrics:
            other = written.setdefault(one.metric.casefold(), one)
            with apart():
                if one.as_of > today:
                    raise bad_params(
                        "a metric is counted as of a day that has not come", f"{today} (UTC) or earlier",
                        one.as_of, [one.where],
                        ["correct as_of: until that day, no later count would replace this one"],
                    )  # fmt: skip
            with apart():
                if other.metric != one.metric:
                    raise bad_params(
                        "a metric is written in two ways", "one way in all rows",
                        f"{other.metric} and {one.metric}", [other.where, one.where],
                        ["they would be two metrics, each without the other's months"],
                    )  # fmt: skip


def latest(metrics: Iterable[Metric]) -> dict[tuple[str, str, str, str], Metric]:
    """The count of each period, metric and owner that holds: the one with the latest `as_of`.

    Of two as of the same day the first one counts, so that what was closed stays where somebody edits it.
    """
    found: dict[tuple[str, str, str, str], Metric] = {}
    for one in metrics:
        known = found.get(one.key)
        if known is None or one.as_of > known.as_of:
            found[one.key] = one
    return found


def read_metric_names(file: TomlFile) -> dict[str, MetricName]:
    """The [[metric]] tables of policy.toml.

    Raises:
        Refusal: (exit 2) a table is malformed, or names a metric twice.
    """
    found: dict[str, MetricName] = {}
    with together():
        for number, raw in enumerate(file.entries(TABLE), start=1):
            with apart():
                where = file.entry_where(TABLE, number, str(raw.get("metric", "no metric")))
                metric, name = read_metric_name(where, raw)
                if metric in found:
                    raise bad_params(
                        "a metric is named twice", "one [[metric]] for each", metric, [where]
                    )
                found[metric] = name
    return found


def read_metric_name(where: str, raw: dict[str, Any]) -> tuple[str, MetricName]:
    """One [[metric]] table."""
    with together():
        check_names(where, raw, KNOWN)
    metric = text_value(where, raw, "metric")
    per = str(raw.get("per", PER[0]))
    if per not in PER:
        raise bad_params(
            "per is neither 1 nor 1000", " or ".join(f'"{one}"' for one in PER), repr(per), [where]
        )
    usual = named(metric, {})
    name = MetricName(
        text_value(where, raw, "name", usual.name),
        text_value(where, raw, "one", usual.one),
        text_value(where, raw, "many", usual.many),
        int(per),
        text_value(where, raw, "approved", ""),
    )
    return metric, name


def check_named(names: Iterable[str], metrics: Iterable[Metric]) -> None:
    """Refuse a name of a metric that metrics.csv does not have, so that a misspelt one is not passed over."""
    counted = {one.metric for one in metrics}
    for name in names:
        if name not in counted:
            with apart():
                raise bad_params(
                    "a metric is named that metrics.csv does not have",
                    "one of " + (", ".join(sorted(counted)) or "none, because it has no rows"), name,
                    [f"policy.toml, [[{TABLE}]]"], suggestion(name, tuple(sorted(counted))),
                )  # fmt: skip


def owned_counts(counts: Iterable[Metric], owner: str) -> list[Metric]:
    """The counts that are a unit's quantity of a metric in a period, or the company's.

    The owner's own count, where there is one; else those of its parts, a part's own before those of its cost
    centers, so that nothing is counted twice.

    Args:
        counts: that hold, of one metric and period.
        owner: a business unit's id, or COMPANY.
    """
    known = list(counts)
    whole = [one for one in known if not one.cost_center_id and one.business_unit_id == owner]
    if whole:
        return whole
    if owner != COMPANY:
        return [one for one in known if one.business_unit_id == owner]
    units = {one.business_unit_id for one in known if not one.cost_center_id}
    return [one for one in known if not one.cost_center_id or one.business_unit_id not in units]


def entered_metrics(folder: Path) -> tuple[Metric, ...]:
    """All rows of the metrics.csv of a params folder; none without the file.

    Raises:
        Refusal: (exit 2) the file, or cost_centers.csv, is malformed.
    """
    if not (folder / FILE).is_file():
        return ()
    return metrics_of(read_register(folder, FILE), read_register(folder, "cost_centers.csv"))
