"""Whom each unit's covering mail is for, what comes along, and what it says: from params, books and summary.

To and Cc are those of the unit's [[contact]] in delivery.toml as it is today, else owner and email of its row
in business_units.csv as it is today: an address may be corrected after a month was closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from chargeback.books.checked import checked_bytes
from chargeback.delivery.covering import (
    FINANCE,
    Covering,
    attachments_of,
)
from chargeback.delivery.mail_settings import MailSettings
from chargeback.delivery.pack_names import UnitFiles, summary_file, unit_files
from chargeback.delivery.released import ClosedForDelivery
from chargeback.delivery.service_level import last_day_to_dispute
from chargeback.delivery.summary import Summary
from chargeback.params.handout_policy import EVERY_UNIT, HandoutPolicy, check_contacts, is_address
from chargeback.params.registers import read_register


@dataclass(frozen=True)
class Mailing:
    """The mails of a period that is handed out.

    Args:
        content_of: gives the bytes of a file of the pack, by its name there.
    """

    period: ClosedForDelivery
    summary: Summary
    settings: MailSettings
    content_of: Callable[[str], bytes]

    def answer_by(self, day: date) -> date:
        """The last day on which a unit can acknowledge or dispute what is handed out on a day."""
        today, then = self.period.delivery.disputes, self.period.params.delivery.disputes
        return last_day_to_dispute(self.period.period, day, today, then)

    @property
    def policy(self) -> HandoutPolicy:
        """What delivery.toml says today."""
        return self.period.delivery.handout

    @cached_property
    def people(self) -> dict[str, tuple[str, str]]:
        """Owner and email of each unit, as business_units.csv has them today."""
        rows = read_register(self.period.params_folder, "business_units.csv")
        found = {row["business_unit_id"]: (row["owner"], row["email"]) for row in rows}
        check_contacts(self.policy, found)
        return found

    @cached_property
    def files(self) -> dict[str, UnitFiles]:
        """How the files of each unit are called."""
        return files_of(self.period)

    def every(self) -> Iterator[Covering]:
        """The mail of each unit, in the order of their ids; then that over all, where it has a contact."""
        for unit_id in sorted(self.files):
            yield self.of_unit(unit_id)
        if EVERY_UNIT in self.policy.contacts:
            yield self.of_all()

    def of_unit(self, unit_id: str) -> Covering:
        """A unit's mail; without a recipient where nobody has an address."""
        own = self.files[unit_id]
        owner, email = self.people.get(unit_id, ("", ""))
        contact = self.policy.contacts.get(unit_id)
        to = contact.to if contact else (email,) if is_address(email) else ()
        endings = contact.attach if contact else ()
        return self._covering(
            unit_id, self.period.params.business_units[unit_id].name,
            owner if email in to and len(to) == 1 else "", to, contact.cc if contact else (),
            self.policy.link_of(self.period.period, unit_id), own.statement("pdf"),
            {one: (own.statement(one), own.in_pack(one)) for one in endings},
        )  # fmt: skip

    def of_all(self) -> Covering:
        """The mail over all units, for finance."""
        contact, name = self.policy.contacts[EVERY_UNIT], self.period.period
        endings = [one for one in contact.attach if one != "csv"]
        names = {one: (summary_file(name, one), summary_file(name, one)) for one in endings}
        return self._covering(
            FINANCE, "", "", contact.to, contact.cc, "", summary_file(name, "pdf"), names
        )

    def _covering(
        self,
        unit_id: str,
        unit: str,
        greeted: str,
        to: tuple[str, ...],
        cc: tuple[str, ...],
        link: str,
        file_name: str,
        along: dict[str, tuple[str, str]],
    ) -> Covering:
        at = datetime.fromisoformat(self.summary.handed_out_at)
        return Covering(
            books_id=self.period.books_id,
            period=self.period.period,
            unit_id=unit_id,
            unit=unit,
            greeted=greeted,
            to=to,
            cc=cc,
            sender=self.settings.sender,
            reply_to=self.policy.reply_to,
            ask=self.policy.ask,
            link=link,
            file_name=file_name,
            attachments=attachments_of(
                {one: name for one, (name, _) in along.items()},
                {one: self.content_of(place) for one, (_, place) in along.items()},
                list(along),
            ),
            at=at,
            answer_by=self.answer_by(at.date()),
        )


def files_of(period: ClosedForDelivery) -> dict[str, UnitFiles]:
    """How the files of each unit that has a statement are called."""
    units = period.params.business_units
    return unit_files(period.period, {one.business_unit_id: one.name for one in units.values()})


def statement_bytes(period: ClosedForDelivery, unit_id: str, ending: str) -> bytes:
    """A unit's statement as it was closed (exit 4 where it is not)."""
    name = f"statements/{unit_id}/statement.{ending}"
    return checked_bytes(period.books, period.period, name, period.manifest)
