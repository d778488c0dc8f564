"""Answers from the page: written as the registers would write them, once, and gone on from by `make disputes`.

April, shop: 60.00 and 30.00 direct, 10.00 and 10.00 of the pool untagged            110.00
disputed on the page: 12.00 of the 20.00 of the pool; decided in the register: 6.67   3.34 and 3.33
May, shop: 110.00 again, less 6.67                                                  103.33
May, core: 20.00 and what shop gets back                                             26.67
"""

from __future__ import annotations

import csv
import html
import io
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from chargeback.books.delivery_log import ACKNOWLEDGED, DISPUTED, DeliveryLog, read_log
from chargeback.books.delivery_room import delivery_room
from chargeback.books.verify import verify_books
from chargeback.cli import main
from chargeback.core.errors import Refusal
from chargeback.delivery.disputes import acknowledged_units, standings
from chargeback.ledger.references import candidates
from chargeback.portal.answers import Answers
from tests.close.months import Ended, assert_refused
from tests.delivery.disputes.estate import DIRECT, OF_CORE, dispute, write_rows
from tests.delivery.disputes.test_adjusted import adjust
from tests.delivery.disputes.test_log import closed_files, log_of
from tests.made_once import made_once
from tests.portal.place import Portal, person
from tests.restatement.months import APRIL, MARCH, MAY, Estate, make_estate

pytestmark = pytest.mark.slow

NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)
OWNER = '[disputes]\nowner = "finops@insurer.example"\n'


