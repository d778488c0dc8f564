"""What the verb says, writes and refuses, on closed books."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback import cli as command_line
from chargeback.close import monthly
from chargeback.core.errors import Refusal
from chargeback.core.files import sha256_of
from chargeback.ledger.statement_lines import charges, posting_id
from chargeback.review.trace import origin_of
from chargeback.signing.signing_key import signing_key
from tests.params_folder import added
from tests.restatement.months import APRIL, MARCH, MAY, Estate, make_estate, usual
from tests.trace.estate import HOSTILE
from tests.verify.books import sign_again

pytestmark = pytest.mark.slow

DIRECT = "direct/900000003/CC-1:1"


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """March to May; April was delivered again before May was closed, with 6.00 more for CC-1."""
    made = make_estate(tmp_path_factory.mktemp("books"))
    [first, *others] = usual(MARCH)
    tags = {**first["resource_tags"], "user_team": HOSTILE}
    first = {**first, "resource_tags": tags, "line_item_resource_id": HOSTILE}
    made.deliver(MARCH, [first, *others])
    made.close(MARCH, APRIL)
    [first, *others] = usual(APRIL)
    made.deliver(APRIL, [{**first, "line_item_unblended_cost": 66.0}, *others], execution="e-2")
    made.enter(APRIL, "136.00")
    made.close(MAY)
    return made


def run(estate: Estate, period: str, line: str, *options: str, report: str = "") -> int:
    """The verb's exit code."""
    books = ["--books", str(estate.books.root), "--params", str(estate.params)]
    cur = ["--cur", report or str(estate.report)]
    return command_line.main(["trace", period, line, *books, *cur, *options])


def test_a_line_is_told_from_the_rule_to_the_line_items(estate, capsys):
    assert run(estate, MARCH, DIRECT) == 0
    said = capsys.readouterr().out
    for words in (
        "2026-03/direct/900000003/CC-1:1", "The rule: tag:user_cost_center", "Not governed",
        "60.0000000000 USD in 1 line items", ".parquet row 1", "statement of Shop",
    ):  # fmt: skip
        assert words in said, words


@pytest.mark.parametrize(
    "line", ["2026-03/direct/900000003/CC-1", "CC-1/012345678901/AmazonEC2", f"{MARCH}/{DIRECT}"]
)
def test_a_line_has_several_names(estate, capsys, line):
    assert run(estate, MARCH, line) == 0
    assert "2026-03/direct/900000003/CC-1:1" in capsys.readouterr().out


def test_a_units_line_is_all_its_cost_centers(estate, capsys, tmp_path):
    table = tmp_path / "items.csv"
    assert run(estate, MARCH, "shop/untagged", "--csv", str(table), "--full", "yes") == 0
    said = capsys.readouterr().out
    assert "20.00 USD  together, 2 postings" in said
    assert "30.0000000000 × 1 ÷ 3 = 10.0000000000, posted as 10.00  (cost-center:CC-1)" in said
    assert "30.0000000000 × 1 ÷ 3 = 10.0000000000, posted as 10.00  (cost-center:CC-9)" not in said
    with table.open() as file:
        [row] = csv.DictReader(file)
    assert (row["posting"], row["amount"]) == (
        "2026-03/pooled/900000003/untagged:1",
        "30.0000000000",
    )


def test_every_line_of_the_books_can_be_followed(estate, tmp_path, capsys):
    for period in (MARCH, MAY):
        origin = origin_of(estate.books, period)
        for row in filter(charges, origin.postings.to_pylist()):
            is_reversal = row["original_period"] and row["exact_amount"] == -60
            options = ("--csv", str(tmp_path / "items.csv"), "--full", "yes")
            code = run(estate, period, posting_id(row), *options)
            said = capsys.readouterr()
            if is_reversal:  # of the delivery that AWS overwrote
                assert code == 6 and "the report is not the delivery" in said.err
                continue
            assert code == 0, said.err
            with (tmp_path / "items.csv").open() as file:
                items = list(csv.DictReader(file))
            if row["kind"] == "allocated":
                assert sum(Decimal(one["amount"]) for one in items) == 30
            else:
                assert sum(Decimal(one["amount"]) for one in items) == row["exact_amount"]


