"""A close whose policy prints all totals stops by whom they tell of, until these are accepted by name."""

from __future__ import annotations

import pytest

from chargeback.books.checked import checked_manifest
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.engine.controls import ISOLATION
from tests.params_folder import ALWAYS, accepted
from tests.restatement.months import MARCH, Estate, usual

pytestmark = pytest.mark.slow

EVERYTHING = ALWAYS["policy.toml"] + 'published_totals = "all"\n'


def test_all_totals_are_printed_once_those_they_tell_of_agree(tmp_path):
    """Of two units, each of whom all totals tell the other's part."""
    estate = Estate(tmp_path, {}, {"policy_toml": EVERYTHING})
    estate.deliver(MARCH, usual(MARCH))
    estate.enter(MARCH, "130.00")
    with pytest.raises(Refusal) as raised:
        estate.close(MARCH, statements=True)
    stopped = raised.value
    assert stopped.exit_code == CONTROL_FAILED and ISOLATION in stopped.what
    assert any("business_unit_id core, isolated_unit_id shop" in one for one in stopped.where)
    rows = [one for one in stopped.todo if one.startswith(f"{ISOLATION},")]
    assert [one.split(",")[1] for one in rows] == ["shop", "core"]
    estate.write(
        policy_toml=EVERYTHING, acceptances_csv=accepted(statements_isolate_no_unit="shop core")
    )
    estate.close(MARCH, statements=True)
    [outcome] = [
        one
        for one in checked_manifest(estate.books, MARCH)["controls"]
        if one["control"] == ISOLATION
    ]
    assert {one["subject"] for one in outcome["accepted"]} == {"shop", "core"}
    html = (estate.books.statements(MARCH) / "shop" / "statement.html").read_text()
    assert "<bdi>AWS invoiced</bdi>" in html
