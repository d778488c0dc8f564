"""Approval: a second person releases a closed period, with a signature of their own.

    billing_period=2026-05/approval-rita.ng.json        what was approved, by whom and when
    billing_period=2026-05/approval-rita.ng.json.p7s    their signature of it, as openssl cms -verify reads it

An approval names the sha256 of the period's manifest, which names every file of the period. The signature is of
the key that CHARGEBACK_SIGNING_KEY names where the approver works; its certificate must be the one that
delivery.toml has of that approver, and the key must not be the one that the period was signed with. Who closed
the period cannot approve it. The entry in the delivery log comes last and is what counts; the manifest of the
next close holds the head of that log.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chargeback.books.checked import signed_manifest
from chargeback.books.delivery_log import APPROVED, Entry, now
from chargeback.books.verify import verified_period
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.core.json_text import read_json
from chargeback.core.money import shown
from chargeback.core.progress import Progress
from chargeback.core.text import suggestion
from chargeback.delivery.released import ClosedForDelivery, is_who_closed, shown_entry
from chargeback.params.delivery import Approver
from chargeback.signing.cms import BrokenSignature, check_detached, sign_detached
from chargeback.signing.signing_key import KEY_VARIABLE, SigningKey, find_signer, signing_key
from chargeback.signing.time_stamp import time_stamp_authority


@dataclass(frozen=True)
class Approval:
    """What an approver signs.

    Args:
        charged: the sum of all statements, as the manifest has it.
        approved_at: by the clock of the approver's machine, in UTC.
    """

    books: str
    billing_period: str
    manifest_sha256: str
    charged: str
    closed_by: str
    approver_id: str
    approver: str
    certificate_sha256: str
    approved_at: str

    def content(self) -> bytes:
        """Its bytes: JSON with sorted keys."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False)
        return f"{text}\n".encode()


def approve(period: ClosedForDelivery, progress: Progress) -> None:
    """Release a period by the signature of one of its approvers, or say by whom it was.

    Raises:
        Refusal: (exit 2) nobody is asked to approve it, BY= is no approver, or the key is not theirs;
            (exit 4) the period is not as it was closed, or the approver closed it; (exit 6) a time stamp was
            asked for and not given.
    """
    if done := period.done(APPROVED):
        progress(f"{period.period} is already approved: {shown_entry(done)}; nothing was changed")
        return
    approver = named_approver(period)
    require_whole(period)
    require_second_person(period, approver)
    key = approvers_key(period, approver)
    entry = write_approval(period, approver, key)
    progress(approved_words(period, entry))


def named_approver(period: ClosedForDelivery) -> Approver:
    """The approver that BY= names, by id or name.

    Raises:
        Refusal: (exit 2) there is none of the name, or nobody is asked to approve the period.
    """
    if not period.asks_approval:
        raise bad_params(
            "nobody is asked to approve this period",
            "[[approver]] in the delivery.toml that it was closed with", "none",
            [f"{period.period} was released by its close"],
            [f"hand it out: make handout PERIOD={period.period}",
             "name approvers in delivery.toml: periods that are closed from then on wait for one of them"],
        )  # fmt: skip
    approvers = {one.approver_id: one for one in period.delivery.approvers}
    names = {one.name: one for one in period.delivery.approvers}
    found = approvers.get(period.by.strip()) or names.get(period.by.strip())
    if not found:
        raise bad_params(
            "this is no approver of the period",
            "one of " + ", ".join(approvers) if approvers else "an approver", repr(period.by),
            ["BY= or the option --by", f"delivery.toml, [[approver]] in force in {period.period}"],
            suggestion(period.by, approvers) or ["correct it, then run the same command again"],
        )  # fmt: skip
    return found


def require_whole(period: ClosedForDelivery) -> None:
    """Stop unless every file of the period is as it was closed (exit 4): nobody approves anything else."""
    findings = verified_period(period.books, period.period).findings
    if findings:
        raise Refusal(
            CONTROL_FAILED, "the period is not as it was closed, and cannot be approved",
            "every file as the signed manifest says", f"{len(findings)} that are not", "",
            [one.line for one in findings[:12]], ["see: make verify"],
        )  # fmt: skip


def require_second_person(period: ClosedForDelivery, approver: Approver) -> None:
    """Stop when the approver is who closed the period (exit 4)."""
    if is_who_closed(period, approver):
        closed_by = period.manifest["run"]["closed_by"]
        raise Refusal(
            CONTROL_FAILED, "who closed a period cannot approve it", f"another person than {closed_by}",
            approver.approver_id, "", [f"the manifest of {period.period}: closed by {closed_by}"],
            ["another approver runs: make approve PERIOD=" + period.period],
        )  # fmt: skip


