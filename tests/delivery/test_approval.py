"""Approval: a closed period waits for a second person's signature, and nothing leaves the books before."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from chargeback.books.checked import signed_manifest
from chargeback.books.delivery_log import APPROVED, CLOSED, HANDED_OUT, entry_name
from chargeback.books.verify import verify_books
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, DONE, Refusal
from chargeback.delivery import approval as approving
from chargeback.delivery.released import closed_for_delivery
from chargeback.delivery.stage import deliver
from chargeback.signing.cms import sign_detached
from chargeback.signing.signing_key import KEY_VARIABLE, read_key
from tests.close.months import JULY, JUNE, MAY, write_month
from tests.delivery.conftest import Prepared, approver_toml, people_in
from tests.delivery.pack.months import close_months
from tests.signing.key_files import certificate, pem, rsa_key
from tests.verify.books import close_small


@pytest.fixture
def approve(prepared, run, monkeypatch):
    """Runs `approve` as a person with a key."""

    def run_as(who, by: str = "", period: str = MAY):
        monkeypatch.setenv(KEY_VARIABLE, str(who.key_file))
        return run(
            "approve", period, "--by", by or who.approver_id, "--params", str(prepared.month.params),
            "--books", str(prepared.month.books.root),
        )  # fmt: skip

    return run_as


@pytest.fixture
def handout(prepared, run):
    """Runs `handout` on May."""
    return lambda period=MAY: run(
        "handout", period, "--params", str(prepared.month.params), "--books", str(prepared.month.books.root)
    )  # fmt: skip


def verified(prepared) -> list[str]:
    said: list[str] = []
    verify_books(prepared.month.books, said.append)
    return said


def test_a_prepared_period_hands_out_nothing(prepared, handout):
    ended = handout()
    assert ended.exit_code == CONTROL_FAILED
    assert "STOPPED  this period is prepared, and nobody has approved it" in ended.refused
    assert "an approval by one of rita.ng, omar" in ended.refused
    assert [one.action for one in prepared.of().log.entries] == [CLOSED]


def test_an_approval_releases_one_period(prepared, approve, handout):
    ended = approve(prepared.rita)
    assert (ended.exit_code, ended.refused) == (DONE, "")
    assert "2026-05 is approved" in ended.said and "100.01 USD" in ended.said
    assert handout().exit_code == DONE
    assert handout(JUNE).exit_code == CONTROL_FAILED
    entry = prepared.of().done(APPROVED)
    assert entry.by == "rita.ng"
    assert (
        entry.details["manifest_sha256"]
        == hashlib.sha256(signed_manifest(prepared.month.books, MAY).content).hexdigest()
    )
    assert any(
        one.startswith(f"2026-05 was approved on {entry.at[:10]} by rita.ng")
        for one in verified(prepared)
    )


def test_openssl_reads_an_approval(prepared, approve, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not here")
    approve(prepared.rita)
    folder = prepared.month.books.root / "delivery" / f"billing_period={MAY}"
    done = subprocess.run(
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", folder / "approval-rita.ng.json.p7s",
         "-content", folder / "approval-rita.ng.json", "-CAfile", prepared.rita.key_file, "-purpose", "any",
         "-out", tmp_path / "said.json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / "said.json").read_text())
    assert (said["approver_id"], said["charged"], said["closed_by"]) == (
        "rita.ng",
        "100.01",
        "Carl Close",
    )


def test_approving_again_changes_nothing(prepared, approve):
    approve(prepared.rita)
    before = {name: prepared.of().room.read(name) for name in prepared.of().room.names()}
    for who in (prepared.rita, prepared.omar):
        ended = approve(who)
        assert ended.exit_code == DONE
        assert "2026-05 is already approved" in ended.said and "by rita.ng" in ended.said
    assert {name: prepared.of().room.read(name) for name in prepared.of().room.names()} == before


def test_the_name_is_as_good_as_the_id(prepared, approve):
    assert approve(prepared.rita, by="Rita Ng").exit_code == DONE


@pytest.mark.parametrize("by", ["carl", "Carl Close"])
def test_who_closed_cannot_approve(prepared, approve, by):
    ended = approve(prepared.carl, by=by)
    assert ended.exit_code == CONTROL_FAILED
    assert "STOPPED  who closed a period cannot approve it" in ended.refused


def test_the_key_that_closed_cannot_approve(prepared, approve):
    ended = approve(prepared.carl, by="rita.ng")
    assert ended.exit_code == CONTROL_FAILED
    assert (
        "STOPPED  an approval cannot be signed with the key that closed the period" in ended.refused
    )


def test_a_renewed_certificate_of_the_closing_key_cannot_approve(prepared, approve, tmp_path):
    """The key decides, not its certificate: a second certificate makes no second person."""
    key = read_key(prepared.carl.key_file, b"").private_key
    other = certificate(key, "Somebody Else")
    path = tmp_path / "other.pem"
    path.write_bytes(pem(key, other))
    ended = approve(type(prepared.carl)("rita.ng", "Rita Ng", path, ""))
    assert (
        "STOPPED  an approval cannot be signed with the key that closed the period" in ended.refused
    )


def test_somebody_elses_key_is_refused(prepared, approve):
    ended = approve(prepared.omar, by="rita.ng")
    assert ended.exit_code == BAD_USAGE
    assert "STOPPED  the key is not that of the approver" in ended.refused
    assert prepared.omar.certificate_sha256 in ended.refused


def test_the_development_key_is_nobodys_own(prepared, run):
    ended = run(
        "approve", MAY, "--by", "rita.ng", "--params", str(prepared.month.params),
        "--books", str(prepared.month.books.root),
    )  # fmt: skip
    assert ended.exit_code == BAD_USAGE
    assert "STOPPED  an approval needs a key of the approver's own" in ended.refused
    assert not (prepared.month.books.root / "keys").exists()


def test_an_unknown_approver_is_refused(prepared, approve):
    ended = approve(prepared.rita, by="rita.n")
    assert ended.exit_code == BAD_USAGE
    assert "STOPPED  this is no approver of the period" in ended.refused
    assert "did you mean 'rita.ng'?" in ended.refused


def test_what_was_changed_is_not_approved(prepared, approve):
    path = prepared.month.books.statements(MAY) / "shop" / "statement.html"
    path.write_bytes(path.read_bytes() + b" ")
    ended = approve(prepared.rita)
    assert ended.exit_code == CONTROL_FAILED
    assert "STOPPED  the period is not as it was closed, and cannot be approved" in ended.refused
    assert prepared.of().done(APPROVED) is None


def test_an_open_period_is_refused(prepared, approve):
    ended = approve(prepared.rita, period=JULY)
    assert ended.exit_code == BAD_USAGE
    assert "STOPPED  this period is not closed" in ended.refused


def test_without_approvers_the_close_releases(tmp_path, run, monkeypatch):
    month = write_month(tmp_path)
    close_months(month, MAY)
    deliver(closed_for_delivery(month.books, MAY, month.params), lambda _: None)
    ended = run(
        "approve", MAY, "--by", "x", "--params", str(month.params), "--books", str(month.books.root)
    )
    assert ended.exit_code == BAD_USAGE
    assert "STOPPED  nobody is asked to approve this period" in ended.refused


def test_the_params_of_the_close_decide_whether_it_waits(prepared):
    """Taking the approvers out of delivery.toml afterwards releases nothing."""
    (prepared.month.params / "delivery.toml").unlink()
    with pytest.raises(Refusal, match="nobody has approved it"):
        deliver(prepared.of(), lambda _: None)


def test_two_approvers_at_once_release_it_once(prepared):
    keys = {one.approver_id: read_key(one.key_file, b"") for one in (prepared.rita, prepared.omar)}
    approvers = {one.approver_id: one for one in prepared.of().delivery.approvers}

    def sign(name: str):
        one = prepared.of(by=name)
        return approving.write_approval(one, approvers[name], keys[name])

    with ThreadPoolExecutor(2) as threads:
        entries = list(threads.map(sign, keys))
    assert entries[0] == entries[1]
    assert len(prepared.of().log.of(MAY, APPROVED)) == 1
    verified(prepared)


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_killed_approval_is_taken_up(prepared, approve, monkeypatch, calls):
    """Whatever of it was written, the next run ends with one approval that holds."""
    one = prepared.of()
    put, count = type(one.room).put, iter(range(9))

    def dies(room, name, content):
        if name != entry_name(1) and next(count) == calls:
            raise KeyboardInterrupt
        return put(room, name, content)

    with monkeypatch.context() as patch:
        patch.setattr(type(one.room), "put", dies)
        approve(prepared.rita)
    assert prepared.of().done(APPROVED) is None
    assert approve(prepared.rita).exit_code == DONE
    verified(prepared)


def fault(prepared, name: str, content: bytes | None) -> str:
    """What verify says when a file of the room is another one, or gone."""
    path = prepared.month.books.root / "delivery" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Refusal) as refused:
        verified(prepared)
    assert refused.value.exit_code == CONTROL_FAILED
    return refused.value.block()


APPROVAL = f"billing_period={MAY}/approval-rita.ng.json"


@pytest.mark.parametrize("name", [APPROVAL, f"{APPROVAL}.p7s"])
def test_verify_finds_a_changed_or_lost_approval(prepared, approve, name):
    approve(prepared.rita)
    path = prepared.month.books.root / "delivery" / name
    whole = path.read_bytes()
    assert f"delivery/{name} is not what was closed" in fault(prepared, name, whole + b" ")
    assert f"delivery/{name} is missing" in fault(prepared, name, None)


def rewritten(prepared, number: int, **changes: object) -> None:
    """Write an entry of the log anew, as somebody would who may write to the folder."""
    path = prepared.month.books.root / "delivery" / entry_name(number)
    said = json.loads(path.read_text("utf-8")) | changes
    path.write_text(json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def test_verify_finds_an_approval_of_the_closing_key(prepared, approve):
    """Somebody who holds only the key of the close forges an approval, log and all."""
    approve(prepared.rita)
    folder = prepared.month.books.root / "delivery"
    content = (folder / APPROVAL).read_bytes()
    forged = content.replace(
        prepared.rita.certificate_sha256.encode(), prepared.carl.certificate_sha256.encode()
    )
    signature = sign_detached(forged, read_key(prepared.carl.key_file, b""))
    (folder / APPROVAL).write_bytes(forged)
    (folder / f"{APPROVAL}.p7s").write_bytes(signature)
    entry = prepared.of().done(APPROVED)
    rewritten(
        prepared, entry.number,
        files={APPROVAL: hashlib.sha256(forged).hexdigest(),
               f"{APPROVAL}.p7s": hashlib.sha256(signature).hexdigest()},
        details=entry.details | {"certificate_sha256": prepared.carl.certificate_sha256},
    )  # fmt: skip
    with pytest.raises(Refusal) as refused:
        verified(prepared)
    assert (
        "that of the key that closed it, instead of a signature of a second person"
        in refused.value.block()
    )


def test_verify_finds_what_left_before_the_approval(prepared):
    prepared.of().record(HANDED_OUT)
    with pytest.raises(Refusal) as refused:
        verified(prepared)
    assert "handed out before anybody had approved the period" in refused.value.block()


def test_a_later_manifest_holds_the_log(tmp_path):
    """What June's close has seen can be neither cut off nor written anew."""
    carl, rita, omar = people_in(tmp_path)
    month = write_month(tmp_path, delivery_toml=approver_toml(carl, rita, omar))
    close_small(month, MAY, key_file=carl.key_file, by="Carl Close")
    may = closed_for_delivery(month.books, MAY, month.params, "rita.ng")
    approving.write_approval(may, may.delivery.approvers[1], read_key(rita.key_file, b""))
    close_small(month, JUNE, key_file=carl.key_file, by="Carl Close")
    books = Prepared(month, carl, rita, omar)
    log = may.log
    said = signed_manifest(month.books, JUNE).manifest["history"]["delivery"]
    assert said == {"entries": 2, "head": log.entries[1].sha256}
    verified(books)
    path = month.books.root / "delivery" / entry_name(2)
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(Refusal) as refused:
        verified(books)
    assert (
        f"2 entries with the head {said['head']}, as the manifest.json of {JUNE} says"
        in refused.value.block()
    )
    path.write_bytes(kept)
    rewritten(books, 2, by="somebody else")
    with pytest.raises(Refusal) as refused:
        verified(books)
    assert f"as the manifest.json of {JUNE} says" in refused.value.block()


