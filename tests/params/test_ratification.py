"""Governed rules close when their digest is ratified, and stop with what changed, in words, when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.core.errors import CONTROL_FAILED, DONE
from chargeback.core.paths import PARAMS
from chargeback.params import read_params
from chargeback.params.ratification import is_ratified, rule_changes, rules_digest
from chargeback.sample import PERIODS
from tests.close.conftest import run, without_notebooks  # noqa: F401  fixtures
from tests.close.months import JUNE, MAY, assert_refused, write_month
from tests.params_folder import ALWAYS, pool
from tests.reports import PERIOD

HEADER = "rules_digest,valid_from,reference,approved_by,approved_on\n"


def ratify(folder: Path, period: str) -> str:
    """Add the row that ratifies the rules of a period; returns their digest."""
    path = folder / "ratifications.csv"
    text = path.read_text() if path.exists() else HEADER
    digest = rules_digest(read_params(folder, period))
    path.write_text(f"{text}{digest},{period},minutes 7,council,2026-05-02\n")
    return digest


@pytest.mark.parametrize("period", PERIODS)
def test_the_sample_is_ratified(period):
    params = read_params(PARAMS, period)
    assert params.governed and is_ratified(params)


def test_comments_and_dates_do_not_change_a_digest(make_params):
    folder = make_params()
    digest = rules_digest(read_params(folder, PERIOD))
    rules = folder / "allocation.toml"
    rules.write_text("# a comment\n" + rules.read_text().replace("2026-01", "2026-02"))
    assert rules_digest(read_params(folder, PERIOD)) == digest
    (folder / "accounts.csv").write_text(ALWAYS["accounts.csv"].replace("work", "works"))
    assert rules_digest(read_params(folder, PERIOD)) == digest


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("allocation.toml", 'key = "even"', 'key = "direct_spend"'),
        ("allocation.toml", 'recipients = ["*"]', 'recipients = ["shop"]'),
        ("allocation.toml", 'approved = "council"', 'approved = "nobody"'),
        ("policy.toml", '"amortized"', '"unblended"'),
        ("policy.toml", '"1.00"', '"2.00"'),
    ],
)
def test_a_rule_changes_the_digest(file, before, after, make_params):
    folder = make_params()
    digest = rules_digest(read_params(folder, PERIOD))
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after))
    assert rules_digest(read_params(folder, PERIOD)) != digest


def test_changes_are_said_in_words(tmp_path, make_params):
    before = read_params(make_params(), PERIOD)
    folder = make_params(
        allocation_toml=pool("calls", '{ product_code = ["awskms"] }')
        + pool(key="direct_spend", more='recipients = ["shop"]\nfallback = "even"'),
        ownership_toml='[[rule]]\nrule_id = "r"\ncost_center_id = "CC-1"\n'
        'match = { resource_like = ["x-%"] }\nvalid_from = "2026-01"\napproved = "C"\nreason = "why"\n',
        policy_toml=ALWAYS["policy.toml"].replace('"1.00"', '"2.00"'),
    )
    after = read_params(folder, PERIOD)
    assert rule_changes(before, after) == [
        "policy: invoice_rounding_limit 1 → 2",
        "pool 'calls' (calls) is new, before 'untagged': match product_code awskms; key even; recipients *; "
        "approved council",
        "pool 'untagged' (untagged): key even → direct_spend; recipients * → shop; fallback none → even",
        "ownership rule 'r' (why) is new, the last: cost_center_id CC-1; match resource_like x-%; approved C",
    ]
    assert rule_changes(after, before)[-1] == "ownership rule 'r' (why) ends"
    assert rule_changes(before, before) == []


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_an_unratified_change_stops_until_its_row_is_added(run, tmp_path):  # noqa: F811
    month = write_month(tmp_path)
    first = ratify(month.params, MAY)
    assert run("monthly-close", MAY, *month.options).exit_code == DONE
    rules = month.params / "allocation.toml"
    rules.write_text(
        rules.read_text().replace('valid_from = "2026-01"', 'valid_from = "2026-01"\nvalid_to = "2026-05"')
        + pool(key="direct_spend").replace("2026-01", "2026-06")
    )  # fmt: skip
    stopped = run("monthly-close", JUNE, *month.options)
    digest = rules_digest(read_params(month.params, JUNE))
    assert_refused(
        stopped, CONTROL_FAILED, "the rules for 2026-06 are not ratified", first, digest,
        "pool 'untagged' (untagged): key even → direct_spend", "2026-05, as it was closed",
        f"{digest},2026-06,<reference>,<approved by>,<approved on>",
    )  # fmt: skip
    assert month.books.closed_periods() == [MAY]
    assert (
        run("monthly-close", MAY, *month.options).exit_code == DONE
    )  # closed under rules that were ratified
    drafted = run("draft", JUNE, *month.options)
    assert drafted.exit_code == DONE and "not ratified yet" in drafted.said
    ratify(month.params, JUNE)
    assert run("monthly-close", JUNE, *month.options).exit_code == DONE


def test_a_ratification_that_was_followed_by_another_no_longer_holds(make_params):
    folder = make_params()
    ratify(folder, "2026-03")
    rules = folder / "allocation.toml"
    text = rules.read_text()
    rules.write_text(text.replace('"even"', '"direct_spend"'))
    ratify(folder, "2026-05")
    rules.write_text(text)
    assert is_ratified(read_params(folder, "2026-04"))
    assert not is_ratified(read_params(folder, "2026-05"))


def test_rules_are_printed_as_prose(run, make_params):  # noqa: F811
    folder = make_params(
        allocation_toml=pool("support", '{ product_code = ["S"] }', "sql:support_base",
                             'recipients = ["shop", "untagged"]\nfallback = "even"\n') + pool(),
    )  # fmt: skip
    text = run("rules", PERIOD, "--params", str(folder)).said
    flat = " ".join(text.split())
    assert "Not governed: there is no ratifications.csv" in flat
    assert "whose spend does AWS compute the support fee from?" in flat
    assert (
        "among the cost centers of Shop and the pools untagged (untagged), which pass their part on"
        in flat
    )
    assert "It also bears a part of support (support)." in flat
    assert "If that finds nothing, it is split in equal parts" in flat
    assert max(map(len, text.splitlines())) <= 100
    ratify(folder, PERIOD)
    assert (
        "Ratified by the council on 2026-05-02 (minutes 7), from May 2026 on"
        in run("rules", PERIOD, "--params", str(folder)).said
    )
    (folder / "allocation.toml").write_text(pool())
    assert "NOT RATIFIED" in run("rules", PERIOD, "--params", str(folder)).said
