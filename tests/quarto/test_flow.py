"""The product's flow with Quarto: first close, later month, draft, audit, six months; each cure taken away.

A cure is what the product does because of something that Quarto does. Where one is taken away, the flow stops,
or what came of it is not what the embedded renderer makes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chargeback.core.errors import CONTROL_FAILED, DONE, UNREACHABLE
from chargeback.statements import project
from tests.close.months import JULY, JUNE, MAY, Month, manifest, write_month
from tests.params_folder import added
from tests.quarto.flow import other_than_embedded, units_of
from tests.quarto.on_path import renders
from tests.reports import line_item, write_report

pytestmark = pytest.mark.slow

SIX = [f"2026-{month:02}" for month in range(1, 7)]


#: Handing out renders a page of its own, which tests of delivery look at.
CLOSE_ONLY = ("--handout", "no")


def close(run, month: Month, *periods: str) -> list[int]:
    """Close periods with Quarto; the exit codes."""
    named = "..".join(dict.fromkeys((periods[0], periods[-1])))
    return [
        run("monthly-close", named, *month.options, *CLOSE_ONLY, "--renderer", "quarto").exit_code
    ]


def test_first_close_later_month_draft_and_audits(quarto, run, tmp_path):
    """By the verbs and their notebooks, as a user has it."""
    month = write_month(tmp_path)
    for period in (MAY, JUNE):
        ended = run("monthly-close", period, *month.options, *CLOSE_ONLY)
        assert ended.exit_code == DONE, ended.refused
        assert "renderer    quarto 1.10.18 (typst " in ended.said
        assert list(other_than_embedded(month.books, period, tmp_path / "made")) == []
    ended = run("draft", JULY, *month.options)
    assert ended.exit_code == DONE, ended.refused
    assert "renderer    quarto 1.10.18 (typst " in ended.said
    draft = month.books.draft(JULY) / "statements" / "shop" / "statement.html"
    assert "quarto-1.10.18" in draft.read_text()
    assert "PROVISIONAL" in draft.read_text()
    for verb in (["verify"], ["audit", MAY], ["audit", JUNE]):
        options = month.options[4:] if verb == ["verify"] else month.options
        ended = run(*verb, *options)
        assert ended.exit_code == DONE, ended.refused
        if verb[0] == "audit":
            assert "byte for byte" in ended.said
            assert "rendered by" not in ended.said


def test_a_month_is_rendered_by_one_call(quarto, run, without_notebooks, tmp_path):
    """However many units there are, and both formats: half of the time of a render a unit."""
    month = write_month(tmp_path)
    assert close(run, month, MAY) == [DONE]
    assert units_of(month.books, MAY) == ["core", "shop"]
    assert renders(quarto) == [["render", ".", "--no-execute"]]


def test_six_months_each_after_the_other(quarto, run, without_notebooks, tmp_path):
    month = write_month(tmp_path)
    shutil.rmtree(month.report)
    rows, header = [], "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"
    for number, period in enumerate(SIX, start=1):
        invoice = f"90000010{number}"
        cost = 10.0 * number
        write_report(month.report, [
            line_item(cost, "CC-1", bill_invoice_id=invoice),
            line_item(5.0, "CC-9", bill_invoice_id=invoice),
        ], period=period)  # fmt: skip
        rows.append(f"{invoice},{period},AWS,USD,{cost + 5:.2f},finance,PDF\n")
    (month.params / "invoices.csv").write_text(header + "".join(rows))
    (month.params / "adjustments.csv").write_text(
        added("adjustments.csv", "2026-06,CC-1,CC-2,2.00,licences,REF-2,Ann,Bob,2026-01-20")
    )
    assert close(run, month, *SIX) == [DONE]
    assert len(renders(quarto)) == len(SIX)
    assert list(other_than_embedded(month.books, SIX[-1], tmp_path / "made")) == []
    assert run("verify", *month.options[4:]).exit_code == DONE
    assert run("audit", SIX[2], *month.options).exit_code == DONE


def without_lines(name: str, *patterns: str) -> Callable[[pytest.MonkeyPatch], None]:
    """The project without some lines of a file that all pages have in common."""

    def take_away(patch: pytest.MonkeyPatch) -> None:
        begin = project.begin_project

        def begin_without(folder: Path) -> None:
            begin(folder)
            text = (folder / name).read_text()
            for pattern in patterns:
                text, count = re.subn(pattern, "", text, flags=re.M)
                assert count == 1
            (folder / name).write_text(text)

        patch.setattr("chargeback.statements.write.begin_project", begin_without)

    return take_away


def without_title(patch: pytest.MonkeyPatch) -> None:
    """The front matter of pages names no title."""
    whole = project.front_matter
    patch.setattr(
        project, "front_matter",
        lambda *said: [one for one in whole(*said) if not one.startswith("title:")],
    )  # fmt: skip


def with_metadata(patch: pytest.MonkeyPatch) -> None:
    """Cells keep what papermill says of their run."""
    whole = project.presented_cell

    def with_all(number: int, cell: dict[str, Any]) -> dict[str, Any]:
        return {**whole(number, cell), "metadata": cell["metadata"]}

    patch.setattr(project, "presented_cell", with_all)


def with_front_matter_of_one_text(patch: pytest.MonkeyPatch) -> None:
    """The raw cell is not split into lines."""
    patch.setattr(project, "lines_of", lambda source: source)


def with_links(patch: pytest.MonkeyPatch) -> None:
    """The project has links to the partials."""

    def begin(folder: Path) -> None:
        folder.mkdir(parents=True)
        for name in project.LOOK:
            os.symlink(project.REPORTS / name, folder / name)

    patch.setattr("chargeback.statements.write.begin_project", begin)


CURES = {
    "title": (without_title, "stops"),
    "levels": (without_lines("_quarto.yml", "^ +shift-heading-level-by.*\n"), "other bytes in pdf"),
    "metadata": (with_metadata, "audit"),
    "main": (
        without_lines("_quarto.yml", "^ +include-before-body:\n.*\n", "^ +include-after-body:\n.*\n"),
        "not one <main>",
    ),
    "raw": (with_front_matter_of_one_text, "other pieces in html"),
    "block": (without_lines("_quarto.yml", "^ +template-partials:\n +- title-block.html\n"), "index"),
    "links": (with_links, "unreachable"),
}  # fmt: skip


@pytest.mark.parametrize("cure", CURES)
def test_without_a_cure_something_is_wrong(
    cure, quarto, run, without_notebooks, tmp_path, monkeypatch
):
    take_away, expected = CURES[cure]
    month = write_month(tmp_path)
    assert close(run, month, MAY) == [DONE]
    take_away(monkeypatch)
    ended = run("monthly-close", JUNE, *month.options, *CLOSE_ONLY, "--renderer", "quarto")
    if expected == "stops":
        assert ended.exit_code == CONTROL_FAILED
        assert "statements_explain_every_change" in ended.refused
    elif expected == "index":
        assert ended.exit_code == CONTROL_FAILED
        assert "heading that the month does not have, key Index of statements" in ended.refused
    elif expected == "unreachable":
        assert ended.exit_code == UNREACHABLE
        assert "was not found" in ended.refused
    elif expected == "audit":
        assert ended.exit_code == DONE, ended.refused
        page = (month.books.statements(JUNE) / "shop" / "statement.html").read_text()
        assert "start_time" in page
        ended = run("audit", JUNE, *month.options)
        assert ended.exit_code == CONTROL_FAILED
        assert "statements, rendered again" in ended.refused
    else:
        assert ended.exit_code == DONE, ended.refused
        found = list(other_than_embedded(month.books, JUNE, tmp_path / "made"))
        assert any(expected in one for one in found), found


def test_who_rendered_is_on_record(quarto, run, without_notebooks, tmp_path):
    """In the manifest's part of one run, and in the evidence of the run."""
    month = write_month(tmp_path)
    assert close(run, month, MAY) == [DONE]
    said = manifest(month.books)["run"]["renderer"]
    assert (said["name"], said["version"]) == ("quarto", "1.10.18")
    assert said["pages"] == project.pages_digest()
    kept = json.loads((month.books.evidence(MAY) / "run.json").read_text())
    assert kept["renderer"] == said
