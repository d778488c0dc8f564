"""Covering mails: what a unit is written when its statement is handed out, as an .eml file.

By default a mail has a link and no figures at all: it goes through other people's servers and mailboxes. A unit
that chose so gets files along (`attach` of its contact). What always holds: what is written is the same bytes
whenever it is written again, and its Message-ID is that of the books, the period and the unit; so a mail that
came twice is known for what it is. Whatever is a header is one line of text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from chargeback.core.period import day_title, period_title
from chargeback.core.text import plain
from chargeback.pages.escaping import html_text

MEDIA = {"pdf": ("application", "pdf"), "html": ("text", "html"), "csv": ("text", "csv")}

#: Whom a mail over all units is of.
FINANCE = "*"

STATEMENT_SUBJECT = "AWS charges of {period}: the statement of {unit}"
SUMMARY_SUBJECT = "AWS charges of {period}: the summary for finance"
GREETING, GREETING_NOBODY = "Hello {name},", "Hello,"
READY = "the statement of what {unit} is charged for AWS in {period} is ready."
SUMMARY_READY = (
    "{period} is closed, and the summary of what all business units are charged for AWS is ready."
)
WHERE, WHAT, WHOM = "Where it is", "What to do", "Who to ask"
LINKED, ATTACHED = "{link}", "It is attached: {names}."
HANDED = "Finance hands it to you: {name}."
SUMMARY_HANDED = (
    "It lies in the pack of the month, where index.html leads to every statement: {name}."
)
LOOK = (
    "Please look at it by {day}. If it is right, answer that you acknowledge it. If a line is not, answer with "
    "the line (its entry_id and line in the CSV file), the reason and the amount: that is a dispute. It "
    "changes nothing in a closed month; what is decided is charged or given back in a later one."
)
SUMMARY_LOOK = "Units have until {day} to acknowledge their statements or to dispute lines of them."
ASK, ASK_BY_REPLY = "{ask}", "Answer to this mail."


@dataclass(frozen=True)
class Attachment:
    """A file that comes along."""

    name: str
    ending: str
    content: bytes


@dataclass(frozen=True)
class Covering:
    """A mail to be written.

    Args:
        unit_id: of whom it is; `FINANCE` over all units.
        unit: what it is called.
        greeted: the person, by name; blank where nobody is named.
        sender: blank in a draft that somebody sends by hand.
        link: where the statement is; blank where it is nowhere to be linked to.
        file_name: how what is handed out is called.
        answer_by: the last day to acknowledge or dispute.
    """

    books_id: str
    period: str
    unit_id: str
    unit: str
    greeted: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    sender: str
    reply_to: str
    ask: str
    link: str
    file_name: str
    attachments: tuple[Attachment, ...]
    at: datetime
    answer_by: date

    @property
    def message_id(self) -> str:
        """The same whenever the unit is written to about the period."""
        named = f"{self.books_id}\n{self.period}\n{self.unit_id}"
        digest = hashlib.sha256(named.encode()).hexdigest()[:32]
        return f"<{self.period}.{digest}@chargeback.invalid>"

    @property
    def recipients(self) -> tuple[str, ...]:
        """All addresses, each once."""
        return tuple(dict.fromkeys((*self.to, *self.cc)))


def message_bytes(covering: Covering) -> bytes:
    """The mail as it is sent: RFC 5322, lines ended by CR LF.

    A draft, which names no sender, is marked as not sent, so that mail programs open it to be sent.
    """
    message = EmailMessage(policy=SMTP)
    subject = SUMMARY_SUBJECT if covering.unit_id == FINANCE else STATEMENT_SUBJECT
    named = {"period": period_title(covering.period), "unit": plain(covering.unit)}
    message["Subject"] = subject.format(**named)
    if covering.sender:
        message["From"] = covering.sender
    else:
        message["X-Unsent"] = "1"
    if covering.to:
        message["To"] = [_address(one, covering) for one in covering.to]
    if covering.cc:
        message["Cc"] = [Address(addr_spec=one) for one in covering.cc]
    if covering.reply_to:
        message["Reply-To"] = covering.reply_to
    message["Date"] = format_datetime(covering.at)
    message["Message-ID"] = covering.message_id
    message["Auto-Submitted"] = "auto-generated"
    paragraphs = words_of(covering)
    message.set_content(as_text(paragraphs), cte="quoted-printable")
    message.add_alternative(
        as_html(paragraphs, covering.link), subtype="html", cte="quoted-printable"
    )
    for one in covering.attachments:
        kind, subtype = MEDIA[one.ending]
        message.add_attachment(one.content, maintype=kind, subtype=subtype, filename=one.name)
    _fix_boundaries(message, covering)
    return message.as_bytes()


def _address(address: str, covering: Covering) -> Address:
    """An address, with the name of who is greeted where that is the only one."""
    name = plain(covering.greeted) if len(covering.to) == 1 else ""
    return Address(name, addr_spec=address)


def _fix_boundaries(message: EmailMessage, covering: Covering) -> None:
    """Give the parts borders that are the same in every run, and that no part has in it."""
    content = hashlib.sha256(covering.message_id.encode())
    for one in covering.attachments:
        content.update(one.content)
    parts = [part for part in message.walk() if part.is_multipart()]
    for number, part in enumerate(parts):
        part.set_boundary(f"=_{content.hexdigest()[:40]}_{number}")


def words_of(covering: Covering) -> list[tuple[str, str]]:
    """What the mail says: headings, blank for the first two, each with its text."""
    named = {"period": period_title(covering.period), "unit": covering.unit}
    greeting = GREETING.format(name=covering.greeted) if covering.greeted else GREETING_NOBODY
    whole = covering.unit_id == FINANCE
    look = SUMMARY_LOOK if whole else LOOK
    day = day_title(covering.answer_by)
    ask = covering.ask or ASK_BY_REPLY
    return [
        ("", plain(greeting)),
        ("", plain((SUMMARY_READY if whole else READY).format(**named))),
        (WHERE, plain(_where(covering))),
        (WHAT, look.format(day=day)),
        (WHOM, plain(ask)),
    ]


def _where(covering: Covering) -> str:
    said = [LINKED.format(link=covering.link)] if covering.link else []
    if covering.attachments:
        names = ", ".join(one.name for one in covering.attachments)
        said.append(ATTACHED.format(names=names))
    if not said:
        handed = SUMMARY_HANDED if covering.unit_id == FINANCE else HANDED
        said.append(handed.format(name=covering.file_name))
    return " ".join(said)


def as_text(paragraphs: Sequence[tuple[str, str]]) -> str:
    """The mail as plain text."""
    blocks = [f"{heading}:\n{text}" if heading else text for heading, text in paragraphs]
    return "\n\n".join(blocks) + "\n"


def as_html(paragraphs: Sequence[tuple[str, str]], link: str) -> str:
    """The mail as simple HTML."""
    blocks = []
    for heading, text in paragraphs:
        shown = html_text(text)
        if link:
            address = html_text(link)
            shown = shown.replace(address, f'<a href="{address}">{address}</a>')
        title = f"<strong>{html_text(heading)}</strong><br>" if heading else ""
        blocks.append(f"<p>{title}{shown}</p>")
    return "<!DOCTYPE html>\n<html><body>\n" + "\n".join(blocks) + "\n</body></html>\n"


def draft_of(covering: Covering) -> Covering:
    """The mail for the pack, which somebody sends by hand from an address of their own."""
    return replace(covering, sender="")


def attachments_of(
    names: Mapping[str, str], contents: Mapping[str, bytes], endings: Sequence[str]
) -> tuple[Attachment, ...]:
    """The files that were chosen, where there are some, by their endings."""
    return tuple(Attachment(names[one], one, contents[one]) for one in endings if one in contents)
