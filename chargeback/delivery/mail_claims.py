"""Claims: who is about to send which mail, written into the delivery room before it is sent.

    delivery/billing_period=2026-05/mail/shop/<sha256>.eml              what is sent
                                   /claims/mail/shop/1.json            a try: when, where, which program
                                   /claims/mail/shop/1.result.json     what became of it, where that is known

Two runs at once do not send one mail: the second finds the first one's try and leaves it to it. A try without
a result is of a run that was killed, or is at work. It is at work while its program runs, on this machine; on
another one, or where that cannot be told, while it is younger than any try can be.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chargeback.books.delivery_log import now
from chargeback.core.json_text import read_json
from chargeback.delivery.released import ClosedForDelivery

FOLDER, TRIES = "mail", "claims/mail"

#: No try takes longer: the waits of one mail on a server that answers nothing, several times over.
LONGEST_TRY = timedelta(minutes=15)

NOT_TAKEN, REFUSED, UNKNOWN = "not taken", "refused", "unknown"


@dataclass(frozen=True)
class Claim:
    """The right to send a mail, once.

    Args:
        number: of the try.
        message_name: of the mail in the room.
        again: what became of an earlier try is not known, so that the mail may come twice.
    """

    period: ClosedForDelivery
    folder: str
    number: int
    message_name: str
    message_sha256: str
    again: bool

    def end(self, outcome: str, details: Mapping[str, object] | None = None) -> None:
        """Write down what became of the try, where it was not taken."""
        name = try_name(self.folder, self.number, "result.json")
        found = {"at": now(), "outcome": outcome, **(details or {})}
        self.period.room.put(self.period.file_name(name), as_json(found))


def claim_mail(period: ClosedForDelivery, folder: str, message: bytes) -> Claim | None:
    """The right to send a mail; None while another run has it.

    Args:
        folder: of the unit.
    """
    room, sha256 = period.room, hashlib.sha256(message).hexdigest()
    message_name = period.file_name(f"{FOLDER}/{folder}/{sha256}.eml")
    room.put(message_name, message)
    mine = {
        "at": now(), "host": socket.gethostname(), "pid": os.getpid(), "run": secrets.token_hex(8),
        "message_sha256": sha256,
    }  # fmt: skip
    number, again = 1, False
    while True:
        name = period.file_name(try_name(folder, number, "json"))
        if room.read(name) is None and room.put(name, as_json(mine)):
            return Claim(period, folder, number, message_name, sha256, again)
        result = room.read(period.file_name(try_name(folder, number, "result.json")))
        if result is None and is_at_work(room.read(name) or b""):
            return None
        again = again or result is None or outcome_in(result) == UNKNOWN
        number += 1


def try_name(folder: str, number: int, ending: str) -> str:
    """The name of a file of a try, about a period."""
    return f"{TRIES}/{folder}/{number}.{ending}"


def is_at_work(claim: bytes) -> bool:
    """Whether the run that wrote a claim may still send."""
    try:
        found = read_json(claim)
        at, host, pid = datetime.fromisoformat(found["at"]), found["host"], int(found["pid"])
        age = datetime.now(UTC) - at
    except (ValueError, TypeError, KeyError):
        return False
    if host == socket.gethostname() and not runs(pid):
        return False
    return age < LONGEST_TRY


def runs(pid: int) -> bool:
    """Whether a program of this number runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def outcome_in(result: bytes) -> str:
    """What became of a try; not known where that cannot be read."""
    try:
        return str(read_json(result)["outcome"])
    except (ValueError, TypeError, KeyError):
        return UNKNOWN


def as_json(found: Mapping[str, object]) -> bytes:
    """As it is written."""
    return (json.dumps(found, indent=1, sort_keys=True) + "\n").encode()
