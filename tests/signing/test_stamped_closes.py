"""Closes whose signatures are time-stamped by a real authority: what they publish, keep, say and miss."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest

from chargeback.books.manifest import SIGNATURES
from chargeback.books.work_folder import WorkFolder
from chargeback.cli import main
from chargeback.close.order import level_note
from chargeback.core.errors import CONTROL_FAILED, DONE, UNREACHABLE, Refusal
from chargeback.signing import pades
from chargeback.signing.level import ANCHORS_VARIABLE, asked_level
from chargeback.signing.pades import kept_signature, sign_pdf
from chargeback.signing.pdf import check_pdf
from chargeback.signing.signing_key import KEY_VARIABLE, find_signer, signing_key
from chargeback.signing.time_stamp import AUTHORITY_VARIABLE
from tests.close.months import JUNE, MAY, Month, digests, manifest, run_process, sha256, write_month
from tests.params_folder import ALWAYS
from tests.signing.loopback import Loopback, serving, write_loopback
from tests.signing.test_pdf import pdfsig
from tests.verify.books import close_small, sign_again

pytestmark = pytest.mark.slow

PDFS = ("core/statement.pdf", "shop/statement.pdf")


@pytest.fixture
def asked(served, monkeypatch) -> Loopback:
    """Closes are signed with the loopback's key, and at level B-LT."""
    set_level(served, monkeypatch)
    return served


def set_level(loopback: Loopback, patch: pytest.MonkeyPatch) -> None:
    patch.setenv(KEY_VARIABLE, str(loopback.key_file()))
    patch.setenv(AUTHORITY_VARIABLE, loopback.address())
    patch.setenv(ANCHORS_VARIABLE, str(loopback.anchors()))


def restored(month: Month, lost: Path) -> str:
    """What is said where the close of a period restores a file that was lost."""
    lost.unlink()
    said = close_small(month, MAY)
    return "\n".join(said)


def test_a_close_stamps_pdfs_and_manifest_and_verify_prints_by_whom_and_when(
    asked, tmp_path, capsys
):
    month = write_month(tmp_path)
    close_small(month, MAY)
    signer = manifest(month.books)["signer"]
    assert signer == {
        "name": "CN=Loopback Finance,O=Loopback,C=US", "development": False,
        "time_stamp": "127.0.0.1", "long_term": True,
    }  # fmt: skip
    for name, rendered in manifest(month.books)["unsigned_pdfs"].items():
        found = check_pdf(
            (month.books.statements(MAY) / Path(name).relative_to("statements")).read_bytes(),
            rendered["bytes"],
        )
        assert found.stamp and found.store
    assert main(["verify", "--books", str(month.books.root)]) == DONE
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "time stamps of" in one]
    minute = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    assert re.fullmatch(
        r"time stamps of CN=Loopback Stamps,O=Loopback,C=US \(sha256 [0-9a-f]{64}\): "
        rf"{MAY} at {minute} and 2 PDFs \(B-LT\) (at {minute}|{minute} to {minute})",
        line,
    )


def test_books_with_and_without_stamps_say_which_is_which(asked, tmp_path, monkeypatch, capsys):
    month = write_month(tmp_path)
    monkeypatch.delenv(ANCHORS_VARIABLE)
    close_small(month, MAY)
    monkeypatch.delenv(AUTHORITY_VARIABLE)
    close_small(month, JUNE)
    assert manifest(month.books, JUNE)["signer"]["time_stamp"] == ""
    assert main(["verify", "--books", str(month.books.root)]) == DONE
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "time stamps of" in one]
    assert f"{MAY} at " in line and "and 2 PDFs (B-T) " in line and JUNE not in line


