"""State in a SQLite file: for one machine, with nothing to set up. Concurrent runs wait for each other."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path

from chargeback.core.csv_files import plain_text
from chargeback.daily.cases import Case, CaseKey
from chargeback.daily.state import (
    AccountDay,
    Latest,
    SentMessages,
    first_day_kept,
    state_unreachable,
)

WAIT_SECONDS = 30.0  # for another run to finish writing

TABLES = (
    "create table if not exists account_days (run_day text, usage_date text, account_id text, "
    "figures text not null, primary key (run_day, usage_date, account_id))",
    "create table if not exists cases (rule text, subject text, content text not null, "
    "primary key (rule, subject))",
    "create table if not exists latest_run (one integer primary key check (one = 1), "
    "run_id text not null, day text not null)",
    "create table if not exists deliveries (rule text, subject text, version integer not null, "
    "content text not null, primary key (rule, subject))",
)

LATEST_SEEN = """
    select account_id, usage_date, figures, max(run_day)
    from account_days where usage_date between ? and ?
    group by account_id, usage_date order by usage_date, account_id
"""


class SQLiteState:
    """A `State` in a file; the file and its tables are made when they are not there."""

    def __init__(self, path: Path, wait_seconds: float = WAIT_SECONDS) -> None:
        self.path = path
        with self.refusing():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)
            with self.one_step():
                for statement in TABLES:
                    self.connection.execute(statement)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Say what SQLite says in our words (exit 6)."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise state_unreachable(
                str(self.path), error, "check the folder's owner, its free space and other runs"
            ) from None

    @contextmanager
    def one_step(self) -> Iterator[None]:
        """All of what is inside, or nothing of it."""
        with self.refusing():
            self.connection.execute("begin immediate")
            try:
                yield
            except BaseException:
                self.connection.execute("rollback")
                raise
            self.connection.execute("commit")

    def latest(self) -> Latest:
        """The day, the id and the cases of the latest run, of one moment."""
        with self.one_step():
            found = self.connection.execute("select run_id, day from latest_run").fetchone()
            rows = self.connection.execute("select content from cases").fetchall()
        if found is None:
            return Latest()
        cases = [Case.from_json(content) for (content,) in rows]
        return Latest(found[0], date.fromisoformat(found[1]), {one.key: one for one in cases})

    def account_days(self, first: date, last: date) -> list[AccountDay]:
        """The figures of the days between two; of several runs, those of the latest day."""
        with self.refusing():
            rows = self.connection.execute(LATEST_SEEN, (str(first), str(last))).fetchall()
        return [
            AccountDay(
                account_id, date.fromisoformat(usage_date),
                {name: Decimal(value) for name, value in json.loads(figures).items()},
            )
            for account_id, usage_date, figures, _ in rows
        ]  # fmt: skip

    def write_run(
        self,
        day: date,
        account_days: Sequence[AccountDay],
        cases: Iterable[Case] | None,
        before: Latest,
    ) -> bool:
        """Write a run in one transaction."""
        with self.one_step():
            run = self.connection.execute
            found = run("select run_id from latest_run").fetchone()
            if cases is not None and (found[0] if found else "") != before.run_id:
                return False
            run("delete from account_days where run_day = ?", (str(day),))
            self.connection.executemany(
                "insert into account_days values (?, ?, ?, ?)",
                [
                    (str(day), str(one.usage_date), one.account_id,
                     json.dumps(one.figures, default=plain_text, sort_keys=True))
                    for one in account_days
                ],
            )  # fmt: skip
            if cases is not None:
                run("delete from cases")
                self.connection.executemany(
                    "insert into cases values (?, ?, ?)",
                    [(one.rule, one.subject, one.to_json()) for one in cases],
                )
                run(
                    "insert or replace into latest_run values (1, ?, ?)",
                    (secrets.token_hex(8), str(day)),
                )
                run("delete from account_days where run_day < ?", (str(first_day_kept(day)),))
        return True

    def sent_messages(self, key: CaseKey) -> SentMessages:
        """How far a case's messages have been sent."""
        with self.refusing():
            found = self.connection.execute(
                "select content from deliveries where rule = ? and subject = ?", key
            ).fetchone()
        return SentMessages(**json.loads(found[0])) if found else SentMessages(*key)

    def replace_sent_messages(self, before: SentMessages, after: SentMessages) -> bool:
        """Write how far they have been sent if it still is `before`."""
        with self.one_step():
            key = (before.rule, before.subject)
            found = self.connection.execute(
                "select version from deliveries where rule = ? and subject = ?", key
            ).fetchone()
            if (found[0] if found else 0) != before.version:
                return False
            written = {**asdict(after), "version": before.version + 1}
            self.connection.execute(
                "insert or replace into deliveries values (?, ?, ?, ?)",
                (*key, written["version"], json.dumps(written, sort_keys=True)),
            )
        return True

    def close(self) -> None:
        """Close the file."""
        self.connection.close()
