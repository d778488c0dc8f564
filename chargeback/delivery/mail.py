"""Mail: each unit is written to once about a period that is handed out, and finance where it is a contact.

Method: a claim is written before a mail is sent (`mail_claims`), and the log's entry `mailed` after the server
has taken it. Where no answer came, nobody can know: the next run sends the mail again, with the same
Message-ID, and says so. So a mail comes at least once, and twice only then. A mail that was refused, or not
taken, keeps no other from being sent. Without a mail server people send the drafts of the pack.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from chargeback.books.delivery_log import HANDED_OUT, MAILED, Entry
from chargeback.core.errors import (
    BAD_USAGE,
    UNREACHABLE,
    Refusal,
    unreachable,
)
from chargeback.core.progress import Progress
from chargeback.delivery.covering import FINANCE, Covering, message_bytes
from chargeback.delivery.covering_data import Mailing
from chargeback.delivery.mail_claims import NOT_TAKEN, REFUSED, UNKNOWN, Claim, claim_mail
from chargeback.delivery.mail_client import MailClient, NoAnswer, NotTaken, Refused
from chargeback.delivery.mail_settings import read_mail_settings
from chargeback.delivery.pack import in_pack, kept_summary
from chargeback.delivery.pack_folder import handed_out
from chargeback.delivery.pack_names import MAIL, SUMMARY
from chargeback.delivery.released import ClosedForDelivery

#: How long a run waits for another one that is sending the same mail, in all.
WAIT_SECONDS, PAUSE_SECONDS = 90.0, 0.5


@dataclass(frozen=True)
class MailTarget:
    """Sends the covering mails.

    Args:
        client: speaks to the server; made of the settings where none is given.
    """

    client: MailClient | None = None

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return "mail"

    def deliver(self, period: ClosedForDelivery, progress: Progress) -> None:
        """As the protocol of targets says."""
        entry, settings = period.done(HANDED_OUT), read_mail_settings(period.params_folder)
        summary = kept_summary(period) if entry else None
        if entry is None or summary is None:
            progress(f"{period.period} is not handed out, so that nothing is mailed")
            return
        if not settings.host:
            place = period.place_of(period.file_name(in_pack(MAIL)))
            progress(f"  mails       to be sent by hand, no mail server is named: {place}")
            return
        mailing = Mailing(period, summary, settings, Handed(period, entry))
        client = self.client or MailClient(settings)
        try:
            Sending(mailing, client, progress).send_all()
        finally:
            client.quit()


@dataclass(frozen=True)
class Handed:
    """Gives the files of a pack, as they were handed out (exit 4 where they are not)."""

    period: ClosedForDelivery
    entry: Entry

    def __call__(self, name: str) -> bytes:
        """A file by its name in the pack."""
        full = self.period.file_name(in_pack(name))
        return handed_out(self.period, full, self.entry.files.get(full))


@dataclass
class Sending:
    """One run over the mails of a period.

    Args:
        refused: what each mail that was not sent ended with, by whom it is of.
        again: mails that may have come twice.
    """

    mailing: Mailing
    client: MailClient
    progress: Progress
    sent: int = 0
    known: int = 0
    refused: list[tuple[str, str, int]] = field(default_factory=list)
    over: str = ""

    def send_all(self) -> None:
        """Send what is not sent yet, and say it.

        Raises:
            Refusal: (exit 2) an address or login is refused; (exit 6) the server is down, or did not take all.
        """
        period = self.mailing.period
        entries = period.log.of(period.period, MAILED)
        done = {one.subject for one in entries}
        left = []
        for covering in self.mailing.every():
            if covering.unit_id in done:
                self.known += 1
            elif not covering.recipients:
                self.progress(
                    f"  mail        nobody to write to: {covering.unit_id} has no address"
                )
            else:
                left.append(covering)
        self._send(left)
        if self.sent or self.refused or self.over:
            self.progress(
                f"  mail        {counted(self.sent)} sent by {self.client.settings.place}"
            )
        elif self.known:
            self.progress(f"  mail        {counted(self.known)} sent before: nothing to do")
        self._raise()

    def _send(self, left: list[Covering]) -> None:
        """Send mails, and come back to those that another run is sending."""
        deadline = time.monotonic() + WAIT_SECONDS
        while left and not self.over:
            left = [one for one in left if not self.over and not self._send_one(one)]
            if left and not self.over:
                if time.monotonic() > deadline:
                    self.refused += [
                        (one.unit_id, "another run is sending it", UNREACHABLE) for one in left
                    ]
                    return
                time.sleep(PAUSE_SECONDS)

    def _send_one(self, covering: Covering) -> bool:
        """Send a mail, unless another run has it; whether there is nothing more to do about it now."""
        period = self.mailing.period
        if period.done(MAILED, covering.unit_id):
            self.known += 1
            return True
        message = message_bytes(covering)
        claim = claim_mail(period, folder_of(self.mailing, covering), message)
        if claim is None:
            return False
        if period.done(
            MAILED, covering.unit_id
        ):  # the run that had the claim before has just said so
            claim.end(NOT_TAKEN, {"why": "it was sent"})
            self.known += 1
            return True
        if claim.again:
            self.progress(
                f"  mail        {covering.unit_id}: no answer came last time; sent again, "
                "with the same Message-ID"
            )
        self._try(covering, message, claim)
        return True

    def _try(self, covering: Covering, message: bytes, claim: Claim) -> None:
        unit_id, said = covering.unit_id, covering.recipients
        try:
            self.client.send(said, message)
        except Refused as refused:
            found = [" ".join(map(str, one)).strip() for one in refused.addresses]
            claim.end(REFUSED, {"addresses": found})
            self.refused.append((unit_id, f"{refused}: {', '.join(found)}", BAD_USAGE))
        except NotTaken as not_taken:
            claim.end(NOT_TAKEN)
            self.over = str(not_taken) if not_taken.is_over else ""
            self.refused.append((unit_id, str(not_taken), UNREACHABLE))
        except NoAnswer as no_answer:
            claim.end(UNKNOWN)
            what = f"no answer came to the whole mail, which may have arrived ({no_answer})"
            self.refused.append((unit_id, what, UNREACHABLE))
        except Refusal:
            claim.end(NOT_TAKEN)
            raise
        else:
            self.sent += 1
            self.mailing.period.record(
                MAILED, unit_id, {claim.message_name: claim.message_sha256}, details_of(covering, claim)
            )  # fmt: skip

    def _raise(self) -> None:
        """Say what was not sent, with the exit code of the gravest."""
        if not self.refused:
            return
        period = self.mailing.period.period
        codes = {code for _, _, code in self.refused}
        others = "nothing more was tried" if self.over else "all others were sent"
        again = f"{others}; run it again: make handout PERIOD={period}"
        where = [f"{shown_unit(unit_id)}: {why}" for unit_id, why, _ in self.refused]
        if codes == {UNREACHABLE}:
            raise unreachable(
                "the mail server did not take every mail", "250 to each of them",
                self.over or f"{counted(len(self.refused))} not taken", where, [again],
            )  # fmt: skip
        raise Refusal(
            UNREACHABLE if UNREACHABLE in codes else BAD_USAGE,
            "the mail server refused a mail", "addresses that it takes",
            f"{counted(len(self.refused))} refused", "", where,
            ["correct [[contact]] in delivery.toml, or the email in business_units.csv", again],
        )  # fmt: skip


def counted(count: int) -> str:
    """So many mails."""
    return f"{count} mail" + ("" if count == 1 else "s")


def shown_unit(unit_id: str) -> str:
    """Whose mail it is."""
    return "finance" if unit_id == FINANCE else unit_id


def folder_of(mailing: Mailing, covering: Covering) -> str:
    """The folder of a mail's claims."""
    return SUMMARY if covering.unit_id == FINANCE else mailing.files[covering.unit_id].folder


def details_of(covering: Covering, claim: Claim) -> Mapping[str, object]:
    """What the log says of a mail."""
    return {
        "message_id": covering.message_id,
        "to": list(covering.to),
        "cc": list(covering.cc),
        "attached": [one.ending for one in covering.attachments],
        "tries": claim.number,
        **({"may_have_come_twice": True} if claim.again else {}),
    }
