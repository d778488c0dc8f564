"""The month's pack: what is in it, once, whoever stops it or runs beside it, in a folder as in S3."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from email import message_from_bytes
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from chargeback.books.delivery_log import HANDED_OUT, read_log
from chargeback.books.delivery_room import FolderRoom
from chargeback.core.errors import Refusal
from chargeback.delivery import pack, stage
from chargeback.delivery.pack import PackTarget
from chargeback.delivery.released import closed_for_delivery
from chargeback.delivery.summary import Summary
from chargeback.signing.pdf import check_pdf
from chargeback.signing.signing_key import KEY_VARIABLE
from tests.close.months import JUNE, MAY, Month, assert_refused, run_process, state
from tests.close.test_months_without_invoice import COVERED, PRO_FORMA, declared, three_months
from tests.delivery.pack.months import copy_month, deliver, of, write_delivery
from tests.restatement.months import APRIL
from tests.s3_books.conftest import cloud, make_place, place  # noqa: F401  fixtures used below as well

pytestmark = pytest.mark.slow

PACK = f"billing_period={JUNE}/pack/"


def contents(month: Month) -> dict[str, bytes]:
    """The files of June's pack, by their names in it."""
    room = of(month).room
    return {one.removeprefix(PACK): room.read(one) or b"" for one in room.names(PACK)}


def hand_out(month: Month, **options: str) -> list[str]:
    """What a run says that hands June out."""
    return deliver(month, PackTarget("embedded"), **options)


def test_the_pack_holds_the_closed_statements_under_names_for_people(month):
    hand_out(month)
    found = contents(month)
    assert set(found) == {
        "index.html", "summary.json", "2026-06 summary.html", "2026-06 summary.pdf",
        "mail/2026-06 Core.eml", "mail/2026-06 Shop.eml",
        *(
            f"{unit}/2026-06 {unit.title()} statement.{ending}"
            for unit in ("core", "shop") for ending in ("pdf", "html", "csv")
        ),
    }  # fmt: skip
    for ending in ("pdf", "html", "csv"):
        closed = month.books.statements(JUNE) / "shop" / f"statement.{ending}"
        assert found[f"shop/2026-06 Shop statement.{ending}"] == closed.read_bytes()
    entry = of(month).done(HANDED_OUT)
    assert entry and entry.by == "finance"
    assert set(entry.files) == {PACK + name for name in found}


def test_a_unit_s_folder_and_mail_say_nothing_of_another(month):
    hand_out(month)
    for name, content in contents(month).items():
        if name.startswith("shop/") and not name.endswith(".pdf"):
            assert b"20.00" not in content and b"Core" not in content, name
        if name == "mail/2026-06 Shop.eml":
            text = content.decode()
            assert "Core" not in text and not re.search(r"[0-9]+\.[0-9]{2}\b", text)


