"""Ownership rules in Trino: as many as are one expression compile; joined ones own what they own in DuckDB."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from chargeback.params import Params, read_params
from chargeback.params.ownership import OwnershipRule
from chargeback.sources import ownership_ranks
from chargeback.sources.ownership_ranks import MOST_COMPARED, comparisons, is_joined
from tests.params_folder import write_params
from tests.reports import PERIOD, line_item, write_report
from tests.trino.test_scans import Judge

pytestmark = pytest.mark.trino

ACCOUNTS = [f"{number:012d}" for number in range(137_482_950_000, 137_482_950_040)]
PRODUCTS = ("AmazonEC2", "AmazonS3", "AmazonRDS", "AmazonEKS")
MANY = 5_000

Conditions = Mapping[str, tuple[str, ...]]


def owning(match: Conditions, tags: Conditions | None = None) -> OwnershipRule:
    """A rule of these conditions."""
    return OwnershipRule(
        "a", "CC-1", dict(match), dict(tags or {}), "2026-01", "", "council", "theirs"
    )


def resource(number: int) -> str:
    """The name of a bucket or a database, as AWS writes it."""
    account = ACCOUNTS[number % len(ACCOUNTS)]
    kinds = (f"bucket-of-team-{number}-logs", f"arn:aws:rds:us-east-1:{account}:db:orders-{number}")
    return kinds[number % 2]


def many_rules() -> list[OwnershipRule]:
    """Rules on resources, namespaces, and products of an account, in no order."""
    rules = []
    for number in range(MANY):
        account = (ACCOUNTS[number % len(ACCOUNTS)],)
        if number % 3 == 0:
            rules.append(
                owning({"account_id": account}, {"aws_eks_namespace": (f"namespace-{number}",)})
            )
        elif number % 3 == 1:
            rules.append(owning({"resource_like": (f"{resource(number)}%",)}))
        else:
            usage = {"usage_type_like": (f"%:m5.{number}", f"EUC1-{number}%")}
            rules.append(owning({"account_id": account, "product_code": PRODUCTS[:2], **usage}))
    random.Random(1).shuffle(rules)
    return rules


def rules_of_one_expression() -> Iterator[tuple[str, list[OwnershipRule]]]:
    """As many as one expression takes, in the forms that engines compile worst."""
    yield (
        "one pattern",
        [owning({"resource_like": (f"%{number}%",)}) for number in range(MOST_COMPARED)],
    )
    pairs = [
        owning({"account_id": (ACCOUNTS[number % 40],), "resource_like": (f"%{number}%",)})
        for number in range(MOST_COMPARED // 2)
    ]
    yield "two conditions", pairs
    values = tuple(f"value-{number}" for number in range(5))
    every = dict.fromkeys(ownership_ranks.OWNERSHIP_COLUMNS, values)
    yield (
        "all conditions",
        [owning(every, {"it's": values, "team": values})] * (MOST_COMPARED // 40),
    )
    yield (
        "one rule",
        [owning({"resource_like": tuple(f"%{number}%" for number in range(MOST_COMPARED))})],
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Line items, of which rules describe many, some doubly, and some not at all."""
    chance = random.Random(2)
    items = []
    for _ in range(2_000):
        number = chance.randrange(MANY + 500)
        items.append(line_item(
            0.1,
            line_item_usage_account_id=ACCOUNTS[number % 40],
            line_item_product_code=chance.choice(PRODUCTS),
            line_item_usage_type=chance.choice([f"USE1-Box:m5.{number}", f"EUC1-{number}", "", None]),
            line_item_resource_id=chance.choice([resource(number), f"{resource(number)}-2", "", None]),
            resource_tags=chance.choice([{"aws_eks_namespace": f"namespace-{number}"}, {}, None]),
        ))  # fmt: skip
    return write_report(tmp_path_factory.mktemp("owned"), items)


def same_ranks(judge: Judge) -> bool:
    """Whether Trino and DuckDB find the same rule for the same line items, by account, product, usage type."""
    names = ["ownership_rank", "account_id", "product_code", "usage_type", "line_items"]
    answer = judge.answer(judge.sent("rollup", "rollup_costs"))
    theirs = [[row[answer.columns.index(name)] for name in names] for row in answer.rows]
    ours = judge.reader.query(judge.record, "rollup", "rollup_costs", judge.params).select(names)
    return sorted(map(repr, theirs)) == sorted(repr(list(row.values())) for row in ours.to_pylist())


def params_of(folder: Path, rules: list[OwnershipRule]) -> Params:
    """Params with these rules."""
    return replace(read_params(write_params(folder), PERIOD), ownership=tuple(rules))


def test_many_rules_are_joined_as_duckdb_joins_them(trino, report, tmp_path):
    params = params_of(tmp_path / "params", many_rules())
    judge = Judge(trino, report, PERIOD, params)
    assert is_joined(params.ownership)
    ours = judge.reader.query(judge.record, "rollup", "rollup_costs", params)
    assert len(set(ours["ownership_rank"].to_pylist())) > 500
    assert same_ranks(judge)


def test_some_rules_are_the_same_as_an_expression_and_joined(trino, report, tmp_path, monkeypatch):
    """Trino's expression is what DuckDB joins, and the other way around."""
    params = params_of(tmp_path / "params", many_rules()[: MOST_COMPARED // 4])
    judge = Judge(trino, report, PERIOD, params)
    assert not is_joined(params.ownership)
    statement = judge.sent("rollup", "rollup_costs")
    monkeypatch.setattr(ownership_ranks, "MOST_COMPARED", 0)
    joined = judge.sent("rollup", "rollup_costs")
    assert "UNNEST" in joined.sql and "UNNEST" not in statement.sql
    told = [sorted(map(repr, judge.answer(one).rows)) for one in (statement, joined)]
    assert told[0] == told[1]
    assert same_ranks(judge)


@pytest.mark.parametrize(("form", "rules"), list(rules_of_one_expression()))
def test_as_many_as_are_one_expression_compile(trino, report, tmp_path, form, rules):
    """Twice and a half as many do as well, so that there is room."""
    for more in (rules, [one for one in rules for _ in range(5)][: len(rules) * 5 // 2]):
        params = params_of(tmp_path / f"params-{len(more)}", more)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ownership_ranks, "MOST_COMPARED", comparisons(more))
            judge = Judge(trino, report, PERIOD, params)
            assert "UNNEST" not in judge.sent("rollup", "rollup_costs").sql
            assert same_ranks(judge)