def approvers_key(period: ClosedForDelivery, approver: Approver) -> SigningKey:
    """The approver's own key.

    Raises:
        Refusal: (exit 2) none is given, or its certificate is not the approver's; (exit 4) it is the one that
            the period was signed with.
    """
    if find_signer(period.books).development:
        raise bad_params(
            "an approval needs a key of the approver's own", f"the key of {approver.approver_id}",
            "no key, or the development key of the books", [KEY_VARIABLE],
            ["the development key lies with the books and is nobody's own"],
        )  # fmt: skip
    key = signing_key(period.books)
    own = certificate_sha256(key)
    closed_with = check_detached(signed_manifest(period.books, period.period).signature)
    if public_bytes(key) == closed_with.certificate.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ):
        raise Refusal(
            CONTROL_FAILED, "an approval cannot be signed with the key that closed the period",
            "a key of the approver's own", key.certificate.subject.rfc4514_string(), "",
            [f"the manifest of {period.period}", KEY_VARIABLE],
            ["one person's key closes, another person's approves"],
        )  # fmt: skip
    if own != approver.certificate_sha256:
        raise bad_params(
            "the key is not that of the approver", f"a certificate with sha256 {approver.certificate_sha256}",
            f"{key.certificate.subject.rfc4514_string()}, sha256 {own}", [approver.where, KEY_VARIABLE],
            [f"{KEY_VARIABLE} names the key of {approver.approver_id}",
             "or their certificate was renewed: enter it in delivery.toml, with dates"],
        )  # fmt: skip
    return key


def certificate_sha256(key: SigningKey) -> str:
    """The digest by which delivery.toml and openssl know a certificate."""
    return hashlib.sha256(key.certificate.public_bytes(Encoding.DER)).hexdigest()


def public_bytes(key: SigningKey) -> bytes:
    """The public half of a key, to compare."""
    return key.certificate.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


def write_approval(period: ClosedForDelivery, approver: Approver, key: SigningKey) -> Entry:
    """Sign, put both files into the room, and write the entry that makes them count.

    What a killed run has put there is taken up: the same approval is signed, and a signature that holds stays.
    """
    name = f"approval-{approver.approver_id}.json"
    content = the_approval(period, approver).content()
    kept = period.room.read(period.file_name(name))
    if kept is not None and is_same_approval(kept, content):
        content = kept
    signature = period.room.read(period.file_name(f"{name}.p7s"))
    if signature is None or not signs(signature, content, approver):
        signature = sign_detached(content, key, authority=time_stamp_authority())
    files = period.put({name: content, f"{name}.p7s": signature})
    details: dict[str, Any] = {
        "manifest_sha256": manifest_sha256(period),
        "certificate_sha256": approver.certificate_sha256,
    }
    return period.record(APPROVED, files=files, details=details)[0]


def the_approval(period: ClosedForDelivery, approver: Approver) -> Approval:
    """What an approver signs now."""
    return Approval(
        period.books_id, period.period, manifest_sha256(period),
        period.manifest["postings"]["charged"], str(period.manifest["run"].get("closed_by", "")),
        approver.approver_id, approver.name, approver.certificate_sha256, now(),
    )  # fmt: skip


def manifest_sha256(period: ClosedForDelivery) -> str:
    """The digest that stands for the whole period."""
    return hashlib.sha256(signed_manifest(period.books, period.period).content).hexdigest()


def is_same_approval(one: bytes, other: bytes) -> bool:
    """Whether two approvals say the same, apart from the time."""
    try:
        said, now_said = read_json(one), read_json(other)
        return bool(said | {"approved_at": ""} == now_said | {"approved_at": ""})
    except (ValueError, TypeError):
        return False


def signs(signature: bytes, content: bytes, approver: Approver) -> bool:
    """Whether a signature holds, is of a content, and is the approver's."""
    try:
        checked = check_detached(signature)
    except BrokenSignature:
        return False
    own = hashlib.sha256(checked.certificates[0]).hexdigest()
    is_of = checked.content_sha256 == hashlib.sha256(content).hexdigest()
    return is_of and own == approver.certificate_sha256


def approved_words(period: ClosedForDelivery, entry: Entry) -> str:
    """That a period is released, and what comes next."""
    charged = f"{shown(period.charged)} {period.manifest['currency']}"
    return (
        f"{period.period} is approved, {shown_entry(entry)}: {charged} may be handed out and booked\n"
        f"  next        make handout PERIOD={period.period}"
    )