class Links(HTMLParser):
    """Where a page leads to."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]


def test_the_index_leads_to_every_file_and_nowhere_else(month):
    hand_out(month)
    found = contents(month)
    page = found["index.html"]
    links = {unquote(one) for one in Links(page).found}
    assert links == {
        one
        for one in found
        if one not in ("index.html", "summary.json") and not one.endswith(".eml")
    }
    assert b"<script" not in page and b"http" not in page.replace(
        b"http://www.w3.org/2000/svg", b""
    )
    assert b"30.00" in page and b"20.00" in page and "−50.01".encode() in page


def test_the_summary_is_signed_with_the_key_of_the_books(month):
    hand_out(month)
    pdf = contents(month)["2026-06 summary.pdf"]
    rendered = pdf[: pdf.index(b"%%EOF") + len(b"%%EOF")]
    signature = check_pdf(pdf, len(rendered))
    closed = (month.books.statements(JUNE) / "shop" / "statement.pdf").read_bytes()
    end = closed.index(b"%%EOF") + len(b"%%EOF")
    assert signature.certificate == check_pdf(closed, end).certificate


def test_where_no_key_can_be_had_it_is_not_signed_and_says_why(month, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, str(month.params / "no-key.pem"))
    hand_out(month)
    found = contents(month)
    assert b"/ByteRange" not in found["2026-06 summary.pdf"]
    assert (
        b"This PDF is not signed: the signing key cannot be read" in found["2026-06 summary.html"]
    )


def test_a_second_run_changes_nothing_and_says_so(month):
    hand_out(month)
    before = state(month.books)
    said = hand_out(month)
    assert "was handed out on" in said[0] and "by finance: nothing to do" in said[0]
    assert state(month.books) == before


@pytest.mark.parametrize("kept", [0, 1, 2, 5, 13])
def test_a_run_that_was_killed_is_gone_on_with(month, monkeypatch, kept):
    """After so many files; what it has put stays as it is, the signature among it."""
    put, count = FolderRoom.put, [0]

    def killed(room: FolderRoom, name: str, content: bytes) -> bool:
        if PACK in name:
            if count[0] == kept:
                raise KeyboardInterrupt
            count[0] += 1
        return put(room, name, content)

    with monkeypatch.context() as patch:
        patch.setattr(FolderRoom, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            hand_out(month)
    assert not of(month).done(HANDED_OUT)
    before = contents(month)
    assert len(before) <= kept and bool(before) == bool(kept)
    write_delivery(month, '[mail]\nask = "somebody else, later"\n')
    hand_out(month)
    after = contents(month)
    assert len(after) == 12 and {one: after[one] for one in before} == before


def test_another_file_in_the_place_of_one_is_not_taken_for_it(month):
    name = f"{PACK}shop/2026-06 Shop statement.csv"
    of(month).room.put(name, b"amount\n99.00\n")
    with pytest.raises(Refusal) as stopped:
        hand_out(month)
    assert stopped.value.exit_code == 4 and not of(month).done(HANDED_OUT)


def test_what_is_no_summary_stops_it(month):
    of(month).room.put(f"{PACK}summary.json", b"{}")
    with pytest.raises(Refusal) as stopped:
        hand_out(month)
    assert stopped.value.what == "the delivery room has another file of this name"


def test_a_summary_that_somebody_put_there_must_tie_as_well(month, june):
    other = replace(june, untagged=june.untagged + 1)
    of(month).room.put(f"{PACK}summary.json", other.to_json().encode())
    with pytest.raises(Refusal) as stopped:
        hand_out(month)
    assert stopped.value.exit_code == 4
    assert stopped.value.what.endswith("the_summary_ties_to_the_ledger; nothing was handed out")
    assert list(contents(month)) == ["summary.json"]


def test_two_runs_at_once_hand_out_once(month):
    arguments = [JUNE, "--params", str(month.params), "--books", str(month.books.root)]
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "chargeback", "handout", *arguments], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [one.communicate(timeout=120)[0] for one in runs]
    assert [one.returncode for one in runs] == [0, 0], said
    log = read_log(of(month).room, of(month).books_id)
    assert len(log.of(JUNE, HANDED_OUT)) == 1 and len(contents(month)) == 12


def test_the_room_may_be_in_s3(month, place):  # noqa: F811
    books = replace(month.books, shelf=place.open().shelf)
    remote = replace(month, books=books)
    said = hand_out(remote)
    assert "is handed out: 12 files" in said[0] and "s3://" in said[1]
    assert len(contents(remote)) == 12 and "nothing to do" in hand_out(remote)[0]
    assert not (month.books.root / "delivery" / f"billing_period={JUNE}").exists()


def test_a_pack_is_copied_whole_to_a_folder_and_replaces_nothing(month, tmp_path):
    arguments = [JUNE, "--params", str(month.params), "--books", str(month.books.root)]
    to = tmp_path / "share"
    ended = run_process("handout", *arguments, "--to", str(to))
    assert ended.exit_code == 0 and f"copied to   {to / JUNE}" in ended.said
    copied = {
        path.relative_to(to / JUNE).as_posix(): path.read_bytes()
        for path in to.rglob("*") if path.is_file()
    }  # fmt: skip
    assert copied == contents(month) and [one.name for one in to.iterdir()] == [JUNE]
    (to / JUNE / "shop" / "note.txt").write_text("kept")
    again = run_process("handout", *arguments, "--to", str(to))
    assert again.exit_code == 0 and "where it was already" in again.said
    assert (to / JUNE / "shop" / "note.txt").read_text() == "kept"
    (to / JUNE / "index.html").write_text("mine")
    stopped = run_process("handout", *arguments, "--to", str(to))
    assert_refused(stopped, 2, "something else in the place of the pack", "index.html")
    assert (to / JUNE / "index.html").read_text() == "mine"


def test_drafts_open_to_be_sent_and_are_to_who_the_params_name(month):
    write_delivery(
        month,
        '[[contact]]\nbusiness_unit_id = "shop"\nto = ["ann@example.com"]\ncc = ["cc@example.com"]\n'
        'attach = ["pdf"]\nvalid_from = "2026-01"\n'
        '[[contact]]\nbusiness_unit_id = "*"\nto = ["cfo@example.com"]\nvalid_from = "2026-06"\n',
    )
    hand_out(month)
    found = contents(month)
    shop = message_from_bytes(found["mail/2026-06 Shop.eml"])
    assert (shop["X-Unsent"], shop["To"], shop["Cc"]) == (
        "1",
        "Ann <ann@example.com>",
        "cc@example.com",
    )
    [attached] = [one for one in shop.walk() if one.get_filename()]
    assert attached.get_payload(decode=True) == found["shop/2026-06 Shop statement.pdf"]
    assert message_from_bytes(found["mail/2026-06 summary.eml"])["To"] == "cfo@example.com"
    assert b"2026-06 summary.pdf" in found["mail/2026-06 summary.eml"]


def test_the_first_period_is_handed_out_too(month):
    said = deliver(month, PackTarget("embedded"), period=MAY)
    assert "is handed out: 12 files" in said[0]


@pytest.mark.parametrize("form", ["none", "another"])
def test_a_period_of_an_earlier_version_is_left_to_people(month, monkeypatch, form):
    data = "chargeback.delivery.summary_data."
    if form == "none":
        monkeypatch.setattr(f"{data}INDEX_DATA", "evidence/statements/none.json")
    else:
        monkeypatch.setattr(f"{data}INDEX_DATA", "evidence/statements/statement-shop.json")
    with pytest.raises(Refusal) as stopped:
        hand_out(month)
    assert stopped.value.exit_code == 2 and not contents(month)
    assert stopped.value.what.startswith("an earlier version closed this period")


def test_the_stage_hands_out_first_and_mails_last(month):
    names = [one.name for one in stage.targets(of(month))]
    assert names[0] == "the month's pack" and names[-1] == "mail"


def test_disputes_that_are_open_are_on_the_page(month):
    from decimal import Decimal

    from chargeback.delivery.summary import OpenDispute

    dispute = OpenDispute("D-7", "shop", Decimal("12.50"), "2026-07-20")
    deliver(month, PackTarget("embedded", disputes=lambda _: [dispute]))
    kept = Summary.from_json(contents(month)["summary.json"].decode())
    assert kept.disputes == (dispute,)
    page = contents(month)["2026-06 summary.html"].decode()
    assert "1 open dispute" in page and "D-7" in page and "12.50" in page
    assert pack.FOLDER == "pack"


def test_copies_of_books_are_handed_out_each(closed: Path, tmp_path: Path):
    """What is handed out depends on the books alone: two copies give the same pages."""
    pages = []
    for name in ("a", "b"):
        month = copy_month(closed, tmp_path / name)
        hand_out(month)
        found = contents(month)
        at = Summary.from_json(found["summary.json"].decode()).handed_out_at
        pages.append({one: text.replace(at.encode(), b"") for one, text in found.items()})
    for name in ("index.html", "2026-06 summary.html"):
        assert pages[0][name] == pages[1][name]


def test_months_of_other_kinds_are_handed_out_too(tmp_path):
    """A pro forma month, one after it, and one that costs nothing."""
    for name, april, policy in (
        ("pro-forma", PRO_FORMA, declared("pro-forma", APRIL)),
        ("covered", COVERED, declared("none", APRIL)),
    ):
        estate = three_months(tmp_path / name, april, policy_toml=policy)
        estate.close(APRIL, MAY, statements=True)
        for period in (APRIL, MAY):
            said: list[str] = []
            closed = closed_for_delivery(estate.books, period, estate.params)
            PackTarget("embedded").deliver(closed, said.append)
            assert "is handed out: 12 files" in said[0], (name, period)
            page = closed.room.read(f"billing_period={period}/pack/{period} summary.html") or b""
            marks = {"pro-forma": b"PRO FORMA", "covered": b"NO AWS INVOICE"}
            assert (marks[name] in page) == (period == APRIL)