@pytest.mark.parametrize("anchors", [True, False])
def test_a_lost_pdf_comes_back_byte_for_byte_where_authority_and_key_are_gone(
    anchors, tmp_path, monkeypatch
):
    loopback = write_loopback(tmp_path / "loopback")
    month = write_month(tmp_path)
    with serving(loopback):
        set_level(loopback, monkeypatch)
        if not anchors:
            monkeypatch.delenv(ANCHORS_VARIABLE)
        close_small(month, MAY)
    before = digests(month.books.statements(MAY))
    lost = month.books.statements(MAY) / PDFS[0]
    assert "other bytes" not in restored(month, lost)
    for name in (KEY_VARIABLE, AUTHORITY_VARIABLE, ANCHORS_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    assert "other bytes" not in restored(month, lost)
    assert digests(month.books.statements(MAY)) == before


@pytest.mark.parametrize("place", ["stamp", "store"])
def test_verify_names_a_pdf_with_a_changed_byte(place, asked, tmp_path, capsys):
    month = write_month(tmp_path)
    close_small(month, MAY)
    path = month.books.statements(MAY) / PDFS[0]
    content = bytearray(path.read_bytes())
    rendered = manifest(month.books)["unsigned_pdfs"][f"statements/{PDFS[0]}"]["bytes"]
    # A digit of the last third of the signature is one of its stamp; the padding follows.
    begin = content.index(b"/Contents <", rendered)
    stamp_at = content.index(b"00000000", begin + 100) - 300
    at = {"stamp": stamp_at, "store": content.rindex(b"/Type /DSS") - 300}[place]
    content[at] = ord("0") if content[at] != ord("0") else ord("1")
    path.write_bytes(content)
    assert main(["verify", "--books", str(month.books.root)]) == CONTROL_FAILED
    said = capsys.readouterr().err
    assert f"statements/billing_period={MAY}/{PDFS[0]} is not what was closed" in said
    assert f"statements/billing_period={MAY}/{PDFS[0]}: " in said
    assert {"stamp": "its time stamp", "store": "nor does a security store follow it"}[
        place
    ] in said


def test_a_stamp_that_was_taken_off_a_pdf_is_missed_by_whoever_has_the_key_too(
    asked, tmp_path, capsys
):
    month = write_month(tmp_path)
    close_small(month, MAY)
    books, key = month.books, signing_key(month.books)
    path = books.statements(MAY) / PDFS[0]
    rendered = manifest(books)["unsigned_pdfs"][f"statements/{PDFS[0]}"]["bytes"]
    bare = sign_pdf(path.read_bytes()[:rendered], key, "Statement of AWS charges")
    path.write_bytes(bare)
    kept = kept_signature(books.evidence(MAY) / SIGNATURES, "core")
    kept.write_bytes(bare[rendered:])

    def change(content: dict) -> None:
        content["run"]["time_stamp"] = ""
        content["run"]["files"][f"statements/{PDFS[0]}"] = sha256(path)
        content["run"]["files"][f"evidence/{SIGNATURES}/core.pdf-signature"] = sha256(kept)

    sign_again(books, MAY, key, change)
    assert main(["verify", "--books", str(books.root)]) == CONTROL_FAILED
    lines = [one for one in capsys.readouterr().err.splitlines() if "statement.pdf" in one]
    assert [one.strip().removeprefix("where      ") for one in lines] == [
        f"statements/billing_period={MAY}/{PDFS[0]}: none, instead of a time stamp of 127.0.0.1"
    ]


def test_an_authority_that_goes_down_after_three_pdfs_publishes_nothing_and_the_next_run_does(
    tmp_path, monkeypatch
):
    units = "".join(f"u{n},Unit {n},Ann,ann@example.com,u{n}\n" for n in range(3))
    month = write_month(tmp_path, business_units_csv=ALWAYS["business_units.csv"] + units)
    loopback = write_loopback(tmp_path / "loopback")
    set_level(loopback, monkeypatch)
    stamped = []
    request_stamp = pades.request_stamp
    with serving(loopback) as running, monkeypatch.context() as patch:

        def request_until_it_is_down(*arguments):
            if len(stamped) == 3:
                running.stop()
            stamped.append(request_stamp(*arguments))
            return stamped[-1]

        patch.setattr(pades, "request_stamp", request_until_it_is_down)
        with pytest.raises(Refusal, match="the time stamp authority gave no time stamp") as stopped:
            close_small(month, MAY)
    assert stopped.value.exit_code == UNREACHABLE and len(stamped) == 3
    assert not month.books.ledger(MAY).exists() and not month.books.statements(MAY).exists()
    with serving(loopback):
        close_small(month, MAY)
    assert month.books.closed_periods() == [MAY]
    assert len([*month.books.statements(MAY).glob("*/statement.pdf")]) == 5
    assert main(["verify", "--books", str(month.books.root)]) == DONE


def test_a_development_key_with_anchors_is_told_once_that_it_stays_b_t(
    served, tmp_path, monkeypatch
):
    set_level(served, monkeypatch)
    monkeypatch.delenv(KEY_VARIABLE)
    month = write_month(tmp_path)
    said = "\n".join(close_small(month, MAY))
    assert said.count("a development key signs, which nobody can revoke") == 1
    path = month.books.statements(MAY) / PDFS[0]
    rendered = manifest(month.books)["unsigned_pdfs"][f"statements/{PDFS[0]}"]["bytes"]
    found = check_pdf(path.read_bytes(), rendered)
    assert found.stamp and not found.store
    assert "long_term" not in manifest(month.books)["signer"]


def test_nothing_is_said_of_levels_where_there_is_nothing_to_say(served, tmp_path, monkeypatch):
    month = write_month(tmp_path)
    work = WorkFolder(MAY, month.report, month.params, month.books, month.books.work(MAY))
    for setting in (False, True):
        if setting:
            set_level(served, monkeypatch)
        signed = replace(work, signer=asked_level().of(find_signer(month.books)))
        assert level_note(signed) == []


def words_of(path: Path) -> str:
    """What a page says, on one line."""
    if path.suffix == ".pdf":
        document = pypdfium2.PdfDocument(path)
        said = " ".join(page.get_textpage().get_text_range() for page in document)
        document.close()
    else:
        said = html.unescape(re.sub(r"<[^>]*>", " ", path.read_text("utf-8")))
    return " ".join(said.replace("\ufffe", "-").split())


def test_real_statements_say_who_says_when_and_keep_it_through_close_again_and_audit(
    asked, tmp_path, monkeypatch
):
    month = write_month(tmp_path)
    ended = run_process("monthly-close", MAY, *month.options)
    assert ended.exit_code == DONE, ended.refused
    folder = month.books.statements(MAY)
    stamped = "a time stamp (RFC 3161) of the authority at 127.0.0.1."
    for name in ("shop/statement.html", "shop/statement.pdf"):
        said = words_of(folder / name)
        assert f"The time of signing is confirmed by {stamped}" in said, said[-3000:]
        assert "of this pdfsig says “Not total document signed”" in said
        assert "by our word" not in said
    assert "Not total document signed" in pdfsig((folder / PDFS[1]).read_bytes(), tmp_path)
    index = words_of(folder / "index.html")
    assert (
        "The times of signing are confirmed by time stamps (RFC 3161) of the authority at 127.0.0.1;"
        in index
    )
    before = digests(folder)
    for name in (KEY_VARIABLE, AUTHORITY_VARIABLE, ANCHORS_VARIABLE):
        monkeypatch.delenv(name)
    assert run_process("audit", MAY, *month.options).exit_code == DONE
    (folder / PDFS[1]).unlink()
    (folder / "shop/statement.html").unlink()
    ended = run_process("monthly-close", MAY, *month.options)
    assert ended.exit_code == DONE and "other bytes" not in ended.said
    assert digests(folder) == before


def test_real_statements_without_an_authority_say_that_time_is_by_our_word_and_drafts_nothing(
    tmp_path,
):
    month = write_month(tmp_path)
    assert run_process("monthly-close", MAY, *month.options).exit_code == DONE
    folder = month.books.statements(MAY)
    for name in ("shop/statement.html", "shop/statement.pdf"):
        assert "The time of signing is by our word: the clock of" in words_of(folder / name)
    assert "The times of signing are by our word" in words_of(folder / "index.html")
    sign_again(
        month.books, MAY, signing_key(month.books), lambda one: one["signer"].pop("time_stamp")
    )
    (folder / "shop/statement.html").unlink()
    ended = run_process("monthly-close", MAY, *month.options)
    assert ended.exit_code == DONE and "other bytes" in ended.said
    assert "time of signing" not in words_of(folder / "shop/statement.html")
    ended = run_process("draft", "2026-07", *month.options)
    assert ended.exit_code == DONE, ended.refused
    drafts = [*month.books.draft("2026-07").rglob("*.html")]
    assert drafts
    for path in drafts:
        assert "time of signing" not in words_of(path) and "times of signing" not in words_of(path)
