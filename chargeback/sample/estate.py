"""Estate: all line items of one period, made block by block so that memory does not grow with their
number.

1. The bills of the plan say what the line items of each invoice sum to, in 1e-10 dollars.
2. Fees and commitments come first: their amounts are fixed.
3. What is left of the usage invoice is apportioned to workloads by their money weights, and of each
   workload to its rows by profile, size of resource and noise. Nothing is ever added up in floating
   point.
4. Line items are apportioned to workloads by row weights: instances by their hours. More line items
   are more resources and more hours of the same series at the same total money.

Drawback: at a few hundred thousand line items a row of an instance bills more than one hour of
usage, because an estate of this size has millions of line items; at ten million, rows are of true
size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from chargeback.core.errors import bad_params
from chargeback.sample import fees, plan
from chargeback.sample.commitments import (
    RESERVATIONS,
    SAVINGS_PLANS,
    Coverage,
    Reservation,
    SavingsPlan,
)
from chargeback.sample.months import OPEN_PERIOD, PERIODS, Month
from chargeback.sample.organization import BY_NAME, PAYER_NAME
from chargeback.sample.profiles import NAMES, row_weights, slot_weights
from chargeback.sample.rows import Rows, Things, dollars, resource_id
from chargeback.sample.series import Series, bill_texts, fee_series, usage_series
from chargeback.sample.spread import (
    UNITS_PER_DOLLAR,
    Ints,
    apportion_units,
    scattered,
    spread_rows,
)
from chargeback.sample.workloads import KUBERNETES_NODE, Workload, workloads_of

#: Rows of ordinary usage that are made at once.
BLOCK_ROWS = 400_000

#: One more resource under every committed or split series for so many line items.
LINE_ITEMS_PER_DENSE_RESOURCE = 125_000

#: In an open month, hours of Savings Plan fees that are there although they have not passed (CUR
#: fact 6.11).
HOURS_AHEAD = 24

#: Pods of each node: name, namespace, cost center, permille of the node's cost used and left
#: unused.
PODS = (
    ("api", "member-api", 290, 60),
    ("worker", "jobs", 330, 120),
    ("search", "member-api", 140, 60),
)
#: The platform team's cluster is shared: pods of other teams run in it, each in a namespace of its own.
SHARED_CLUSTER = "platform-tooling"
SHARED_PODS = (
    ("document-ocr", "claims-intake", 290, 60),
    ("page-render", "member-portal", 330, 120),
    ("rate-engine", "drug-pricing", 140, 60),
)
SPLIT_KINDS = (("EKS-EC2-vCPU-Hours", 700), ("EKS-EC2-GB-Hours", 300))


@dataclass(frozen=True)
class Spread:
    """Ordinary usage to be spread: number of its series, its amount and its line items."""

    number: int
    units: int
    rows: int


@dataclass(frozen=True)
class SplitView:
    """A series of split cost: its number, and its used and unused millionths of the node."""

    number: int
    used: int
    unused: int


#: Makes the rows of series that are registered already.
Maker = Callable[[], Iterator[Rows]]


class Estate:
    """One period: its series, and the rows of each."""

    def __init__(self, month: Month, line_items: int, seed: int) -> None:
        self.month = month
        self.seed = seed
        self.salt = f"{seed}/{month.period}"
        self.throw = seed * 100 + PERIODS.index(month.period)  # so that no two months are alike
        self.dense_resources = max(1, line_items // LINE_ITEMS_PER_DENSE_RESOURCE)
        self.bills = plan.bills_of(month.period)
        self.usage_bill = self.bills[plan.USAGE]
        self.series: list[Series] = []
        self.workloads = workloads_of(month, self.usage_bill)
        self.plan_uses = [self.plan_use(one) for one in SAVINGS_PLANS]
        self.reservation_uses = [self.reservation_use(one) for one in RESERVATIONS]
        self.fees = self.all_fees()
        self.split_nodes = self.find_split_nodes()
        self.spreads = self.spread_money(line_items)

    # -- what is fixed --

    def add(self, series: Series) -> int:
        """Register a series and return its number."""
        self.series.append(series)
        return len(self.series) - 1

    def holds(self, first_period: str) -> bool:
        """Whether a commitment that began in a period covers usage of this month."""
        return first_period <= self.month.period

    def plan_use(self, one: SavingsPlan) -> Ints:
        """Units of a Savings Plan's commitment that each elapsed slot used; 0 before its start."""
        slots = np.arange(self.month.elapsed_slots, dtype=np.int64)
        low, high = one.used_permille
        used = low + scattered(slots, self.throw + sum(map(ord, one.arn)), high - low + 1)
        hourly = one.hourly_units if self.holds(one.first_period) else 0
        return hourly * self.month.hours_per_slot // 1000 * used

    def reservation_use(self, one: Reservation) -> Ints:
        """Thousandths of instance-hours of a reservation that each elapsed slot used."""
        slots = np.arange(self.month.elapsed_slots, dtype=np.int64)
        low, high = one.used_permille
        used = low + scattered(slots, self.throw + sum(map(ord, one.name)), high - low + 1)
        return (one.count if self.holds(one.purchased) else 0) * self.month.hours_per_slot * used

    def all_fees(self) -> list[fees.Fee]:
        """Every row that comes once."""
        month, bill, extras = self.month, self.usage_bill, plan.EXTRAS[self.month.period]
        found = [
            *fees.support_fees(month, bill, extras),
            *fees.tax_rows(month, bill, extras, self.workloads),
            *fees.discount_rows(month, bill, extras, self.workloads),
            *fees.credit_rows(month, bill, extras),
            *(
                fees.reservation_fee(month, bill, one, int(used.sum()))
                for one, used in zip(RESERVATIONS, self.reservation_uses, strict=True)
                if self.holds(one.purchased)
            ),
        ]
        if plan.PURCHASE in self.bills:
            found += fees.purchase_rows(month, self.bills[plan.PURCHASE])
        if plan.REFUND in self.bills:
            found += fees.refund_rows(month, self.bills[plan.REFUND])
        return found + fees.marketplace_fees(
            month, self.bills[plan.MARKETPLACE], self.subscription_units
        )

    @property
    def subscription_units(self) -> int:
        """What Marketplace bills by the month, without the annual contract."""
        contract = self.month.period == plan.ANNUAL_CONTRACT_PERIOD
        annual = plan.ANNUAL_CONTRACT_CENTS * plan.UNITS_PER_CENT if contract else 0
        return self.bills[plan.MARKETPLACE].line_item_units - annual

    @property
    def fee_slots(self) -> int:
        """Slots that have a row of each recurring Savings Plan fee."""
        ahead = HOURS_AHEAD // self.month.hours_per_slot if self.month.period == OPEN_PERIOD else 0
        return self.month.elapsed_slots + ahead

    def find_split_nodes(self) -> list[int]:
        """Positions of the workloads whose instances run pods, one an account."""
        found: dict[str, int] = {}
        for position, one in enumerate(self.workloads):
            if one.kind is KUBERNETES_NODE:
                found.setdefault(one.account.name, position)
        return list(found.values())

    # -- what is left, by money and by rows --

    def spread_money(self, line_items: int) -> list[Spread]:
        """Give every workload and metered subscription its amount and its line items.

        Raises:
            Refusal: (exit 2) there are fewer line items than series.
        """
        month = self.month
        recurring = sum(
            one.hourly_units * month.hours_per_slot * self.fee_slots
            for one in SAVINGS_PLANS
            if one.recurring
        )
        on_usage_bill = sum(
            one.units
            for one in self.fees
            if one.series.texts["bill_invoice_id"] == self.usage_bill.invoice_id
            and one.series.texts["bill_billing_entity"] == self.usage_bill.billing_entity
        )
        left = self.usage_bill.line_item_units - recurring - on_usage_bill
        money = apportion_units(left, [one.money for one in self.workloads])
        numbers = [self.add(one.series) for one in self.workloads]
        row_weight = [one.rows for one in self.workloads]

        marketplace = self.bills[plan.MARKETPLACE]
        shares = apportion_units(
            self.subscription_units, [one.weight for one in fees.SUBSCRIPTIONS]
        )
        for one, units in zip(fees.SUBSCRIPTIONS, shares, strict=True):
            if one.metered:
                series = fees.marketplace_series(month, marketplace, one, "Usage", one.name)
                numbers.append(self.add(series))
                money.append(units)
                row_weight.append(600)

        spare = line_items - self.fixed_rows() - len(numbers)
        if spare < 0:
            raise bad_params(
                "the sample estate needs more line items",
                f"at least {line_items - spare}", str(line_items), todo=["raise --line-items"],
            )  # fmt: skip
        dense = self.dense_resources * month.elapsed_slots
        for position in self.split_nodes:
            row_weight[position] = 0
        rows = [1 + more for more in apportion_units(spare, row_weight)]
        for position in self.split_nodes:
            rows[position] = dense
        return [Spread(*one) for one in zip(numbers, money, rows, strict=True)]

    def fixed_rows(self) -> int:
        """Rows of fees, commitments and split nodes with their pods.

        One row of each node is left out: every workload is given one row to begin with.
        """
        slots, dense = self.month.elapsed_slots, self.dense_resources * self.month.elapsed_slots
        covering = [one for one in SAVINGS_PLANS if self.holds(one.first_period)]
        coverages = sum(len(one.covers) for one in covering)
        reserving = [one for one in RESERVATIONS if self.holds(one.purchased)]
        pods = len(PODS) * len(SPLIT_KINDS)
        return (
            len(self.fees)
            + len(covering) * self.fee_slots
            + coverages * (dense + slots)
            + len(reserving) * dense
            + len(self.split_nodes) * (dense * (1 + pods) - 1)
        )

    # -- rows --

    def blocks(self) -> Iterator[Rows]:
        """All rows of the period, a bounded number at a time, in a fixed order.

        Every series is registered before the first block, so that `series` is complete from then
        on.
        """
        makers: list[Maker] = [self.fee_maker()]
        for plan_of, used in zip(SAVINGS_PLANS, self.plan_uses, strict=True):
            if self.holds(plan_of.first_period):
                makers += [self.plan_fee_maker(plan_of, used), *self.cover_makers(plan_of, used)]
        for reservation, used in zip(RESERVATIONS, self.reservation_uses, strict=True):
            if self.holds(reservation.purchased):
                makers.append(self.reserved_maker(reservation, used))
        for position in self.split_nodes:
            makers.append(self.node_maker(self.workloads[position], self.spreads[position]))
        for make in makers:
            yield from make()
        split = set(self.split_nodes)
        waiting: list[Spread] = []
        for position, one in enumerate(self.spreads):
            if position in split:
                continue
            if waiting and sum(two.rows for two in waiting) + one.rows > BLOCK_ROWS:
                yield self.usage_rows(waiting)
                waiting = []
            waiting.append(one)
        yield self.usage_rows(waiting)

    def fee_maker(self) -> Maker:
        """One row a fee."""
        numbers = [self.add(one.series) for one in self.fees]
        return lambda: iter([self.fee_rows(numbers)])

    def fee_rows(self, numbers: list[int]) -> Rows:
        """The rows of the fees, whose series have these numbers."""
        names = Things()
        for number in numbers:
            names.add(number, self.series[number], 0, self.salt)
        units = np.array([one.units for one in self.fees], dtype=np.int64)
        columns = amounts(units, np.array([one.usage for one in self.fees]))
        for column in sorted({name for one in self.fees for name in one.numbers}):
            columns[column] = np.array([one.numbers.get(column, np.nan) for one in self.fees])
        return Rows(
            np.array(numbers), np.arange(len(numbers)),
            np.array([one.interval for one in self.fees]), columns, names,
        )  # fmt: skip

    def plan_fee_maker(self, one: SavingsPlan, used: Ints) -> Maker:
        """The recurring fee of a Savings Plan, one row a slot; nothing is used in slots ahead."""
        count = self.fee_slots
        commitment = one.hourly_units * self.month.hours_per_slot
        recurring = commitment if one.recurring else 0
        series = fee_series(
            self.month, self.usage_bill, BY_NAME[PAYER_NAME], "SavingsPlanRecurringFee",
            one.product_code, f"{one.term} {one.payment_option} {one.offering}",
            f"ComputeSP:{one.term}{one.payment_option.replace(' ', '')}",
            texts=fees.savings_plan_texts(one),
        )  # fmt: skip
        columns = amounts(np.full(count, recurring), np.ones(count))
        used_units = np.concatenate((used, np.zeros(count - len(used), dtype=np.int64)))
        whole = np.full(count, commitment / UNITS_PER_DOLLAR)
        none = np.zeros(count)
        columns |= {
            "savings_plan_total_commitment_to_date": whole,
            "savings_plan_used_commitment": dollars(used_units),
            "savings_plan_recurring_commitment_for_billing_period": whole
            if one.recurring
            else none,
            "savings_plan_amortized_upfront_commitment_for_billing_period": none
            if one.recurring
            else whole,
        }
        number = self.add(series)
        return lambda: iter([self.series_rows(number, 1, np.arange(count), columns)])

    def cover_makers(self, one: SavingsPlan, used: Ints) -> list[Maker]:
        """What a Savings Plan covers, and the negation of its on-demand cost (CUR fact 2.5)."""
        permilles = np.array([cover.permille for cover in one.covers], dtype=np.int64)
        by_cover = used[:, None] // 1000 * permilles
        by_cover[:, -1] += used - by_cover.sum(axis=1)
        return [
            self.cover_maker(one, cover, by_cover[:, position])
            for position, cover in enumerate(one.covers)
        ]

    def cover_maker(self, one: SavingsPlan, cover: Coverage, used: Ints) -> Maker:
        """Covered usage in one account, and its negation: a row a slot over all its resources."""
        account = BY_NAME[cover.account]
        rate = float(Decimal(cover.kind.rate) * one.effective_permille / 1000)
        covered = usage_series(
            self.month, self.usage_bill, account, cover.kind, cover.cost_center,
            "SavingsPlanCoveredUsage", fees.savings_plan_texts(one),
            {"savings_plan_savings_plan_rate": rate},
        )  # fmt: skip
        negation = fee_series(
            self.month, self.usage_bill, account, "SavingsPlanNegation", cover.kind.product_code,
            f"SavingsPlanNegation used by AccountId : {account.account_id} and UsageSku : "
            f"{covered.texts['product_sku']}",
            cover.kind.usage_type, cover.kind.operation,
            texts={**fees.savings_plan_texts(one), "line_item_availability_zone": "us-east-1a"},
        )  # fmt: skip
        covered_number, negation_number = self.add(covered), self.add(negation)

        def make() -> Iterator[Rows]:
            effective = dealt(used, self.dense_resources)
            on_demand = effective * 1000 // one.effective_permille
            units = on_demand.reshape(-1)
            columns = amounts(units, np.round(units / covered.rate_units, 10))
            columns["savings_plan_savings_plan_effective_cost"] = dollars(effective.reshape(-1))
            yield self.series_rows(covered_number, len(effective), self.dense_slots(), columns)
            slots = self.month.elapsed_slots
            negated = amounts(-on_demand.sum(axis=0), -np.ones(slots))
            yield self.series_rows(negation_number, 1, np.arange(slots), negated)

        return make

    def reserved_maker(self, one: Reservation, used: Ints) -> Maker:
        """DiscountedUsage: unblended is nothing, effective is what the reservation costs."""
        series = usage_series(
            self.month, self.usage_bill, BY_NAME[one.user], one.kind, one.cost_center,
            "DiscountedUsage", fees.reservation_texts(self.month, one),
        )  # fmt: skip
        number = self.add(series)
        return lambda: iter([self.reserved_rows(one, number, used)])

    def reserved_rows(self, one: Reservation, number: int, used: Ints) -> Rows:
        """The rows of a reservation's discounted usage, whose series has this number."""
        hours = dealt(used, self.dense_resources).reshape(-1)  # thousandths of instance-hours
        recurring = hours * (one.recurring_units // 1000)
        upfront = hours * (one.upfront_units // 1000)
        on_demand = hours * (self.series[number].rate_units // 1000)
        columns = amounts(np.zeros(len(hours), dtype=np.int64), hours / 1000)
        columns |= {
            "pricing_public_on_demand_cost": dollars(on_demand),
            "reservation_amortized_upfront_cost_for_usage": dollars(upfront),
            "reservation_effective_cost": dollars(recurring + upfront),
            "reservation_recurring_fee_for_usage": dollars(recurring),
        }
        return self.series_rows(number, self.dense_resources, self.dense_slots(), columns)

    def node_maker(self, workload: Workload, spread: Spread) -> Maker:
        """Instances that run pods, and the pods' split cost: a second view of what the instance
        bills.

        Split rows have no unblended cost of their own. A node's split and unused costs over its
        pods are the node's cost of the hour, to the last unit (CUR fact 2.14).
        """
        pods = SHARED_PODS if workload.account.name == SHARED_CLUSTER else PODS
        views = [
            SplitView(
                self.add(self.split_series(workload, pod, namespace, kind)),
                used * permille, unused * permille,
            )
            for pod, namespace, used, unused in pods
            for kind, permille in SPLIT_KINDS
        ]  # fmt: skip
        return lambda: self.node_rows(spread, views)

    def node_rows(self, spread: Spread, views: list[SplitView]) -> Iterator[Rows]:
        """Rows of the nodes, then of each view of their pods."""
        resources, slots = self.dense_resources, self.month.elapsed_slots
        even = np.ones(resources * slots, dtype=np.int64)
        units = spread_rows(np.array([spread.units]), even, np.array([len(even)]))
        node = self.series[spread.number]
        usage = np.round(units / node.rate_units, 10)
        yield self.series_rows(spread.number, resources, self.dense_slots(), amounts(units, usage))
        parents = [resource_id(node, number) for number in range(resources)]
        unsplit = units.copy()
        for view in views:
            split_cost = units * view.used // 1_000_000
            unused_cost = units * view.unused // 1_000_000
            unsplit -= split_cost + unused_cost
            if view is views[-1]:
                unused_cost += unsplit
            share = usage * view.used / 1_000_000
            columns = amounts(np.zeros(len(units), dtype=np.int64), share)
            columns |= {
                "split_line_item_actual_usage": np.round(share * 0.8, 10),
                "split_line_item_reserved_usage": np.round(share, 10),
                "split_line_item_split_usage": np.round(share, 10),
                "split_line_item_split_usage_ratio": np.full(len(units), view.used / 1_000_000),
                "split_line_item_split_cost": dollars(split_cost),
                "split_line_item_unused_cost": dollars(unused_cost),
                "split_line_item_public_on_demand_split_cost": dollars(split_cost),
                "split_line_item_public_on_demand_unused_cost": dollars(unused_cost),
            }
            yield self.series_rows(view.number, resources, self.dense_slots(), columns, parents)

    def split_series(self, workload: Workload, pod: str, namespace: str, usage_type: str) -> Series:
        """A series of split cost of one pod's processors or memory."""
        account = workload.account
        return Series(
            texts={
                **bill_texts(self.month, self.usage_bill, account, "Usage"),
                "line_item_line_item_description": f"Split cost of the pod {pod}",
                "line_item_operation": "EKSPod-EC2",
                "line_item_product_code": "AmazonEKS",
                "line_item_usage_type": "USE1-" + usage_type,
                "pricing_unit": usage_type.removeprefix("EKS-EC2-"),
                "product_product_family": "Compute",
                "product_region_code": account.region,
                "product_servicecode": "AmazonEKS",
            },
            product={"product_name": "Amazon Elastic Container Service for Kubernetes"},
            resource_tags={  # AWS's own: a pod does not inherit the tags of its instance
                "aws_eks_cluster_name": account.application,
                "aws_eks_namespace": namespace,
                "aws_eks_workload_name": pod,
            },
            resource=f"arn:aws:eks:{account.region}:{account.account_id}:pod/{account.application}/"
            f"{namespace}/{pod}/{{hex16}}",
        )

    def usage_rows(self, spreads: list[Spread]) -> Rows:
        """Ordinary usage of several series: rows of a series take its resources hour by hour."""
        month, slots = self.month, self.month.elapsed_slots
        counts = np.array([one.rows for one in spreads], dtype=np.int64)
        resources = -(-counts // slots)
        starts = np.cumsum(counts) - counts
        owner = np.repeat(np.arange(len(spreads)), counts)
        position = np.arange(int(counts.sum()), dtype=np.int64) - starts[owner]
        cell = position * (resources * slots)[owner] // counts[owner]
        resource, slot = cell // slots, cell % slots
        numbers = np.array([one.number for one in spreads], dtype=np.int64)
        profile = np.array([NAMES.index(self.series[number].profile) for number in numbers])
        weights = row_weights(
            slot_weights(month), profile[owner], slot, resource, (numbers + self.seed * 97)[owner]
        )
        units = spread_rows(np.array([one.units for one in spreads]), weights, counts)
        rates = np.array([self.series[number].rate_units or UNITS_PER_DOLLAR for number in numbers])
        first = np.cumsum(resources) - resources
        names = Things()
        for number, count in zip(numbers, resources, strict=True):
            for index in range(count):
                names.add(int(number), self.series[number], index, self.salt)
        usage = np.round(units / rates[owner], 10)
        return Rows(numbers[owner], first[owner] + resource, slot, amounts(units, usage), names)

    def dense_slots(self) -> Ints:
        """The slots of rows that have every resource in every slot, resource by resource."""
        return np.tile(np.arange(self.month.elapsed_slots), self.dense_resources)

    def series_rows(
        self,
        number: int,
        resources: int,
        slots: Ints,
        columns: dict[str, NDArray[np.float64]],
        parents: list[str] | None = None,
    ) -> Rows:
        """Rows of one series, as many a resource as there are slots for it."""
        names = Things()
        for index in range(resources):
            parent = parents[index] if parents else None
            names.add(number, self.series[number], index, self.salt, parent)
        each = len(slots) // resources
        return Rows(
            np.full(len(slots), number), np.repeat(np.arange(resources), each), slots, columns,
            names,
        )  # fmt: skip


def amounts(units: Ints, usage: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The columns of cost and usage that every row has."""
    cost = dollars(units)
    return {
        "line_item_blended_cost": cost,
        "line_item_unblended_cost": cost,
        "line_item_usage_amount": usage,
        "pricing_public_on_demand_cost": cost,
    }


def dealt(totals: Ints, resources: int) -> Ints:
    """Whole totals of each slot dealt to resources, evenly but for the first one.

    Args:
        totals: one for each slot.

    Returns:
        One row a resource, one column a slot; every column sums to its total.
    """
    shares = np.repeat((totals // resources)[None, :], resources, axis=0)
    shares[0] += totals - shares.sum(axis=0)
    return shares
