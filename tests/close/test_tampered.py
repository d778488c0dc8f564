"""A file of a closed period that was altered, removed or added stops every run on the books."""

from __future__ import annotations

import json

import pytest

from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED
from chargeback.signing.cms import sign_detached
from chargeback.signing.signing_key import signing_key
from tests.close.months import JUNE, MAY, assert_refused, in_work, state

pytestmark = pytest.mark.slow


def change_a_byte(folder, name="postings.parquet"):
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def change_the_manifest(folder, change, sign=False):
    path = folder / "manifest.json"
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    if sign:
        key = signing_key(Books(folder.parents[1]))
        (folder / "manifest.json.p7s").write_bytes(sign_detached(path.read_bytes(), key))


TAMPERED = {
    "a byte of the postings": (change_a_byte, ["postings.parquet, recorded_sha256 "]),
    "a figure of the manifest": (
        lambda folder: change_the_manifest(
            folder, lambda one: one["postings"].update(charged="99.01")
        ),
        ["/manifest.json, recorded_sha256 "],
    ),
    "the digest of the postings": (
        lambda folder: change_the_manifest(
            folder, lambda one: one["derived"].update({"ledger/postings.parquet": "0" * 64}), sign=True
        ),
        ["/postings.parquet, recorded_sha256 " + "0" * 64],
    ),
    "a link that leads nowhere": (
        lambda folder: change_the_manifest(
            folder, lambda one: one.update(previous={"billing_period": "2026-04"}), sign=True
        ),
        ["found_sha256 not readable"],
    ),
    "a link to a period that is not there": (
        lambda folder: change_the_manifest(
            folder,
            lambda one: one.update(
                previous={"billing_period": "2026-04", "manifest_sha256": "1" * 64}
            ),
            sign=True,
        ),
        ["ledger/billing_period=2026-04/manifest.json, recorded_sha256 1111"],
    ),
    "a byte of the signature": (
        lambda folder: change_a_byte(folder, "manifest.json.p7s"), ["/manifest.json.p7s"],
    ),
    "no signature": (
        lambda folder: (folder / "manifest.json.p7s").unlink(), ["/manifest.json.p7s"],
    ),
    "a manifest cut short": (
        lambda folder: (folder / "manifest.json").write_text('{"billing_period": '),
        ["/manifest.json, recorded_sha256 "],
    ),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), ["/manifest.json"]),
    "no postings": (
        lambda folder: (folder / "postings.parquet").unlink(), ["/postings.parquet"],
    ),
    "an extra file": (
        lambda folder: (folder / "note.txt").write_text("paid"), ["/note.txt, found_sha256 "],
    ),
    "an extra folder": (lambda folder: (folder / "old").mkdir(), ["/old"]),
    "the folder of another period": (
        lambda folder: folder.rename(folder.with_name(f"billing_period={JUNE}")),
        [f"billing_period={JUNE}/manifest.json, recorded_sha256 of {JUNE}"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("verb, period", [("monthly-close", MAY), ("monthly-close", JUNE),
                                          ("draft", JUNE)])  # fmt: skip
@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_stops_every_run_on_the_books(name, verb, period, month, run):
    tamper, words = TAMPERED[name]
    tamper(month.books.ledger(MAY))
    before = state(month.books)
    ended = run(verb, period, *month.options)
    assert_refused(
        ended, CONTROL_FAILED, "closed_periods_are_unchanged", "restore the file from your backup",
        *words,
    )  # fmt: skip
    assert (state(month.books), in_work(month.books)) == (before, [])