@pytest.mark.parametrize(
    ("toml", "refused"),
    [
        ('[[approver]]\napprover_id = "r"\nname = "R"\nvalid_from = "2026-01"\n',
         "the key 'certificate_sha256' is missing"),
        (f'[[approver]]\napprover_id = "r"\nname = "R"\ncertificate_sha256 = "{"a" * 63}"\n'
         'valid_from = "2026-01"\n',
         "certificate_sha256 is no digest"),
        ('[[aprover]]\nname = "R"\n', "unknown key 'aprover'"),
        ("".join(f'[[approver]]\napprover_id = "{one}"\nname = "{one}"\ncertificate_sha256 = "{"a" * 64}"\n'
                 'valid_from = "2026-01"\n' for one in "rs"), "two approvers have one certificate"),
    ],
)  # fmt: skip
def test_a_wrong_delivery_toml_is_refused_before_anything_runs(tmp_path, run, toml, refused):
    month = write_month(tmp_path, delivery_toml=toml)
    ended = run("monthly-close", MAY, *month.options)
    assert ended.exit_code == BAD_USAGE
    assert f"STOPPED  {refused}" in ended.refused
    assert not month.books.ledger(MAY).exists()


def test_openssls_way_to_write_a_fingerprint_is_taken(tmp_path):
    key = rsa_key()
    people = people_in(tmp_path)[1:2]
    text = approver_toml(*people)
    digest = people[0].certificate_sha256
    colons = ":".join(digest[at : at + 2] for at in range(0, 64, 2)).upper()
    month = write_month(tmp_path / "month", delivery_toml=text.replace(digest, colons))
    close_small(month, MAY, by="Carl")
    [approver] = closed_for_delivery(month.books, MAY, month.params).delivery.approvers
    assert approver.certificate_sha256 == digest and key
