"""Outbox: messages as files, where no ServiceNow is configured, and for alerts; topics.py tells them besides.

One file per message, with the fields of ServiceNow's Table API as JSON. Its name contains case, revision and
what happened, so writing it again changes nothing. Where a case is known by signs that a file's name cannot
have, a digest keeps two such cases apart. Whoever passes messages on picks them up here; nobody here deletes a
file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import replace
from pathlib import Path

from chargeback.daily.cases import Case
from chargeback.daily.messages import message
from chargeback.daily.state import SentMessages, State

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def file_name(known_as: str) -> str:
    """What a case is known by, as the beginning of a file's name.

    >>> file_name("chargeback:untagged:012345670123"), file_name("chargeback:untagged:team: IT")
    ('chargeback-untagged-012345670123', 'chargeback-untagged-team-IT-ac16142c')
    """
    name = _UNSAFE.sub("-", known_as)
    if name == known_as.replace(":", "-"):
        return name
    return f"{name}-{hashlib.sha256(known_as.encode()).hexdigest()[:8]}"


class Outbox:
    """A folder that messages are written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, case: Case, state: State) -> SentMessages:
        """Write a case's latest message and remember that it was written."""
        link = self.write(case)
        while True:
            before = state.sent_messages(case.key)
            if before.revision >= case.revision:
                return before
            after = replace(before, revision=case.revision, link=link)
            if state.replace_sent_messages(before, after):
                return after

    def write(self, case: Case) -> str:
        """Write a case's latest message, whole or not at all; where it is, as a link."""
        fields = message(case)
        name = file_name(fields["correlation_id"])
        path = self.folder / f"{name}-{case.revision:04d}-{case.action}.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        begun = path.with_name(f".{path.name}.{os.getpid()}")
        begun.write_text(
            json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8"
        )
        begun.replace(path)
        return path.as_uri()
