"""Once: records that are made exactly once, under timeouts, retries, two runs at once and a kill at any call.

Each record carries a key that says what it is of. Where the field of the key is unique, ServiceNow's database
refuses a second record, and a run creates what it does not find, as often as it takes: whatever was refused is
looked up. Without such a field three things together do it, as for tickets (chargeback/daily/servicenow.py):
records are looked up first; only the run that holds the claim creates, and it looks again while it holds it;
and after an answer that never came nobody creates until the claim is older than any transaction of ServiceNow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chargeback.core.errors import Refusal, unreachable
from chargeback.servicenow.claims import Claim, Claims
from chargeback.servicenow.connection import Connection, Failed, NoAnswer, Rejected
from chargeback.servicenow.table import Record, Table

#: The records that are there, by key.
Held = Mapping[str, Record]


@dataclass(frozen=True)
class Once:
    """How the records of a kind are made.

    Args:
        key: the field by which a record is known.
        unique: whether the database refuses a second record of a key.
        look: what is there now of this kind, by key.
    """

    table: Table
    key: str
    unique: bool
    claims: Claims
    look: Callable[[], Held]

    @property
    def connection(self) -> Connection:
        """To the instance."""
        return self.table.connection

    def make(self, wanted: Mapping[str, Mapping[str, str]]) -> int:
        """Create what is wanted and not there; how many records that were.

        Args:
            wanted: the fields of each record by its key.

        Raises:
            Refusal: (exit 6) ServiceNow does not answer or refuses; what is not there is made by the next run.
        """
        absent = missing(wanted, self.look())
        if absent and self.unique:
            for key, fields in absent.items():
                self.insert(key, fields)
        elif absent:
            return self.make_claimed(wanted)
        return len(absent)

    def insert(self, key: str, fields: Mapping[str, str]) -> None:
        """Create one record, as often as it takes: the database refuses a second one."""
        said = ""
        for attempt in range(self.connection.patience.attempts):
            try:
                self.kept(key, self.table.create(fields))
                return
            except Rejected as rejected:
                if self.table.find(self.key, key):
                    return  # it was made before, by us or by another run
                raise self.not_taken(rejected, key) from None
            except (NoAnswer, Failed) as error:
                said = str(error)
            self.connection.patience.pause(attempt)
            if self.table.find(self.key, key):
                return
        raise self.connection.refusal(said, key)

    def make_claimed(self, wanted: Mapping[str, Mapping[str, str]]) -> int:
        """The same where only a claim keeps others from creating."""
        claim = self.claimed(wanted)
        if claim is None:
            return 0
        # Whoever held the claim before us may have made some since we looked.
        absent = missing(wanted, self.look())
        unanswered = []
        for key, fields in absent.items():
            claim = self.claims.renew(claim)
            if claim is None:
                raise self.others(key)
            try:
                self.create(key, fields)
            except NoAnswer:
                unanswered.append(key)
            except Refusal:
                if not unanswered:
                    self.claims.release(claim)
                raise
        if unanswered:
            self.wait_for(wanted, unanswered)
        self.claims.release(claim)
        return len(absent)

    def claimed(self, wanted: Mapping[str, Mapping[str, str]]) -> Claim | None:
        """A claim to create; None when somebody else has made everything meanwhile."""
        for attempt in range(self.connection.patience.attempts):
            claim = self.claims.take()
            if claim:
                return claim
            self.connection.patience.pause(attempt)
            if not missing(wanted, self.look()):
                return None
        raise self.others(next(iter(missing(wanted, self.look())), ""))

    def create(self, key: str, fields: Mapping[str, str]) -> None:
        """Create one record under a claim.

        Raises:
            NoAnswer: it may be made yet; Refusal: (exit 6) it surely is not.
        """
        said = ""
        for attempt in range(self.connection.patience.attempts):
            try:
                self.kept(key, self.table.create(fields))
                return
            except Rejected as rejected:
                raise self.not_taken(rejected, key) from None
            except Failed as error:
                said = str(error)
            self.connection.patience.pause(attempt)
        raise self.connection.refusal(said, key)

    def wait_for(self, wanted: Mapping[str, Mapping[str, str]], unanswered: list[str]) -> None:
        """Look for what was asked for and never answered (exit 6 when it does not appear)."""
        for attempt in range(self.connection.patience.attempts):
            if not missing(wanted, self.look()):
                return
            self.connection.patience.pause(attempt)
        raise unreachable(
            "nothing said whether a record was made in ServiceNow", "an answer, or the record",
            f"neither, for {len(unanswered)}", [self.connection.instance.address, *unanswered[:3]],
            [f"for {self.minutes} nobody makes it again, so that there are never two; run it again then"],
        )  # fmt: skip

    def kept(self, key: str, record: Record) -> None:
        """Stop when a new record does not carry its key: it could not be found again (exit 6)."""
        if record.get(self.key) != key:
            raise unreachable(
                "ServiceNow did not keep what a record is known by", f"{self.key} = {key}",
                repr(record.get(self.key, "no such field")),
                [self.connection.link(self.table.name, record["sys_id"])],
                [f"let the field {self.key} of {self.table.name} hold 120 characters that no rule changes, and "
                 "that our account may write; remove this record; then run it again"],
            )  # fmt: skip

    def not_taken(self, rejected: Rejected, key: str) -> Refusal:
        """That ServiceNow does not make a record, in its words (exit 6)."""
        return unreachable(
            "ServiceNow refused a record", "a record", str(rejected),
            [f"{self.connection.instance.address}, {self.table.name}", key],
            ["give our account the roles that docs/servicenow.md names, or see which rule refuses it",
             "what was made stays; the next run makes the rest"],
        )  # fmt: skip

    def others(self, key: str) -> Refusal:
        """That another run may be creating (exit 6)."""
        return unreachable(
            "another run holds the claim to create records in ServiceNow", "one run at a time",
            f"a claim that is not older than {self.minutes}", [self.claims.folder, key],
            [f"wait until it is done; one that was stopped holds its claim for {self.minutes}",
             "a unique field needs no claims: see docs/servicenow.md"],
        )  # fmt: skip

    @property
    def minutes(self) -> str:
        """The quiet time in words."""
        return f"{round(self.claims.quiet / 60) or 1} minutes"


def missing(wanted: Mapping[str, Mapping[str, str]], held: Held) -> dict[str, Mapping[str, str]]:
    """What is wanted and not there."""
    return {key: fields for key, fields in wanted.items() if key not in held}