@pytest.fixture
def estate(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """March and April closed with statements, and somebody who answers disputes."""

    def make(folder: Path) -> None:
        make_estate(folder).close(MARCH, APRIL, statements=True)

    made = made_once(tmp_path_factory, "disputed-with-statements", make)
    copied = make_estate(tmp_path)
    shutil.copytree(made / "books", copied.books.root)
    (copied.params / "delivery.toml").write_text(OWNER)
    return copied


@pytest.fixture
def portal(estate: Estate) -> Portal:
    """The estate, served on 6 May."""
    return Portal(estate.books, estate.params, now=NOW)


@pytest.fixture
def disputes(estate: Estate, capfd: pytest.CaptureFixture[str]) -> Callable[[str], Ended]:
    """Runs `disputes`, looking from a day."""

    def run(day: str) -> Ended:
        capfd.readouterr()
        exit_code = main([
            "disputes", "--params", str(estate.params), "--books", str(estate.books.root), "--date", day,
        ])  # fmt: skip
        said = capfd.readouterr()
        return Ended(exit_code, said.out, said.err)

    return run


def log_now(portal: Portal) -> DeliveryLog:
    """The delivery log."""
    return read_log(delivery_room(portal.books), "")


FIELDS = {
    "period": APRIL, "line": "shop/untagged", "amount": "12.00", "reason": "half of it\nis the platform's",
}  # fmt: skip


def test_a_statement_is_acknowledged_once_by_whom_it_is_for(portal: Portal, estate: Estate):
    shop = portal.looker("shop-people")
    answer = shop.post("/units/shop/acknowledge", period=APRIL, note="fine")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/units/shop?period=2026-04&said=acknowledged"
    page = shop.get(answer.headers["location"]).text
    assert "You have taken" not in page and "It is written down that you have taken note" in page
    assert "acknowledged on 2026-05-06 by dana@insurer.example" in page
    [entry] = log_of(estate).of(APRIL, ACKNOWLEDGED)
    assert entry.by == "id-Dana (Dana)" and entry.subject == "shop"
    assert entry.details["row"] == {
        "acknowledged_by": "dana@insurer.example", "acknowledged_on": "2026-05-06", "note": "fine",
    }  # fmt: skip
    statement = estate.books.statements(APRIL) / "shop" / "statement.csv"
    assert entry.details["statement"]["statements/shop/statement.csv"]
    assert statement.is_file() and entry.details["source"] == "the portal"
    again = portal.looker("shop-people", name="Eve").post("/units/shop/acknowledge", period=APRIL)
    assert "said=acknowledged-before" in again.headers["location"]
    assert log_of(estate).of(APRIL, ACKNOWLEDGED) == [entry]
    assert ("acknowledged", "statement/2026-04/shop") in shop.log.said


@pytest.mark.parametrize("group", ["core-people", "web-lead", "finops", "audit"])
@pytest.mark.parametrize("what", ["acknowledge", "dispute"])
def test_nobody_answers_for_others(portal: Portal, estate: Estate, group, what):
    answer = portal.looker(group).post(f"/units/shop/{what}", **FIELDS)
    assert answer.status_code == 404
    assert not log_of(estate).of(APRIL, ACKNOWLEDGED) and not log_of(estate).of(APRIL, DISPUTED)


def test_a_form_of_another_session_or_place_changes_nothing(portal: Portal, estate: Estate):
    shop, eve = portal.looker("shop-people"), portal.looker("shop-people", name="Eve")
    assert shop.post("/units/shop/acknowledge", eve.token(), period=APRIL).status_code == 403
    assert shop.post("/units/shop/acknowledge", "", period=APRIL).status_code == 403
    for origin in ("https://evil.example", "null"):
        answer = shop.client.post(
            "/units/shop/acknowledge", data={"form_token": shop.token(), "period": APRIL},
            headers={"origin": origin},
        )  # fmt: skip
        assert answer.status_code == 403
    assert shop.get("/units/shop/acknowledge").status_code == 404
    assert not log_of(estate).of(APRIL, ACKNOWLEDGED)


def test_a_line_is_disputed_once_and_another_amount_is_refused(portal: Portal, estate: Estate):
    shop = portal.looker("shop-people")
    page = shop.get("/units/shop").text
    assert "shop/untagged, 20.00 USD" in page and "core/" not in page
    answer = shop.post("/units/shop/dispute", **FIELDS)
    assert "said=disputed" in answer.headers["location"]
    [one] = standings(log_of(estate)).values()
    assert (one.line, one.amount, one.charged) == (
        "shop/untagged",
        Decimal("12.00"),
        Decimal("20.00"),
    )
    assert (one.raised_on, one.owner) == (date(2026, 5, 6), "finops@insurer.example")
    # five and fifteen business days after Wednesday, 6 May: the 13th, and the 27th
    assert (one.answer_due, one.decide_due) == (date(2026, 5, 13), date(2026, 5, 27))
    page = shop.get(answer.headers["location"]).text
    assert one.dispute_id in page and "finops@insurer.example answers by 2026-05-13" in page
    again = shop.post("/units/shop/dispute", **FIELDS, note="x")
    assert "said=disputed-before" in again.headers["location"]
    reference = candidates(APRIL, "shop", ("pool", "untagged"))
    named = {"line": "", "other": next(reference).lower()}  # the six signs beside the line
    again = shop.post("/units/shop/dispute", **{**FIELDS, **named})
    assert "said=disputed-before" in again.headers["location"]
    same = shop.post("/units/shop/dispute", **{**FIELDS, "other": f"{APRIL}/allocated/untagged:1"})
    other = shop.post("/units/shop/dispute", **{**FIELDS, "amount": "12.01"})
    assert other.status_code == 409 and "disputed already, with another amount" in other.text
    assert "12.01" in other.text and "half of it" in other.text  # what they wrote is still there
    assert same.status_code in (303, 422)
    assert list(standings(log_of(estate))) == [one.dispute_id]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount": "20.01"}, "more is disputed than the line charges"),
        ({"amount": "0"}, "not more than nothing"),
        ({"amount": "-1"}, "not more than nothing"),
        ({"amount": "1,000.00"}, "did you mean '1000.00'?"),
        ({"amount": "1e3"}, "not a plain decimal number"),
        ({"amount": "1.005"}, "more than 2 decimals"),
        ({"amount": ""}, "amount"),
        ({"reason": ""}, "a dispute lacks its reason"),
        ({"reason": "x" * 2001}, "longer than 2000 characters"),
        ({"line": ""}, "a dispute lacks its line"),
        ({"line": "", "other": "y" * 300}, "longer than 200 characters"),
        ({"line": OF_CORE}, "there is no such line"),
        ({"line": "core/untagged"}, "there is no such line"),
    ],
)
def test_what_cannot_be_disputed_is_said_on_the_page(portal: Portal, estate: Estate, change, words):
    answer = portal.looker("shop-people").post("/units/shop/dispute", **{**FIELDS, **change})
    text = html.unescape(answer.text)
    assert answer.status_code == 422 and words in text
    own_words = [f'value="{OF_CORE}"', f"Found: '{OF_CORE}'"]
    for one in own_words:  # of core they learn nothing that they have not written themselves
        text = text.replace(one, "")
    assert OF_CORE not in text and str(estate.folder) not in text
    assert not log_of(estate).of(APRIL, DISPUTED)


def test_a_field_that_is_missing_is_blank(portal: Portal):
    shop = portal.looker("shop-people")
    assert shop.post("/units/shop/dispute").status_code == 404  # of no period
    assert shop.post("/units/shop/dispute", period=APRIL).status_code == 422


def test_a_month_that_is_not_closed_is_not_answered(portal: Portal):
    shop = portal.looker("shop-people")
    for period in (MAY, "2026-13", "../2026-04", ""):
        assert shop.post("/units/shop/acknowledge", period=period).status_code == 404


def test_many_who_dispute_at_once_write_one_entry_and_never_more_than_is_charged(estate: Estate):
    answers = Answers(estate.books, estate.params, lambda: NOW)
    said: list[str] = []

    def raise_it(line: str, amount: str) -> None:
        try:
            found = answers.dispute(person("shop-people"), APRIL, "shop", line, amount, "not ours")
            said.append("new" if found.is_new else "before")
        except Refusal as refusal:
            said.append(refusal.what)

    todo = [("shop/untagged", "12.00")] * 6 + [("CC-1/untagged", "9.00")] * 3
    threads = [threading.Thread(target=raise_it, args=one) for one in todo]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    found = standings(log_of(estate)).values()
    assert sum(one.amount for one in found) <= Decimal("20.00")
    assert said.count("new") == 1 and len(said) == 9
    assert said.count("before") in (5, 2)


