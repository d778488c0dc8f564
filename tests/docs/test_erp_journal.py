"""The example of the page on the ERP's journal is what the sample's May gives, to the cent."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from chargeback import cli as command_line
from chargeback.core.books_folders import Books
from chargeback.core.paths import PARAMS, ROOT
from chargeback.core.sums import sums_by
from chargeback.delivery.released import closed_for_delivery
from chargeback.params.erp_policy import LAYOUTS, REQUIRED
from chargeback.params.registers import COLUMNS
from chargeback.sample import LAST_FINAL_PERIOD, PERIODS
from tests.erp.made import ERP_TOML
from tests.erp.parsers import PARSERS, sap

PAGE = (ROOT / "docs" / "erp-journal.md").read_text("utf-8")
MAPPING, TOML, PRINTED = re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FINAL = [one for one in PERIODS if one <= LAST_FINAL_PERIOD]


@pytest.fixture
def place(sample: Path, tmp_path: Path) -> Path:
    """A copy of the sample's books, and its params with the mapping of the page."""
    shutil.copytree(sample / "books", tmp_path / "books")
    shutil.copytree(PARAMS, tmp_path / "params")
    (tmp_path / "params" / "gl_accounts.csv").write_text(MAPPING)
    return tmp_path


def run(place: Path, period: str, folder: Path) -> int:
    """The verb, as rita.ng."""
    return command_line.main(
        ["erp-journal", period, "--params", str(place / "params"), "--books", str(place / "books"),
         "--by", "rita.ng", "--to", str(folder)]
    )  # fmt: skip


@pytest.mark.slow
def test_the_example_is_what_the_sample_gives(place, capsys):
    (place / "params" / "delivery.toml").write_text(TOML)
    assert run(place, LAST_FINAL_PERIOD, place / "out") == 0
    said = capsys.readouterr().out
    assert said.startswith(PRINTED)
    shown = re.findall(
        r"^\| (CB-\S+) \| (\d+) \| (\S*) ?\| (\S*) ?\| (\S*) ?\| (.+) \|$", PAGE, re.MULTILINE
    )
    documents = sap((place / "out" / "CB-2026-05-sap.csv").read_bytes())
    given = {
        (key, account, center, *((f"{amount}", "") if amount > 0 else ("", f"{-amount}")), text)
        for key, one in documents.items()
        for account, center, amount, text in one.lines
    }
    assert len(shown) == 13 and set(shown) <= given
    assert {row for row in given if row[0] == "CB-2026-05-002"} <= set(shown)
    assert sum(len(one.lines) for one in documents.values()) == 50


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_the_sample_s_six_months_are_booked_in_every_layout(place, name):
    (place / "params" / "delivery.toml").write_text(ERP_TOML[name])
    assert run(place, f"{FINAL[0]}..{FINAL[-1]}", place / "out") == 0
    for period in FINAL:
        [path] = (place / "out" / period).iterdir()
        documents = PARSERS[name](path.read_bytes()).values()
        assert documents
        booked = {"": 0}
        for one in documents:
            assert sum(amount for _, _, amount, _ in one.lines) == 0
            for account, center, amount, text in one.lines:
                if account in ("630000", "148000"):
                    owner = center or re.search(r"CC-\d+", text)[0]
                    booked[owner] = booked.get(owner, 0) + amount
        postings = closed_for_delivery(Books(place / "books"), period, place / "params").postings
        ledger = sums_by(postings, ["cost_center_id"], "amount")
        assert booked == {
            (center or ""): (amount if center else 0) for (center,), amount in ledger.items()
        }


def test_the_page_names_every_column_and_every_layout():
    assert MAPPING.splitlines()[0] == ",".join(COLUMNS["gl_accounts.csv"])
    table = PAGE.partition("## Layouts")[2].partition("### Where")[0]
    cells = [[one.strip() for one in line.split("|")] for line in table.splitlines()]
    rows = {row[1]: row[3] for row in cells if len(row) == 6 and row[1] not in ("layout", "---")}
    assert list(rows) == list(LAYOUTS)
    for layout, needed in REQUIRED.items():
        assert all(key in rows[layout] for key in needed)
