"""The month's pack: what people receive of a closed period, under names for people.

    delivery/billing_period=2026-05/pack/index.html                     for finance: every unit, with links
                                        /2026-05 summary.pdf, .html     the CFO's page
                                        /2026-05 medical loss ratio.csv each charge by type of expense
                                        /claims/2026-05 Claims Operations statement.pdf, .html, .csv
                                               /2026-05 Claims Operations unit costs.csv, where it has some
                                        /mail/2026-05 Claims Operations.eml
                                        /summary.json                   what the CFO's page was made of

The statements are those that were closed, byte for byte. `summary.json` is put first: whoever goes on where
another run was killed, or runs at the same time, makes the same files of it. The pack counts once the log says
that it was handed out. What always holds: nothing of another unit is in a unit's folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from functools import partial
from pathlib import Path

from chargeback.books.delivery_log import HANDED_OUT, Entry
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.period import period_title
from chargeback.core.progress import Progress
from chargeback.delivery.covering import draft_of, message_bytes
from chargeback.delivery.covering_data import Mailing, files_of, statement_bytes
from chargeback.delivery.mail_settings import MailSettings
from chargeback.delivery.pack_folder import copy_pack
from chargeback.delivery.pack_index import INDEX_FILE, index_page
from chargeback.delivery.pack_names import loss_ratio_file, summary_file, summary_mail
from chargeback.delivery.released import ClosedForDelivery
from chargeback.delivery.summary import SUMMARY_FILE, Summary
from chargeback.delivery.summary_check import require_true_summary
from chargeback.delivery.summary_data import Disputes, disputes_known, make_summary
from chargeback.delivery.summary_render import render_summary
from chargeback.delivery.unit_costs_table import unit_cost_tables
from chargeback.ledger.medical_loss_ratio import kept_content
from chargeback.params.handout_policy import EVERY_UNIT
from chargeback.signing.cms import BrokenSignature
from chargeback.signing.level import asked_level
from chargeback.signing.pades import sign_statements
from chargeback.signing.pdf import check_pdf
from chargeback.signing.signing_key import signing_key
from chargeback.statements.render import find_renderer
from chargeback.statements.render import there as found_here

FOLDER = "pack"
ENDINGS = ("pdf", "html", "csv")
REASON = "Summary of AWS charges, {period}"


@dataclass(frozen=True)
class Pages:
    """The CFO's page: HTML, the PDF as it was rendered, and as it is handed out."""

    html: bytes
    rendered: bytes
    pdf: bytes


def in_pack(name: str) -> str:
    """The name, about a period, of a file of its pack."""
    return f"{FOLDER}/{name}"


@dataclass(frozen=True)
class PackTarget:
    """Hands a period out.

    Args:
        renderer: quarto or embedded; blank for who rendered the statements.
        disputes: what is known of open disputes when it is handed out.
    """

    renderer: str = ""
    disputes: Disputes = field(default=disputes_known)

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return "the month's pack"

    def deliver(self, period: ClosedForDelivery, progress: Progress) -> None:
        """As the protocol of targets says."""
        place = period.place_of(period.file_name(FOLDER))
        if entry := period.done(HANDED_OUT):
            progress(f"{period.period} was handed out on {entry.at}, by {entry.by}: nothing to do")
            progress(f"  pack        {place}")
            copy(period, entry, progress)
            return
        files = put_pack(period, self.renderer or renderer_of(period), self.disputes)
        entry, is_new = period.record(
            HANDED_OUT, files=files, details={"units": len(files_of(period))}
        )
        said = "is handed out" if is_new else f"was handed out on {entry.at}, by {entry.by}"
        progress(
            f"{period.period} {said}: {len(entry.files)} files, the summary read back and tied"
        )
        progress(f"  pack        {place}")
        copy(period, entry, progress)


def copy(period: ClosedForDelivery, entry: Entry, progress: Progress) -> None:
    """Copy the pack to the folder that was named for it, where one was."""
    if period.to is None:
        return
    prefix = period.file_name(f"{FOLDER}/")
    place, is_new = copy_pack(period, entry, prefix, period.to)
    progress(f"  copied to   {place}{'' if is_new else ', where it was already'}")


def renderer_of(period: ClosedForDelivery) -> str:
    """The name of who rendered the statements, where it is here; blank for any, where it is not."""
    return found_here(period.manifest["run"].get("renderer", {}).get("name", ""))


def put_pack(
    period: ClosedForDelivery, renderer: str = "", disputes: Disputes = disputes_known
) -> dict[str, str]:
    """Put the pack into the room, or what is missing of it; the sha256 of each file.

    Raises:
        Refusal: (exit 2) params are malformed; (exit 4) something is not as it was closed, the summary does
            not tie to the ledger, or another file is in the room; (exit 6) it could not be made or put.
    """
    summary = kept_summary(period) or make_summary(period, disputes)
    made = proved_pages(period, summary, renderer)
    name = period.file_name(in_pack(SUMMARY_FILE))
    if not period.room.put(name, summary.to_json().encode()):
        # Another run has put its own while this one was at work: what is handed out is made of that.
        summary = kept_summary(period) or summary
        made = proved_pages(period, summary, renderer)
    contents = pack_contents(period, summary, made.html, put_pdf(period, made))
    return period.put({in_pack(one): content for one, content in contents.items()})


