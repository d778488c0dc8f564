"""[daily] of policy.toml: defaults, refusals, and no part of what a council ratifies."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.params import read_params
from chargeback.params.daily_policy import DailyPolicy
from chargeback.params.ratification import rules_digest
from tests.params_folder import ALWAYS

POLICY = ALWAYS["policy.toml"]


def policy(*lines: str) -> str:
    """A policy with these lines under [daily]."""
    return POLICY + "".join(f"{line}\n" for line in ("[daily]", *lines))


def test_there_need_not_be_any(make_params):
    assert read_params(make_params(), "2026-05").daily == DailyPolicy()


def test_it_is_read_and_is_not_ratified(make_params):
    text = policy('untagged_threshold_percent = "7.5"', 'ticket_due_days = "3"')
    plain = read_params(make_params(), "2026-05")
    params = read_params(make_params(policy_toml=text), "2026-05")
    assert params.daily == DailyPolicy(Decimal("7.5"), ticket_due_days=3)
    assert rules_digest(params) == rules_digest(plain)


def test_tickets_may_be_none_and_of_teams(make_params):
    text = policy('tickets_a_day = "0"', 'tickets_by = "team"')
    found = read_params(make_params(policy_toml=text), "2026-05").daily
    assert (found.tickets_a_day, found.tickets_by) == (0, "team")
    assert (DailyPolicy().tickets_a_day, DailyPolicy().tickets_by) == (5, "account")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('untaged_minimum = "5"', "unknown key 'untaged_minimum'"),
        ("untagged_minimum = 5", "must be text in quotes"),
        ('untagged_minimum = "-5"', "is not a plain number"),
        ('untagged_minimum = "nan"', "is not a plain number"),
        ('ticket_due_days = "1.5"', "is not a number of days"),
        ('untagged_window_days = "0"', "is not a number of days"),
        ('tickets_a_day = "2.5"', "tickets_a_day is not a number of tickets"),
        ('tickets_a_day = "-1"', "tickets_a_day is not a number of tickets"),
        ('tickets_a_day = "many"', "tickets_a_day is not a number of tickets"),
        ('tickets_by = "unit"', "tickets_by is neither account nor team"),
    ],
)
def test_what_it_refuses(make_params, line, words):
    with pytest.raises(Refusal) as raised:
        read_params(make_params(policy_toml=policy(line)), "2026-05")
    assert raised.value.exit_code == BAD_USAGE
    assert words in raised.value.block()
    assert "policy.toml line 8, [daily]" in raised.value.block()


def test_it_is_a_table(make_params):
    with pytest.raises(Refusal, match="daily must be a table"):
        read_params(make_params(policy_toml=POLICY + 'daily = "5"\n'), "2026-05")
