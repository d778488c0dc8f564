"""Sessions: who is signed in, kept here; the browser has nothing but a random id.

    sessions.sqlite     sessions, sign-ins that were begun, and sign-outs that the provider has told

What always holds: the file has no id that a browser would be believed by, only sha256 of it; when a session
ends is counted by this machine's clock, and what has ended is never served again; an id is new at each sign-in.
Of the provider's tokens only the id token is kept, because signing out there asks for it, and encrypted with a
key that is made from the browser's id: whoever has this file alone cannot read it.

Known drawback: that somebody was here is noted only after a sixtieth of the idle time, so a session may end by
that much early. One process works on the file.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chargeback.core.errors import Refusal, unreachable
from chargeback.portal.person import Person

#: How long somebody has for signing in at the provider, seconds.
SIGN_IN_SECONDS = 600

#: How many sign-ins may be begun at a time; the oldest makes room.
MOST_BEGUN = 20_000

#: How long a sign-out of the provider's is remembered, seconds; longer than its token is taken.
REMEMBERED_SECONDS = 1200

MEMORY = ":memory:"

_TABLES = """
create table if not exists sessions (
    id_hash text primary key, subject text not null, name text not null, email text not null,
    groups_json text not null, sid text not null, issued_at real not null, begun_at real not null,
    seen_at real not null, id_token blob not null
);
create index if not exists sessions_by_sid on sessions (sid);
create index if not exists sessions_by_subject on sessions (subject);
create table if not exists begun (
    state_hash text primary key, browser_hash text not null, nonce text not null, verifier text not null,
    return_to text not null, begun_at real not null
);
create index if not exists begun_in_order on begun (begun_at);
create table if not exists made_for (text text not null);
create table if not exists ended (
    jti_hash text primary key, sid text not null, subject text not null, issued_at real not null,
    told_at real not null
);
"""


@dataclass(frozen=True)
class Begun:
    """A sign-in that was begun: what the provider's answer must fit, and where the person wanted to go."""

    nonce: str
    verifier: str
    return_to: str


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in."""

    person: Person
    form_token: str


def random_text() -> str:
    """256 random bits, as text that fits an address and a cookie."""
    return secrets.token_urlsafe(32)


class Sessions:
    """The sessions of a portal.

    Args:
        file: a path, or MEMORY.
        idle_seconds, session_seconds: when a session ends.
        clock: seconds since 1970.
        made_for: provider and client; when they are others than the file was made for, its sessions end.

    Raises:
        Refusal: (exit 6) the file cannot be used.
    """

    def __init__(
        self,
        file: Path | str,
        idle_seconds: int,
        session_seconds: int,
        clock: Callable[[], float],
        made_for: str = "",
    ) -> None:
        self.file, self.clock = str(file), clock
        self.idle_seconds, self.session_seconds = idle_seconds, session_seconds
        self._lock = threading.RLock()
        if self.file != MEMORY:
            Path(file).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        self._file = sqlite3.connect(self.file, check_same_thread=False, isolation_level=None)
        for one in _TABLES.split(";"):
            self._run(one)
        if self._run("select text from made_for") != [(made_for,)]:
            for table in ("sessions", "begun", "made_for"):
                self._run(f"delete from {table}")
            self._run("insert into made_for values (?)", made_for)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()

    def begin(self, state: str, browser: str, begun: Begun) -> None:
        """Remember a sign-in that a browser begins."""
        now = self.clock()
        with self._at_once():
            self._run("delete from begun where begun_at < ?", now - SIGN_IN_SECONDS)
            self._run(
                "delete from begun where state_hash in (select state_hash from begun"
                " order by begun_at desc limit -1 offset ?)", MOST_BEGUN - 1,
            )  # fmt: skip
            self._run(
                "insert into begun values (?, ?, ?, ?, ?, ?)", digest(state), digest(browser),
                begun.nonce, begun.verifier, begun.return_to, now,
            )  # fmt: skip

    def finish(self, state: str, browser: str) -> Begun | None:
        """The sign-in that a browser has begun, once; None where it has begun none, or too long ago."""
        found = self._run(
            "delete from begun where state_hash = ? and browser_hash = ? and begun_at > ?"
            " returning nonce, verifier, return_to",
            digest(state), digest(browser), self.clock() - SIGN_IN_SECONDS,
        )  # fmt: skip
        return Begun(*found[0]) if found else None

    def sign_in(self, person: Person, sid: str, issued_at: float, id_token: str) -> str:
        """A new session's id, for the browser; blank when the provider has ended it in the meantime.

        Args:
            sid: the provider's id of the session there; blank where it gives none.
            issued_at: of the id token, seconds since 1970.
        """
        now, session_id = self.clock(), random_text()
        with self._at_once():
            self._run(
                "delete from sessions where begun_at <= ? or seen_at <= ?",
                now - self.session_seconds, now - self.idle_seconds,
            )  # fmt: skip
            ended = self._run(
                "select 1 from ended where (sid != '' and sid = ?)"
                " or ((sid = '' or ? = '') and subject = ? and issued_at >= ?)",
                sid, sid, person.subject, issued_at,
            )  # fmt: skip
            if ended:
                return ""
            self._run(
                "insert into sessions values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", digest(session_id),
                person.subject, person.name, person.email, json.dumps(person.groups), sid, issued_at,
                now, now, locked(session_id, id_token),
            )  # fmt: skip
        return session_id

    def find(self, session_id: str) -> Session | None:
        """The session of an id, which is noted to be in use; None where it has ended or never was."""
        now, known = self.clock(), digest(session_id)
        found = self._run(
            "select subject, name, email, groups_json, seen_at from sessions where id_hash = ?"
            " and begun_at > ? and seen_at > ?",
            known, now - self.session_seconds, now - self.idle_seconds,
        )  # fmt: skip
        if not found:
            self._run("delete from sessions where id_hash = ?", known)
            return None
        subject, name, email, groups, seen_at = found[0]
        if now - seen_at >= self.idle_seconds / 60:
            self._run("update sessions set seen_at = ? where id_hash = ?", now, known)
        return Session(
            Person(subject, name, email, tuple(json.loads(groups))), form_token(session_id)
        )

    def end(self, session_id: str) -> str:
        """End a session; its id token, for signing out at the provider, or blank."""
        found = self._run(
            "delete from sessions where id_hash = ? returning id_token", digest(session_id)
        )
        return unlocked(session_id, found[0][0]) if found else ""

    def end_for_provider(self, jti: str, sid: str, subject: str, issued_at: float) -> int | None:
        """End what the provider says has ended there; how many, or None when it has said so before.

        Args:
            jti: the id of what it said.
            sid: of its session; blank for all of a person.
        """
        now = self.clock()
        with self._at_once():
            self._run("delete from ended where told_at < ?", now - REMEMBERED_SECONDS)
            told = self._run(
                "insert into ended values (?, ?, ?, ?, ?) on conflict do nothing returning 1",
                digest(jti), sid, subject, issued_at, now,
            )  # fmt: skip
            if not told:
                return None
            # A session whose id token had no sid may be the one that is meant.
            gone = self._run(
                "delete from sessions where (? != '' and sid = ?) or ((? = '' or sid = '') and subject = ?)"
                " returning 1", sid, sid, sid, subject,
            )  # fmt: skip
        return len(gone)

    @contextlib.contextmanager
    def _at_once(self) -> Iterator[None]:
        """Several statements that are all done or none, and reach the disk together."""
        with self._lock:
            self._run("begin immediate")
            try:
                yield
            except BaseException:
                self._run("rollback")
                raise
            self._run("commit")

    def _run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """One statement; what it answers."""
        with self._lock:
            try:
                return self._file.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise self._refusal(error) from None

    def _refusal(self, error: Exception) -> Refusal:
        return unreachable(
            "the portal's sessions cannot be kept", "a file that can be written",
            f"{type(error).__name__}: {error}", [self.file],
            ["see that one portal alone works on it; deleting it signs everybody out and loses nothing else"],
        )  # fmt: skip


def digest(text: str) -> str:
    """sha256 of a random text, which nobody finds the text by."""
    return hashlib.sha256(text.encode()).hexdigest()


def form_token(session_id: str) -> str:
    """What forms of a session bring back; from it nobody finds the id."""
    made = hmac.new(session_id.encode(), b"form token", hashlib.sha256).digest()
    return urlsafe_b64encode(made).decode().rstrip("=")


def locked(session_id: str, text: str) -> bytes:
    """A text that only whoever has the session's id can read."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(_key(session_id)).encrypt(nonce, text.encode(), None)


def unlocked(session_id: str, content: bytes) -> str:
    """The text of `locked`; blank when it is not that of the session."""
    try:
        return AESGCM(_key(session_id)).decrypt(content[:12], content[12:], None).decode()
    except (InvalidTag, ValueError):
        return ""


def _key(session_id: str) -> bytes:
    return hmac.new(session_id.encode(), b"id token", hashlib.sha256).digest()