def test_registers_and_the_page_go_on_from_each_other(portal: Portal, estate: Estate, disputes):
    shop = portal.looker("shop-people")
    shop.post("/units/shop/dispute", **FIELDS)
    shop.post("/units/shop/acknowledge", period=APRIL)
    [one] = standings(log_of(estate)).values()
    ended = disputes("2026-05-07")
    assert ended.exit_code == 0, ended
    assert "2026-04  1 of 2 units; not yet: core" in ended.said and one.dispute_id in ended.said
    # the row that finance is told to add agrees with what the page wrote, word for word
    lines = ended.said.split(
        "To add to disputes.csv, to answer and decide what was raised in the portal\n"
    )[1]
    [row] = csv.DictReader(io.StringIO("\n".join(line[2:] for line in lines.splitlines()[:2])))
    assert row["reason"] == "half of it is the platform's" and row["dispute_id"] == one.dispute_id
    dispute(estate, row)
    ended = disputes("2026-05-07")
    assert ended.exit_code == 0 and "To add to disputes.csv" not in ended.said
    dispute(estate, {**row, "amount": "11.00"})
    assert_refused(
        disputes("2026-05-07"), 4, "a dispute differs from what the delivery log holds of it"
    )
    # and an acknowledgement of the register is one on the page
    write_rows(estate.params, "disputes.csv", row)
    write_rows(estate.params, "acknowledgements.csv", {
        "billing_period": APRIL, "business_unit_id": "core", "acknowledged_by": "Bob",
        "acknowledged_on": "2026-05-05",
    })  # fmt: skip
    assert disputes("2026-05-07").exit_code == 0
    core = portal.looker("core-people")
    assert "acknowledged on 2026-05-05 by Bob" in core.get("/units/core").text
    assert (
        "said=acknowledged-before"
        in core.post("/units/core/acknowledge", period=APRIL).headers["location"]
    )
    assert acknowledged_units(log_of(estate), APRIL, date(2026, 5, 7)).keys() == {"shop", "core"}


def total(estate: Estate, period: str, unit: str) -> Decimal:
    """What a unit's statement.csv sums to."""
    path = estate.books.statements(period) / unit / "statement.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return sum((Decimal(row["amount"]) for row in csv.DictReader(stream)), Decimal(0))


def test_a_dispute_goes_from_the_page_to_the_next_statement(
    portal: Portal, estate: Estate, disputes
):
    before = closed_files(estate)
    shop = portal.looker("shop-people")
    shop.post("/units/shop/dispute", **FIELDS)
    ended = disputes("2026-05-07")
    lines = ended.said.split("in the portal\n")[1]
    [row] = csv.DictReader(io.StringIO("\n".join(line[2:] for line in lines.splitlines()[:2])))
    answered = {**row, "answered_on": "2026-05-11", "answer": "some of it is yours"}
    dispute(estate, answered)
    assert disputes("2026-05-12").exit_code == 0
    portal.now = NOW.replace(day=12)
    assert "answered on 2026-05-11" in shop.get("/units/shop").text
    assert "some of it is yours" in shop.get("/units/shop").text
    dispute(estate, {
        **answered, "decided_on": "2026-05-20", "decision": "partly", "decided_amount": "6.67",
        "decided_by": "Cora",
    })  # fmt: skip
    ended = disputes("2026-05-21")
    assert ended.exit_code == 0 and "NOT ADJUSTED YET" in ended.said
    name = row["dispute_id"]
    adjust(estate, "".join(
        f"2026-05,{center},CC-9,{amount},dispute {name} about 2026-04,{name}\n"
        for center, amount in (("CC-1", "3.34"), ("CC-2", "3.33"))
    ))  # fmt: skip
    estate.close(MAY, statements=True)
    ended = disputes("2026-06-09")
    assert "adjusted: 2026-05/adjustment/0001, 2026-05/adjustment/0002\n" in ended.said, ended
    assert total(estate, MAY, "shop") == Decimal("103.33") and total(
        estate, MAY, "core"
    ) == Decimal("26.67")
    portal.now = NOW.replace(month=6, day=9)
    page = shop.get("/units/shop").text
    assert "partly on 2026-05-20; 6.67 USD given back" in page and "May 2026" in page
    now = closed_files(estate)
    assert {one: now[one] for one in before} == before
    said: list[str] = []
    verify_books(estate.books, said.append)
    assert any(MAY in line for line in said)


def test_without_somebody_who_answers_a_dispute_is_refused(portal: Portal, estate: Estate):
    (estate.params / "delivery.toml").unlink()
    answer = portal.looker("shop-people").post("/units/shop/dispute", **{**FIELDS, "line": DIRECT})
    assert answer.status_code == 422 and "nobody answers this dispute" in answer.text
    assert replace(person("x"), email="").by == "id-Dana (Dana)"
