"""Whole closes of rules that are governed and of rules that are not, as the command line runs them."""

from __future__ import annotations

import pytest

from chargeback.core.errors import CONTROL_FAILED, DONE
from chargeback.params import read_params
from chargeback.params.ratification import rules_digest
from tests.close.months import JUNE, MAY, Month, assert_refused, manifest, state, write_month

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("without_notebooks")]
HEADER = "rules_digest,valid_from,reference,approved_by,approved_on\n"


def statement(month: Month, period: str) -> str:
    """What the unit core reads."""
    path = month.books.statements(period) / "core" / "statement.html"
    return " ".join(path.read_text(encoding="utf-8").split())


def test_a_change_of_rules_from_its_proposal_to_its_confirmation(run, tmp_path):
    month = write_month(tmp_path)
    assert run("monthly-close", MAY, *month.options).exit_code == DONE
    assert "are not governed" in statement(month, MAY)
    assert manifest(month.books)["ratification"] is None

    # The council takes over, and a pool that is split otherwise stops the next month.
    ratified = rules_digest(read_params(month.params, MAY))
    register = month.params / "ratifications.csv"
    register.write_text(f"{HEADER}{ratified},{MAY},minutes 6,council,2026-05-02\n")
    rules = month.params / "allocation.toml"
    closed = rules.read_text()
    rules.write_text(
        closed.replace("approved", f'valid_to = "{MAY}"\napproved')
        + closed.replace('"even"', '"direct_spend"').replace("2026-01", JUNE)
    )
    ended = run("monthly-close", JUNE, *month.options)
    assert_refused(
        ended, CONTROL_FAILED, f"the rules for {JUNE} are not ratified", ratified, "minutes 6",
        f"what changed from the ratified rules ({MAY}, as it was closed):",
        "pool 'untagged' (untagged): key even → direct_spend",
    )  # fmt: skip
    assert month.books.closed_periods() == [MAY]
    assert list(month.books.root.glob("statements/*")) == [month.books.statements(MAY)]

    # The row it ends with, completed, makes it close.
    row = ended.refused.splitlines()[-1].strip()
    row = row.replace("<reference>", "minutes 7").replace("<approved by>", "council")
    register.write_text(f"{register.read_text()}{row.replace('<approved on>', '2026-06-03')}\n")
    again = run("monthly-close", JUNE, *month.options)
    assert again.exit_code == DONE, again.refused
    assert "ratified by the council on 2026-06-03 (minutes 7)" in statement(month, JUNE)
    assert manifest(month.books, JUNE)["rules_digest"] == row.partition(",")[0]

    # Both months are confirmed, even when nobody ratifies anything any more.
    register.write_text(HEADER)
    before = state(month.books)
    for period in (MAY, JUNE):
        confirmed = run("monthly-close", period, *month.options)
        assert f"{period} is already closed, and identical" in confirmed.said, confirmed.refused
    assert state(month.books) == before


def test_a_comment_needs_no_ratification(run, tmp_path):
    month = write_month(tmp_path)
    digest = rules_digest(read_params(month.params, MAY))
    register = f"{HEADER}{digest},2026-01,minutes 1,council,2026-01-02\n"
    (month.params / "ratifications.csv").write_text(register)
    for name in ("allocation.toml", "policy.toml"):
        path = month.params / name
        path.write_text("# What the council thought of.\n\n" + path.read_text())
    ended = run("monthly-close", MAY, *month.options)
    assert ended.exit_code == DONE, ended.refused