def test_a_correction_is_followed_into_both_deliveries(estate, capsys, tmp_path):
    [back, again] = [
        row
        for row in origin_of(estate.books, MAY).postings.to_pylist()
        if row["original_period"] and row["cost_center_id"]
    ]
    assert (back["amount"], again["amount"]) == (Decimal("-60.00"), Decimal("66.00"))
    assert run(estate, MAY, posting_id(again)) == 0
    said = capsys.readouterr().out
    assert "It corrects April 2026: it books what was delivered last, 2026-04/direct" in said
    assert "66.0000000000 USD in 1 line items" in said
    earlier = tmp_path / "report"
    kept = make_estate(tmp_path / "other")
    kept.report.rename(earlier)
    assert run(estate, MAY, posting_id(back), report=str(earlier)) == 0
    said = capsys.readouterr().out
    assert "it takes back what was held" in said
    assert "−60.0000000000 USD in 1 line items" in said


def test_an_adjustment_names_its_own_approval_and_not_the_council_s(tmp_path, capsys):
    """Of two rows with one reference and one amount, each has its own."""
    rows = (
        f"{MARCH},CC-1,CC-2,2.00,licences,REF-2,Ann,Bob Lind,2026-01-20",
        f"{MARCH},CC-9,CC-2,2.00,storage,REF-2,Ann,Eve Roth,2026-01-21",
    )
    made = make_estate(tmp_path, MARCH, adjustments_csv=added("adjustments.csv", *rows))
    for line, own, other in (
        (
            "adjustment/0001:1",
            "Approved by Bob Lind on 2026-01-20 (REF-2), entered by Ann.",
            "Eve Roth",
        ),
        (
            "adjustment/0002:1",
            "Approved by Eve Roth on 2026-01-21 (REF-2), entered by Ann.",
            "Bob Lind",
        ),
    ):
        assert run(made, MARCH, f"{MARCH}/{line}") == 0
        said = capsys.readouterr().out
        assert own in said and other not in said
        assert "people moved this charge" in said
        assert "atified" not in said and "Not governed" not in said
    assert run(made, MARCH, DIRECT) == 0
    assert "Not governed" in capsys.readouterr().out


