"""Handing out: who gets a period's pack and how, three tables of delivery.toml.

    [handout]
    link = "https://portal.example/{period}/{business_unit_id}"   where a statement is to be found; optional

    [mail]                                 all optional
    reply_to = "cloud-billing@insurer.example"
    ask = "the cloud billing desk, extension 4711"       who is to be asked, in words

    [[contact]]                            who gets a unit's mail; dated; else owner and email of its register
    business_unit_id = "claims"            or "*": the summary over all units, for finance
    to = ["dana.whitfield@insurer.example"]
    cc = []
    attach = ["pdf"]                       of pdf, html, csv; nothing by default, for no figures
    valid_from = "2026-01"

It decides no charge. Addresses and links end in the headers and texts of mails, so that whatever could be read
there as something else is refused.
"""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from chargeback.core.errors import apart, bad_params
from chargeback.core.period import holds_in
from chargeback.core.text import suggestion
from chargeback.params.rules import read_dates
from chargeback.params.toml_files import TomlFile, check_names, text_list, text_value

#: Whose contact is of: all units together.
EVERY_UNIT = "*"

#: What of a statement, or of the summary, a mail can bring along.
ATTACHED = ("pdf", "html", "csv")

LINK_FIELDS = ("period", "business_unit_id")
CONTACT_KEYS = ("business_unit_id", "to", "cc", "attach", "valid_from", "valid_to")

#: An address as mail servers take it, without quotes, comments and whatever could end a header.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_CONTROL = re.compile("[\u0000-\u001f\u007f-\u009f\u2028\u2029]")
MOST_OF_ADDRESS = 254


@dataclass(frozen=True)
class Contact:
    """Who gets a unit's mail, and what comes with it; or the mail over all units."""

    business_unit_id: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    attach: tuple[str, ...]
    valid_from: str
    valid_to: str
    where: str = field(compare=False, default="")


@dataclass(frozen=True)
class HandoutPolicy:
    """How a period is handed out.

    Args:
        link: where a unit's statement is to be found, with `LINK_FIELDS` in braces; blank where nowhere.
        ask: who is to be asked, in words; blank where nobody is named.
        contacts: in force in the period, by business unit or `EVERY_UNIT`.
    """

    link: str = ""
    reply_to: str = ""
    ask: str = ""
    contacts: dict[str, Contact] = field(default_factory=dict)

    def link_of(self, period: str, unit_id: str) -> str:
        """The address of a unit's statement; blank where there is none."""
        return self.link.format(period=quote(period), business_unit_id=quote(unit_id, safe=""))


def read_handout_policy(file: TomlFile, period: str) -> HandoutPolicy:
    """How delivery.toml has a period handed out.

    Raises:
        Refusal: (exit 2) an address, a link or an entry is malformed.
    """
    where, handout = file.subtable("handout", ("link",))
    mail_where, mail = file.subtable("mail", ("reply_to", "ask"))
    link = reply_to = ""
    with apart():
        link = text_value(where, handout, "link", "")
        check_link(link, where)
    with apart():
        reply_to = text_value(mail_where, mail, "reply_to", "")
        if reply_to:
            check_address(reply_to, "reply_to", mail_where)
    ask = text_value(mail_where, mail, "ask", "")
    with apart():
        check_line(ask, "ask", mail_where)
    every = file.dated_entries("contact", "business_unit_id", contact)
    held = {
        one.business_unit_id: one for one in every if holds_in(period, one.valid_from, one.valid_to)
    }
    return HandoutPolicy(link, reply_to, ask, held)


def contact(where: str, raw: dict[str, Any]) -> Contact:
    """One [[contact]]."""
    check_names(where, raw, CONTACT_KEYS)
    to, cc = text_list(where, raw, "to"), text_list(where, raw, "cc")
    if not to:
        raise bad_params(
            "a contact has no address", 'to = ["somebody@example.com"]', "none", [where]
        )
    for key, addresses in (("to", to), ("cc", cc)):
        for one in addresses:
            with apart():
                check_address(one, key, where)
    attach = text_list(where, raw, "attach")
    for one in attach:
        with apart():
            if one not in ATTACHED:
                raise bad_params(
                    "a mail cannot bring this along", "some of " + ", ".join(ATTACHED), repr(one), [where]
                )  # fmt: skip
    return Contact(
        text_value(where, raw, "business_unit_id"), to, cc, tuple(dict.fromkeys(attach)),
        *read_dates(where, raw, "rule"), where,
    )  # fmt: skip


def check_contacts(policy: HandoutPolicy, unit_ids: Collection[str]) -> None:
    """Stop at a contact of a unit that no register knows (exit 2)."""
    for one in policy.contacts.values():
        with apart():
            if one.business_unit_id not in (EVERY_UNIT, *unit_ids):
                raise bad_params(
                    "a contact is of an unknown business unit",
                    f'an id of business_units.csv, or "{EVERY_UNIT}" for all together',
                    repr(one.business_unit_id), [one.where], suggestion(one.business_unit_id, unit_ids),
                )  # fmt: skip


def is_address(text: str) -> bool:
    """Whether a text is an address that a mail server takes as it is.

    >>> [is_address(one) for one in ("a.b@example.com", "a@b@c", "x@y\\nBcc: z@w", "Ann <a@b.c>")]
    [True, False, False, False]
    """
    return len(text) <= MOST_OF_ADDRESS and _ADDRESS.fullmatch(text) is not None


def check_address(text: str, key: str, where: str) -> None:
    """Stop at what is no address (exit 2)."""
    if not is_address(text):
        raise bad_params(
            f"{key} has something that is no mail address",
            "one such as dana.whitfield@insurer.example, without a name", repr(text), [where],
        )  # fmt: skip


def check_line(text: str, key: str, where: str) -> None:
    """Stop at a text that would be more than one line of a mail (exit 2)."""
    if _CONTROL.search(text):
        raise bad_params(f"{key} must be one line of text", "no line ends", repr(text), [where])


def check_link(link: str, where: str) -> None:
    """Stop at a link that leads nowhere, has other fields, or would be read by others on its way (exit 2)."""
    if not link:
        return
    fields = "{" + "}, {".join(LINK_FIELDS) + "}"
    try:
        parsed = list(string.Formatter().parse(link))
        named = {name for _, name, _, _ in parsed if name is not None}
        plain = all(not spec and not conversion for _, _, spec, conversion in parsed)
        address = urlsplit(link.format(**dict.fromkeys(LINK_FIELDS, "x")))
        host = address.hostname or ""
        _ = address.port
    except (ValueError, KeyError, IndexError, AttributeError):
        named, plain, host, address = {""}, False, "", urlsplit("")
    if not named <= set(LINK_FIELDS) or not plain:
        raise bad_params(
            "link has a field that it cannot have", f"some of {fields}", repr(link), [where]
        )
    safe = address.scheme == "https" or (address.scheme == "http" and is_loopback(host))
    whole = re.fullmatch(r"[!-~]+", link) and not re.search(r'[<>"\\^`|]', link)
    if not (safe and host and whole) or "@" in address.netloc or "{" in link.split("/")[2]:
        raise bad_params(
            "link is no address that can be handed out",
            "https://host/…, without a password and without fields in the name of the host", repr(link),
            [where],
        )  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself.

    >>> [is_loopback(one) for one in ("localhost", "127.0.0.1", "::1", "localhost.example.com")]
    [True, True, True, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
