"""The scans of a close and of a draft, as the product sends them to Athena, answered by Trino.

They must give what a close of the same folder has from DuckDB: each group with its sums, exactly; and of the
control totals, each file's line items and all costs in integers, exactly as Arrow counts them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chargeback.books.source_record import SourceRecord
from chargeback.core.money import exact_amount
from chargeback.core.paths import PARAMS
from chargeback.params import Params, read_params
from chargeback.sample import LAST_FINAL_PERIOD, OPEN_PERIOD, write_estate
from chargeback.sources.athena.catalog import ATHENA
from chargeback.sources.lake.statement import Statement, scan_statement
from chargeback.sources.lake.table import ReportTable
from chargeback.sources.readers import FolderReader
from chargeback.sources.report import line_item_parameters
from tests.made_once import made_once
from tests.params_folder import ALWAYS, write_params
from tests.reports import PERIOD, line_item, write_report
from tests.trino.judged import differences
from tests.trino.server import LOCAL, Answer, Server

pytestmark = pytest.mark.trino

LINE_ITEMS = 20_000
ROLLUPS = ("rollup_costs", "rollup_days")
TYPES_OF_ATHENA = {
    "varchar": "string",
    "map(varchar, varchar)": "map<string,string>",
    "timestamp(3)": "timestamp",
}
SEEDS = range(6)


class Judge:
    """A report's folder as a table of Trino, and as DuckDB reads it."""

    def __init__(self, server: Server, report: Path, period: str, params: Params) -> None:
        self.server, self.period, self.params = server, period, params
        self.reader = FolderReader(report)
        self.record: SourceRecord = self.reader.freeze(period)
        name = server.lake(report)
        described = server.query(f"describe {name}")
        columns = {one[0]: TYPES_OF_ATHENA.get(one[1], one[1]) for one in described}
        self.table = ReportTable(ATHENA, name, f"{report}/", columns)
        self.addresses = {one.path: f"{LOCAL}{report}/{one.path}" for one in self.record.files}

    def sent(self, stage: str, name: str) -> Statement:
        """A statement as the product would send it."""
        files = [self.addresses[one.path] for one in self.record.files if one.line_items]
        return scan_statement(stage, name, self.table, files, line_item_parameters(self.params))

    def answer(self, statement: Statement) -> Answer:
        """Trino's answer, by the same execution parameters."""
        return self.server.answer(statement.sql, statement.parameters)

    def differences(self, name: str, without: Sequence[str] = ()) -> list[str]:
        """What differs between Trino and DuckDB in a rollup, some columns left out."""
        statement = self.sent("rollup", name)
        ours = self.reader.query(self.record, "rollup", name, self.params)
        assert ours.num_rows
        return differences(statement.sql, ours, self.answer(statement), without)

    def check_control_totals(self) -> None:
        """Each file whole, and the total that was frozen."""
        answer = self.answer(self.sent("sources", "control_totals"))
        assert answer.columns == ("path", "line_items", "whole_cost", "cost_units")
        assert answer.types[1:] == ("bigint",) * 3
        assert {row[0]: row[1] for row in answer.rows} == {
            self.addresses[one.path]: one.line_items for one in self.record.files if one.line_items
        }
        units = sum(row[2] for row in answer.rows) * 10**10 + sum(row[3] for row in answer.rows)
        assert str(exact_amount(units)) == self.record.unblended_cost


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months of the built-in sample with few line items."""

    def make(folder: Path) -> None:
        write_estate(folder, [LAST_FINAL_PERIOD, OPEN_PERIOD], LINE_ITEMS)

    return made_once(tmp_path_factory, "judged-estate", make)


def check_money(judge: Judge) -> None:
    """Control totals, and every group with its costs, are the same."""
    judge.check_control_totals()
    for name in ROLLUPS:
        assert judge.differences(name) == []


@pytest.mark.parametrize("period", [LAST_FINAL_PERIOD, OPEN_PERIOD])
def test_money_of_a_month_of_the_sample_is_the_same_in_trino(trino, estate, period):
    judge = Judge(trino, estate, period, read_params(PARAMS, period))
    check_money(judge)


def test_money_of_the_real_month_is_the_same_in_trino(trino, workshop):
    judge = Judge(
        trino, workshop.report, workshop.period, read_params(workshop.params, workshop.period)
    )
    check_money(judge)


TAGS = [
    {}, {"user_cost_center": "CC-1"}, {"user_cost_center": ""}, {"user_cost_center": None},
    {"user_cost_center": "NULL"}, {"user_cost_center": "null"}, {"user_cost_center": " CC-1"},
    {"user_cost_center": "Zürich ⛵ 日本"}, {"user_cost_center": "line\nbreak"}, 
    {"user_cost_center": "it's; --"},
    {"user_team": "CC-2", "user_cost_center": "CC-9"}, {"User_Cost_Center": "CC-1"}, None,
]  # fmt: skip
RESERVED = "arn:aws:ec2:us-east-1:012345678901:reserved-instances/r-1"
KINDS = (
    "Usage", "Usage", "Usage", "Tax", "Credit", "Fee", "Refund", "RIFee", "DiscountedUsage", 
    "SavingsPlanCoveredUsage",
    "SavingsPlanNegation", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee", "EdpDiscount", "BundledDiscount",
)  # fmt: skip
AMOUNT_COLUMNS = (
    "reservation_effective_cost", "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee", "savings_plan_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date", "savings_plan_used_commitment", "split_line_item_split_cost",
    "split_line_item_unused_cost", "line_item_usage_amount",
)  # fmt: skip
#: What an export may lack (CUR fact 1.8), by turns.
LACKING = (
    (),
    ("product", "cost_category"),
    ("bill_billing_entity", *AMOUNT_COLUMNS[-3:-1]),
    ("tags",),
)


def amount(chance: random.Random) -> float | None:
    """An amount where engines are apt to part: halves at the 11th decimal, very large and very small ones."""
    units = chance.randrange(10**6)
    half = (units + 0.5) / 10**10
    return chance.choice(
        [
            half, -half, math.nextafter(half, 1), math.nextafter(half, 0), units / 100, -units / 100,
            123_456_789.123456789 + units, -98_765_432.000000015, 1e-11, -4.9e-11, 5e-11, 0.0, -0.0, None,
            0.1 + 0.2, 1.005, units * 1e-10, 9_007_199.2547409905, chance.uniform(-5, 5),
        ]
    )  # fmt: skip


def item(chance: random.Random) -> dict[str, Any]:
    """A line item of anything."""
    text = chance.choice(
        ["", None, "x", "é", "a\nb", "arn:aws:ec2:us-east-1:012345678901:reserved-instances/r-1"]
    )
    return line_item(
        amount(chance),  # type: ignore[arg-type]
        resource_tags=chance.choice(TAGS), tags=chance.choice(TAGS), cost_category=chance.choice(TAGS),
        product=chance.choice([{}, None, {"product_name": "A seller's"},
                               {"product_name": ""}, {"product_name": None}]),
        bill_billing_entity=chance.choice(["AWS", "AWS Marketplace", "", None]),
        bill_invoice_id=chance.choice(["900000001", "", None]),
        line_item_line_item_type=chance.choice(KINDS),
        line_item_line_item_description=chance.choice(
            ["", None, "Refund for Savings Plan ID: sp-1", "Refund for a Savings Plan ID", "hourly fee"]
        ),
        line_item_operation=chance.choice(["", None, "RunInstances", "EKSPod-EC2", "ECSTask-EC2"]),
        line_item_usage_type=chance.choice(["", None, "BoxUsage", "EUC1-CapacityBlock:x", "DataTransfer"]),
        line_item_resource_id=text,
        reservation_reservation_a_r_n=chance.choice(
            ["", None, "arn:aws:ec2:r:1:reserved-instances/r-1", "arn:aws:ec2:r:1:capacity-reservation/c-1"]
        ),
        savings_plan_savings_plan_a_r_n=chance.choice(["", None, "arn:aws:savingsplans::1:savingsplan/s-1"]),
        line_item_usage_start_date=chance.choice(
            [datetime(2026, 5, 1), datetime(2026, 5, 31, 23, 59, 59, 999000), datetime(2026, 5, 9, 12), None]
        ),
        **{name: amount(chance) for name in AMOUNT_COLUMNS},
    )  # fmt: skip


@pytest.fixture
def fuzzed(tmp_path: Path) -> Iterator[Any]:
    """Makes a report of a seed, and params with rules that look at much of it."""

    def make(seed: int) -> tuple[Path, Params]:
        chance = random.Random(seed)
        files = [[item(chance) for _ in range(chance.randrange(1, 300))] for _ in range(3)]
        report = write_report(tmp_path / "report", *files, without=LACKING[seed % len(LACKING)])
        policy = ALWAYS["policy.toml"].replace(
            'cost_center_tags = ["user_cost_center"]',
            'cost_center_tags = ["user_cost_center", "user_team"]',
        )
        params = write_params(tmp_path / "params", policy_toml=policy)
        return report, read_params(params, PERIOD)

    yield make


@pytest.mark.parametrize("seed", SEEDS)
def test_money_of_a_report_of_anything_is_the_same_in_trino(trino, fuzzed, seed):
    report, params = fuzzed(seed)
    judge = Judge(trino, report, PERIOD, params)
    check_money(judge)


@pytest.mark.parametrize("name", ROLLUPS)
def test_every_column_is_the_same_in_trino(trino, estate, fuzzed, name):
    assert (
        Judge(trino, estate, LAST_FINAL_PERIOD, read_params(PARAMS, LAST_FINAL_PERIOD)).differences(
            name
        )
        == []
    )
    report, params = fuzzed(0)
    assert Judge(trino, report, PERIOD, params).differences(name) == []


def test_a_judge_that_answers_otherwise_is_noticed(trino, fuzzed):
    """One unit of the tenth decimal, put into what is sent, is a difference."""
    report, params = fuzzed(0)
    judge = Judge(trino, report, PERIOD, params)
    ours = judge.reader.query(judge.record, "rollup", "rollup_costs", params)
    statement = judge.sent("rollup", "rollup_costs")
    told = statement.sql.replace(
        "COALESCE(SUM(unblended_cost), 0)",
        "COALESCE(SUM(unblended_cost), 0) + DECIMAL '0.0000000001'",
    )
    assert told != statement.sql
    assert differences(told, ours, judge.answer(Statement(told, statement.parameters, ATHENA)))