def test_an_adjustment_of_before_says_that_no_approval_is_recorded(tmp_path, capsys):
    """As books have it that the version before closed: six columns in their evidence."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(monthly, "check_approved", lambda adjustments: None)
        header = "billing_period,from_cost_center_id,to_cost_center_id,amount,reason,reference\n"
        row = f"{MARCH},CC-1,CC-2,2.00,licences,REF-2\n"
        made = make_estate(tmp_path, MARCH, adjustments_csv=header + row)
    assert run(made, MARCH, f"{MARCH}/adjustment/0001:1") == 0
    assert "Who approved it is not recorded" in capsys.readouterr().out
    assert any("identical" in line for line in made.close(MARCH))
    made.close(APRIL)  # the rows of March stay as they are
    made.write(adjustments_csv=header + row + row.replace(MARCH, MAY))
    with pytest.raises(Refusal) as raised:
        made.close(MAY)
    assert raised.value.what == "an adjustment lacks its entered_by"
    assert MAY not in made.books.closed_periods()


def test_what_tags_say_stays_text(estate, capsys, tmp_path):
    table = tmp_path / "items.csv"
    assert run(estate, MARCH, DIRECT, "--csv", str(table)) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\u202e" not in said
    with table.open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert not any(cell.lstrip(" \n").startswith(("=", "+", "@")) for cell in row.values())
    assert "\x1b" not in "".join(row.values())
    assert json.loads(row["resource_tags"])["user_cost_center"] == "CC-1"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("direct/900000003/CC-7:1", "2026-03/direct/900000003/CC-"),
        (f"{DIRECT[:-1]}2", "2026-03/direct/900000003/CC-1:1  cost-center:CC-1  60.00 USD"),
        ("allocated/900000003/untagged:1", "2026-03/allocated/900000003/untagged:2"),
        ("shop/012345678901/AmazonS4", "shop/012345678901/Amazon"),
        ("\x1b[2J", "the ledger of 2026-03"),
    ],
)
def test_an_unknown_line_is_refused_with_what_comes_near(estate, capsys, line, hint):
    assert run(estate, MARCH, line) == 2
    said = capsys.readouterr()
    assert said.out == "" and "\x1b" not in said.err
    assert said.err.startswith("STOPPED  there is no such line in this period")
    assert hint in said.err and "statement.csv" in said.err
    near = [one for one in said.err.splitlines() if "cost-center:" in one]
    assert len(near) == len({one.split()[-4:][0] for one in near}), near  # each once


def test_an_open_period_is_refused(estate, capsys):
    assert run(estate, "2026-06", DIRECT) == 2
    assert "2026-06 is not closed in these books" in capsys.readouterr().err


def test_the_row_of_the_statement_is_named(tmp_path, capsys):
    made = make_estate(tmp_path, MARCH)
    folder = made.books.statements(MARCH) / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "statement.csv"
    path.write_text(f"entry_id,line\nanother,1\n{MARCH}/direct/900000003/CC-1,1\n")
    assert run(made, MARCH, DIRECT) == 4
    assert f"the statements of {MARCH} has changed since the close" in capsys.readouterr().err
    key, name = signing_key(made.books), "statements/shop/statement.csv"
    sign_again(made.books, MARCH, key, lambda one: one["derived"].update({name: sha256_of(path)}))
    assert run(made, MARCH, DIRECT) == 0
    assert f"{path}, row 2" in capsys.readouterr().out


def test_evidence_that_was_changed_is_refused(tmp_path, capsys):
    made = make_estate(tmp_path, MARCH)
    path: Path = made.books.evidence(MARCH) / "owned_costs.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    assert run(made, MARCH, DIRECT) == 4
    assert "the evidence of 2026-03 has changed since the close" in capsys.readouterr().err


def pool_line(estate: Estate) -> tuple[str, str]:
    """What the shop pays of the untagged pool, and the cost center of the others in it."""
    [other] = {
        row["cost_center_id"]
        for row in origin_of(estate.books, MARCH).postings.to_pylist()
        if row["kind"] == "allocated" and row["business_unit_id"] not in (None, "shop")
    }
    return "shop/untagged", other


def test_a_units_part_of_a_pool_shows_nothing_of_others(estate, capsys):
    line, other = pool_line(estate)
    assert run(estate, MARCH, line) == 0
    said = capsys.readouterr().out
    assert other not in said and "For auditors" not in said
    assert "all weights" in said and "33.33%" in said and "FULL=yes" in said
    assert "By resource" not in said and ".parquet row" not in said
    assert "Line items behind the pool: 1, which sum to its 1 postings exactly" in said


def test_where_policy_has_shares_alone_no_weight_is_printed(tmp_path, capsys):
    made = make_estate(tmp_path)
    policy = made.params / "policy.toml"
    policy.write_text(policy.read_text() + 'published_totals = "shares"\n')
    made.close(MARCH)
    line, other = pool_line(made)
    assert run(made, MARCH, line) == 0
    said = capsys.readouterr().out
    assert "statements have shares alone" in said and "FULL=yes" in said
    assert other not in said and "all weights" not in said.lower().replace(
        "all weights are left out", ""
    )
    assert "33.3" not in said and "in the pool, to be split" not in said
    assert run(made, MARCH, line, "--full", "yes") == 0
    assert "33.33%" in capsys.readouterr().out


def test_for_auditors_all_of_it_is_printed_and_says_for_whom(estate, capsys):
    line, other = pool_line(estate)
    assert run(estate, MARCH, line, "--full", "yes") == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "For auditors: this shows the weights and amounts of all business units."
    )
    assert f"cost-center:{other}" in said and "By resource" in said and ".parquet row" in said


@pytest.mark.parametrize(
    ("line", "options", "what"),
    [
        (
            "shop/untagged",
            ("--csv", "items.csv"),
            "the line items of a pool are those of all business units",
        ),
        ("allocated/900000003/untagged", (), "this line is one of several business units"),
    ],
)
def test_what_shows_several_units_is_for_auditors(
    estate, capsys, tmp_path, monkeypatch, line, options, what
):
    monkeypatch.chdir(tmp_path)
    assert run(estate, MARCH, line, *options) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(f"STOPPED  {what}") and "FULL=yes" in said.err
    assert not list(tmp_path.iterdir())
    assert run(estate, MARCH, line, *options, "--full", "yes") == 0


@pytest.mark.parametrize(
    ("cells", "told", "kept"),
    [
        ("1,3,0.333", "30.0000000000 × 1 ÷ 3 = 10.0000000000, posted as 10.00", "finance keeps"),
        (",,", "finance keeps the pool's totals", "all weights"),
        (",,0.333", "of the pool = 10.0000000000, posted as 10.00", "all weights"),
    ],
)
def test_a_trace_tells_of_a_pool_what_the_statement_tells(tmp_path, capsys, cells, told, kept):
    made = make_estate(tmp_path, MARCH)
    path = made.books.statements(MARCH) / "shop" / "statement.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"kind,pool_id,pool_total,total_weight,share,entry_id,line\nallocated,untagged,{cells},e,1\n"
    )
    key, name = signing_key(made.books), "statements/shop/statement.csv"
    sign_again(made.books, MARCH, key, lambda one: one["derived"].update({name: sha256_of(path)}))
    assert run(made, MARCH, "shop/untagged") == 0
    said = capsys.readouterr().out
    assert told in said and kept not in said
