"""What a daily run keeps of the open month: as made anew, for whatever changed, and under the same controls."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.daily import costs as costs_module
from chargeback.daily import kept_costs
from chargeback.daily.anomalies.kept import keep
from chargeback.daily.costs import daily_costs
from chargeback.daily.kept_costs import (
    ENDING,
    KeptRollups,
    content_of,
    find_costs,
    keep_costs,
    table_of,
)
from chargeback.dashboards.months import daily_month
from chargeback.params import read_params
from tests.daily.anomalies.estate import write_estate
from tests.params_folder import write_params

DAY = date(2026, 5, 12)


@pytest.fixture
def report(tmp_path):
    return write_estate(tmp_path / "cur")


@pytest.fixture
def params(tmp_path):
    return read_params(write_params(tmp_path / "params"), "2026-05")


@pytest.fixture
def folder(tmp_path):
    return Books(tmp_path / "books").daily_used


@pytest.fixture
def rolled(monkeypatch):
    """The periods that were rolled up from their report, one after the other."""
    done = []
    original = kept_costs.daily_roll_up

    def counting(engine, report, record, params):
        done.append(params.period)
        return original(engine, report, record, params)

    monkeypatch.setattr(kept_costs, "daily_roll_up", counting)
    return done


def looked(report, params, folder, day=DAY):
    """A day's costs, with what is kept for the next."""
    rollups = KeptRollups(folder)
    costs = daily_costs(report, params, day, rollups)
    rollups.keep()
    keep_costs(folder, costs, params)
    return costs


def same(one: pa.Table, other: pa.Table) -> bool:
    return bool(one.equals(other) and one.schema.equals(other.schema, check_metadata=True))


def test_another_day_of_the_same_delivery_is_not_rolled_up_again(report, params, folder, rolled):
    looked(report, params, folder)
    for day in (date(2026, 5, 3), DAY):
        found, anew = looked(report, params, folder, day), daily_costs(report, params, day)
        assert same(found.table, anew.table)
        assert replace(found, table=anew.table) == anew
    assert rolled == ["2026-05"]


def test_what_a_day_cost_is_found_as_it_was_looked_at(report, params, folder):
    assert find_costs(folder, report, params, DAY) is None
    costs = replace(looked(report, params, folder), product_names={"code": 'Ünïcode\n"name"'})
    keep_costs(folder, costs, params)
    table, names = find_costs(folder, report, params, DAY)
    assert same(table, costs.table)
    assert names == costs.product_names


CHANGES = ("code", "SQL", "library", "params", "manifest", "file", "period")


@pytest.mark.parametrize("change", [*CHANGES, "day"])
def test_nothing_is_taken_once_something_that_decides_it_has_changed(
    change, report, params, folder, rolled, monkeypatch
):
    looked(report, params, folder)
    day = DAY
    if change == "code":
        monkeypatch.setattr(kept_costs, "code_digest", lambda: "of other code")
    if change == "SQL":
        monkeypatch.setattr(kept_costs, "sql_digest", lambda: "of other SQL")
    if change == "library":
        monkeypatch.setattr(kept_costs, "version", lambda _: "another")
    if change == "params":
        params = replace(params, digests={**params.digests, "drivers.csv": "another"})
    if change == "manifest":
        for path in (report / "metadata" / "BILLING_PERIOD=2026-05").iterdir():
            path.write_text(path.read_text() + "\n")
    if change == "file":
        for path in (report / "data" / "BILLING_PERIOD=2026-05").rglob("*.parquet"):
            other = path.read_bytes().replace(b"i-web", b"i-wab")
            assert other != path.read_bytes()
            path.write_bytes(other)  # of the same size
    if change == "period":
        params, day = replace(params, period="2026-04"), date(2026, 4, 12)
    if change == "day":
        day = date(2026, 5, 11)
    assert find_costs(folder, report, params, day) is None
    looked(report, params, folder, day)
    assert len(rolled) == (1 if change == "day" else 2)
    assert find_costs(folder, report, params, day) is not None
    assert len(list(folder.glob(f"*.{ENDING}"))) == 2, "what was kept before is replaced"


def test_a_damaged_file_is_not_there(report, params, folder, rolled):
    looked(report, params, folder)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"\1")
    assert find_costs(folder, report, params, DAY) is None
    looked(report, params, folder)
    assert len(rolled) == 2


def test_a_rollup_that_is_not_the_delivery_s_stops_at_the_controls(report, params, folder):
    """Whoever wrote it: what was kept is held against control totals that are counted anew."""
    looked(report, params, folder)
    [path] = folder.glob("rollup-*")
    name = path.stem.rpartition("-")[0]
    less = table_of(path.read_bytes()).slice(1)
    keep(folder, name, content_of(less), ENDING, "rollup")
    with pytest.raises(Refusal) as raised:
        daily_costs(report, params, DAY, KeptRollups(folder))
    assert raised.value.exit_code == CONTROL_FAILED


def test_dashboards_take_what_the_daily_run_looked_at(
    report, params, tmp_path, folder, monkeypatch
):
    books, where = Books(tmp_path / "books"), tmp_path / "params"
    read = daily_month(books, where, DAY, lambda _: report)
    looked(report, params, folder)

    def fail(*_):
        raise AssertionError("it was read again")

    monkeypatch.setattr(costs_module, "daily_costs", fail)
    kept = daily_month(books, where, DAY, lambda _: report)
    assert same(kept.charged, read.charged)
    assert replace(kept, charged=read.charged, params=read.params) == read
    with pytest.raises(AssertionError, match="read again"):
        daily_month(books, where, date(2026, 5, 11), lambda _: report)
