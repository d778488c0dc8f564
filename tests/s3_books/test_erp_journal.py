"""The journal for the ERP of books in S3: exported on one machine, found and written again on another."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from chargeback.books import shelf
from tests.close.conftest import run, without_notebooks
from tests.close.months import MAY, assert_refused, write_month
from tests.erp.made import ERP_TOML, HEADER, ONE_ROW
from tests.erp.parsers import sap

__all__ = ["run", "without_notebooks"]


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_a_period_is_exported_once_whichever_machine_asks(place, run, tmp_path, monkeypatch):
    month = write_month(tmp_path, gl_accounts_csv=HEADER + ONE_ROW, delivery_toml=ERP_TOML["sap"])
    common = ["--params", str(month.params), "--books", place.uri]

    def on(machine: str, *arguments: str):
        monkeypatch.setattr(shelf, "BUILD", tmp_path / machine)
        return run(*arguments, *common)

    ended = on("one", "monthly-close", MAY, "--cur", str(month.report))
    assert (ended.exit_code, ended.refused) == (0, ""), ended
    ended = on("two", "erp-journal", MAY, "--by", "ann", "--to", str(tmp_path / "two-out"))
    assert (ended.exit_code, ended.refused) == (0, ""), ended
    before = place.objects()
    [name] = [one for one in before if one.endswith("CB-2026-05-sap.csv")]
    assert re.fullmatch(
        r"delivery/billing_period=2026-05/erp/sap/[0-9a-f]{12}/CB-2026-05-sap.csv", name
    )
    ended = on("three", "erp-journal", MAY, "--by", "bob", "--to", str(tmp_path / "three-out"))
    assert "2026-05 is already exported for SAP S/4HANA" in ended.said, ended
    assert place.objects() == before
    content = (tmp_path / "three-out" / "CB-2026-05-sap.csv").read_bytes()
    assert content == (tmp_path / "two-out" / "CB-2026-05-sap.csv").read_bytes()
    [document] = sap(content).values()
    charged: dict[str, Decimal] = {}
    for _, center, amount, _ in document.lines:
        charged[center] = charged.get(center, Decimal(0)) + amount
    # As worked out in tests/close/months.py.
    assert charged == {
        "CC-1": Decimal("73.00"), "CC-2": Decimal("7.00"), "CC-9": Decimal("20.01"),
        "9000": Decimal("-100.01"),
    }  # fmt: skip
    place.remove(name)
    ended = on("four", "erp-journal", MAY, "--to", str(tmp_path / "four-out"))
    assert_refused(ended, 4, "a file of the delivery room is not what the log names")
