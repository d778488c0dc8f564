"""The rules as prose say what the files say, in words of the files' own names."""

from __future__ import annotations

import pytest

from chargeback.core.paths import PARAMS
from chargeback.params import read_params
from chargeback.review.rules import WIDTH, rules_prose
from chargeback.sample import PERIODS
from tests.close.months import assert_refused
from tests.params_folder import ALWAYS, added, pool
from tests.reports import PERIOD


@pytest.fixture
def prose(make_params):
    """The rules of a tiny folder with other files, as one line."""

    def flat(**files: str) -> str:
        return " ".join(rules_prose(read_params(make_params(**files), PERIOD)).split())

    return flat


@pytest.mark.parametrize("period", PERIODS)
def test_everything_in_force_in_the_sample_is_named(period):
    params = read_params(PARAMS, period)
    text = rules_prose(params)
    assert max(map(len, text.splitlines())) <= WIDTH
    flat = " ".join(text.split())
    for one in params.pools:
        assert f"{one.name} ({one.pool_id}) Takes " in flat
        assert f"approved by the FinOps council, change {one.approved}." in flat
    for rule in params.ownership:
        assert f"- {rule.rule_id} {params.cost_centers[rule.cost_center_id].name} (" in flat
    assert "None" not in flat and "()" not in flat and "{" not in flat


KEYS = {
    "even": ("", "split among all 3 cost centers, in equal parts."),
    "direct_spend": (
        'fallback = "even"', "in proportion to what each spent directly in the month. If nobody spent "
        "anything directly, it is split in equal parts."),
    "fixed": ('shares = { "CC-1" = "0.125", "CC-2" = "0.8750" }',
              "It is split by fixed shares: Web (CC-1) 12.5 % and Stock (CC-2) 87.5 %."),
    "driver:heads": ('fallback = "even"', "in proportion to heads (source: HR, by hand). If all "
                     "quantities are zero, it is split in equal parts."),
    "sql:split_cost": ("", "in proportion to what sql/keys/split_cost.sql finds (“"),
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_said(key, prose):
    more, words = KEYS[key]
    drivers = added("drivers.csv", '2026-05,heads,CC-1,7,"HR, by hand"')
    assert words in prose(allocation_toml=pool(key=key, more=more), drivers_csv=drivers)


SCOPES = {
    'recipients = ["*"]\nexcept = ["core", "CC-1"]':
        "among all 3 cost centers except those of Core and Web (CC-1), in",
    'recipients = ["shop", "CC-9"]': "among the cost centers of Shop and Platform (CC-9), in",
    'recipients = ["shop", "core"]': "among the cost centers of Shop and Core, in",
    'recipients = ["CC-2", "CC-3"]': "among Stock (CC-2) and CC-3 (not in force), in",
    'recipients = ["late", "untagged"]':
        "among the pools late (late) and untagged (untagged), which pass their part on, in",
}  # fmt: skip


@pytest.mark.parametrize("scope", SCOPES)
def test_who_takes_part_is_said(scope, prose):
    rules = pool("all", '{ operation = ["x"] }', more=scope) + pool("late", "{}") + pool()
    ended = ALWAYS["cost_centers.csv"] + "CC-3,Gone,shop,2026-01,2026-04\n"
    assert SCOPES[scope] in prose(allocation_toml=rules, cost_centers_csv=ended)


def test_what_falls_in_is_said(prose):
    text = prose(
        allocation_toml=pool("logs", '{ account_id = ["012345678901", "999999999999"] }',
                             more='overrides_tags = true\nvalid_to = "2026-06"')
        + pool("keys", '{ has_resource = false, product_code = ["awskms"] }') + pool("any") + pool(),
    )  # fmt: skip
    for words in (
        "Takes cost in the account work (012345678901) or 999999999999, whatever its tags say.",
        "Since January 2026 until June 2026, approved, council.",
        "Takes cost of the product awskms, that names no resource, where no tag gives it to anybody.",
        "Takes any cost, where no tag gives it to anybody.",
        "Takes whatever nobody owns.",
    ):
        assert words in text, text


def test_how_tags_are_read_is_said(prose):
    assert "It is read exactly as it is written." in prose()
    loose = 'tag_value_normalization = ["hyphens", "case"]\n'
    text = prose(
        policy_toml=ALWAYS["policy.toml"].replace('["user_cost_center"]', '["a", "b"]', 1) + loose
    )
    assert "The tag a then the tag b, if its value is the id of a cost center" in text
    assert "Differences in capital letters and hyphens and underscores do not count" in text


def test_the_verb_needs_a_period(run, make_params):
    folder = str(make_params())
    assert run("rules", PERIOD, "--params", folder).exit_code == 0
    for text in ("", "2026-5", "2026-05..2026-06"):
        words = "a billing period" if text else "rules needs PERIOD="
        assert_refused(run("rules", text, "--params", folder), 2, words)