def kept_summary(period: ClosedForDelivery) -> Summary | None:
    """The summary that the pack of a period is made of; None before there is one.

    Raises:
        Refusal: (exit 4) what is in the room is none, or is of another period.
    """
    name = period.file_name(in_pack(SUMMARY_FILE))
    content = period.room.read(name)
    if content is None:
        return None
    try:
        found = Summary.from_json(content.decode("utf-8"))
    except ValueError:
        found = None
    if found is None or found.billing_period != period.period:
        raise Refusal(
            CONTROL_FAILED, "the delivery room has another file of this name",
            f"the summary of {period.period}", "something else", "", [f"{period.room.place}/{name}"],
            ["see who put it there, move it away, and run it again"],
        )  # fmt: skip
    return found


def proved_pages(period: ClosedForDelivery, summary: Summary, renderer: str) -> Pages:
    """The CFO's page as HTML and signed PDF, read back from the very bytes that are handed out."""
    made = render_summary(summary, find_renderer(renderer))
    pdf = signed_pdf(period, summary, made.pdf)
    with tempfile.TemporaryDirectory(prefix="chargeback-") as temporary:
        paths = [Path(temporary) / f"summary.{one}" for one in ("html", "pdf")]
        for path, content in zip(paths, (made.html, pdf), strict=True):
            path.write_bytes(content)
        require_true_summary(period, summary, *paths)
    return Pages(made.html, made.pdf, pdf)


def signed_pdf(period: ClosedForDelivery, summary: Summary, rendered: bytes) -> bytes:
    """The PDF with a signature, that which it has in the room where it is there already.

    A signature has its time in it, so that two of the same page differ: the first one that was put counts.
    """
    if summary.signer is None:
        return rendered
    there = period.room.read(pdf_name(period))
    if there is not None and is_signed(there, rendered):
        return there
    reason = REASON.format(period=period_title(period.period))
    with tempfile.TemporaryDirectory(prefix="chargeback-") as temporary:
        path = Path(temporary) / "summary" / "summary.pdf"
        path.parent.mkdir()
        path.write_bytes(rendered)
        key = partial(signing_key, period.books)
        sign_statements(Path(temporary), key, reason, level=asked_level())
        return path.read_bytes()


def put_pdf(period: ClosedForDelivery, made: Pages) -> bytes:
    """Put the PDF into the room; what is there then, which may be another run's signature of the same page."""
    if not period.room.put(pdf_name(period), made.pdf):
        there = period.room.read(pdf_name(period))
        if there is not None and is_signed(there, made.rendered):
            return there
    return made.pdf


def pdf_name(period: ClosedForDelivery) -> str:
    """The name of the PDF in the room."""
    return period.file_name(in_pack(summary_file(period.period, "pdf")))


def is_signed(signed: bytes, rendered: bytes) -> bool:
    """Whether a PDF is what was rendered, with a signature behind it that holds."""
    try:
        check_pdf(signed, len(rendered))
    except BrokenSignature:
        return False
    return signed.startswith(rendered)


def pack_contents(
    period: ClosedForDelivery, summary: Summary, html: bytes, pdf: bytes
) -> dict[str, bytes]:
    """Every file of the pack by its name there; the index last, which leads to all others."""
    files = files_of(period)
    contents = {
        own.in_pack(ending): statement_bytes(period, unit_id, ending)
        for unit_id, own in files.items()
        for ending in ENDINGS
    }
    contents |= {
        SUMMARY_FILE: summary.to_json().encode(),
        summary_file(period.period, "pdf"): pdf,
        summary_file(period.period, "html"): html,
        **loss_ratio_contents(period, summary),
    }
    tables = unit_cost_tables(period)
    contents |= {files[unit_id].unit_costs: content for unit_id, content in tables.items()}
    mails = drafts(period, summary, contents)
    return {**contents, **mails, INDEX_FILE: index_page(summary, files, bool(mails), tables)}


def loss_ratio_contents(period: ClosedForDelivery, summary: Summary) -> dict[str, bytes]:
    """The split for the medical loss ratio as it was closed, where the summary shows it."""
    content = kept_content(period.books, period.period) if summary.loss_ratio else None
    return {} if content is None else {loss_ratio_file(period.period): content}


def drafts(
    period: ClosedForDelivery, summary: Summary, contents: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The covering mails, to be sent by hand; those that an earlier try has put stay as they are."""
    mailing = Mailing(period, summary, MailSettings(), contents.__getitem__)
    found = {}
    for one in mailing.every():
        is_whole = one.unit_id == EVERY_UNIT
        name = summary_mail(period.period) if is_whole else mailing.files[one.unit_id].mail
        there = period.room.read(period.file_name(in_pack(name)))
        is_own = there is not None and message_from_bytes(there)["Message-ID"] == one.message_id
        found[name] = there if there is not None and is_own else message_bytes(draft_of(one))
    return found
