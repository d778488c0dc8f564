"""State in a DynamoDB table: for runs that have no disk of their own, such as scheduled tasks.

The table has the key `pk` (text) and `sk` (text). What a run writes goes under an id of its own, and cannot be
seen until two small items point to it. Those two are written in one transaction, so the limit on a
transaction's items does not matter. What no item points to any more is deleted. If a run was killed before it
could do that, DynamoDB does it by `expires_at`.

    pk             sk               what
    run            2026-06-15       the run of a day: run_id
    latest         latest           the latest run: run_id, day
    days#<run_id>  <account>        figures by day
    cases#<run_id> <rule>#<subject> a case
    delivery       <rule>#<subject> how far a case's messages have been sent
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key as Where
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chargeback.core.csv_files import plain_text
from chargeback.daily.cases import Case, CaseKey
from chargeback.daily.state import (
    MONTHS_KEPT,
    AccountDay,
    Latest,
    SentMessages,
    first_day_kept,
    state_unreachable,
)

Item = dict[str, Any]

#: A run looks back over a window of days, so that a day's figures may lie with runs of so many days later.
LONGEST_WINDOW = timedelta(days=31)

#: When somebody was quicker; several writes at once may also be cancelled for being at once.
QUICKER = ("ConditionalCheckFailedException", "TransactionCanceledException")


#: Bytes of a sort key, of 1,024 that DynamoDB takes.
LONGEST_KEY = 900


def sort_key(key: CaseKey) -> str:
    """The sort key of a case; a subject that is too long for one stands there by its digest."""
    text = "#".join(key)
    if len(text.encode()) > LONGEST_KEY:
        text = f"{key[0]}#{hashlib.sha256(key[1].encode()).hexdigest()}"
    return text


class DynamoDBState:
    """A `State` in a table that exists; region and credentials are found as AWS's tools find them."""

    def __init__(self, table: str) -> None:
        self.name = table
        with self.refusing():
            config = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 4})
            self.table = boto3.resource("dynamodb", config=config).Table(table)
            self.table.load()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Say what AWS says in our words (exit 6)."""
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise state_unreachable(
                f"the DynamoDB table {self.name}", error,
                "check the table's name, the region and the credentials of this machine",
            ) from None  # fmt: skip

    def items(self, pk: str, sk: Any = None) -> Iterator[Item]:
        """The items under a pk, in order, as they are at this moment."""
        where = Where("pk").eq(pk) if sk is None else Where("pk").eq(pk) & sk
        more: Item = {}
        with self.refusing():
            while True:
                page = self.table.query(KeyConditionExpression=where, ConsistentRead=True, **more)
                yield from page["Items"]
                if "LastEvaluatedKey" not in page:
                    return
                more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def item(self, pk: str, sk: str) -> Item:
        """One item; empty when there is none."""
        with self.refusing():
            found = self.table.get_item(Key={"pk": pk, "sk": sk}, ConsistentRead=True)
        return dict(found.get("Item", {}))

    def latest(self) -> Latest:
        """The day, the id and the cases of the latest run."""
        found = self.item("latest", "latest")
        while found:
            items = self.items(f"cases#{found['run_id']}")
            cases = [Case.from_json(one["content"]) for one in items]
            before, found = found, self.item("latest", "latest")
            if (
                before["run_id"] == found["run_id"]
            ):  # or else another run took the cases away meanwhile
                day = date.fromisoformat(found["day"])
                return Latest(found["run_id"], day, {one.key: one for one in cases})
        return Latest()

    def account_days(self, first: date, last: date) -> list[AccountDay]:
        """The figures of the days between two; of several runs, those of the latest day."""
        until = Where("sk").between(str(first), str(last + LONGEST_WINDOW))
        seen: dict[tuple[date, str], AccountDay] = {}
        for run in self.items("run", until):
            for item in self.items(f"days#{run['run_id']}"):
                for day, figures in json.loads(item["content"]).items():
                    usage_date = date.fromisoformat(day)
                    if first <= usage_date <= last:
                        decimals = {name: Decimal(value) for name, value in figures.items()}
                        seen[usage_date, item["sk"]] = AccountDay(item["sk"], usage_date, decimals)
        return [seen[place] for place in sorted(seen)]

    def write_run(
        self,
        day: date,
        account_days: Sequence[AccountDay],
        cases: Iterable[Case] | None,
        before: Latest,
    ) -> bool:
        """Write a run out of sight, then point to it in one transaction."""
        run_id = f"{day}-{secrets.token_hex(8)}"
        replaced = self.item("run", str(day))
        cases = None if cases is None else list(cases)
        with self.refusing(), self.table.batch_writer() as batch:
            for item in run_items(run_id, day, account_days, cases or ()):
                batch.put_item(Item=item)
        pointers = [put({"pk": "run", "sk": str(day), "run_id": run_id}, self.name)]
        if cases is not None:
            pointer = {"pk": "latest", "sk": "latest", "run_id": run_id, "day": str(day)}
            pointers.append(put(pointer, self.name, before.run_id))
        with self.refusing():
            try:
                self.table.meta.client.transact_write_items(TransactItems=pointers)
            except ClientError as error:
                if error.response["Error"]["Code"] not in QUICKER:
                    raise
                self.forget([f"days#{run_id}", f"cases#{run_id}"])
                return False
        self.forget([f"days#{replaced['run_id']}"] if replaced else [])
        if cases is not None:
            self.forget([f"cases#{before.run_id}"])
            self.forget_runs_before(first_day_kept(day))
        return True

    def forget(self, pks: Iterable[str]) -> None:
        """Delete everything under some pks."""
        with self.refusing(), self.table.batch_writer() as batch:
            for pk in pks:
                for item in list(self.items(pk)):
                    batch.delete_item(Key={"pk": pk, "sk": item["sk"]})

    def forget_runs_before(self, day: date) -> None:
        """Delete the figures of runs before a day; the pointer goes last, so that a kill leaves no orphan."""
        for run in list(self.items("run", Where("sk").lt(str(day)))):
            self.forget([f"days#{run['run_id']}"])
            with self.refusing():
                self.table.delete_item(Key={"pk": "run", "sk": run["sk"]})

    def sent_messages(self, key: CaseKey) -> SentMessages:
        """How far a case's messages have been sent."""
        found = self.item("delivery", sort_key(key))
        return SentMessages(**json.loads(found["content"])) if found else SentMessages(*key)

    def replace_sent_messages(self, before: SentMessages, after: SentMessages) -> bool:
        """Write how far they have been sent if it still is `before`."""
        written = {**asdict(after), "version": before.version + 1}
        condition: Item = {"ConditionExpression": "attribute_not_exists(pk)"}
        if before.version:
            condition = {
                "ConditionExpression": "version = :before",
                "ExpressionAttributeValues": {":before": before.version},
            }
        item = {"pk": "delivery", "sk": sort_key((before.rule, before.subject)),
                "version": written["version"], "content": json.dumps(written, sort_keys=True)}  # fmt: skip
        with self.refusing():
            try:
                self.table.put_item(Item=item, **condition)
            except ClientError as error:
                if error.response["Error"]["Code"] not in QUICKER:
                    raise
                # Ours, when it was written, the answer was lost, and AWS's client wrote it again.
                return self.sent_messages((before.rule, before.subject)) == SentMessages(**written)
        return True

    def close(self) -> None:
        """Nothing is held open."""


def run_items(
    run_id: str, day: date, account_days: Sequence[AccountDay], cases: Iterable[Case]
) -> Iterator[Item]:
    """What a run writes under its own id."""
    kept = timedelta(days=31 * (MONTHS_KEPT + 1))
    expires_at = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    expires_at += int(kept.total_seconds())
    accounts: dict[str, dict[str, dict[str, Decimal]]] = {}
    for one in account_days:
        accounts.setdefault(one.account_id, {})[str(one.usage_date)] = one.figures
    for account_id, days in accounts.items():
        content = json.dumps(days, sort_keys=True, default=plain_text)
        yield {
            "pk": f"days#{run_id}",
            "sk": account_id,
            "content": content,
            "expires_at": expires_at,
        }
    for case in cases:
        yield {"pk": f"cases#{run_id}", "sk": sort_key(case.key), "content": case.to_json(),
               "expires_at": expires_at}  # fmt: skip


def put(item: Item, table: str, run_id: str | None = None) -> Item:
    """A write of a transaction, on the condition that the item has this run id (none: is not there)."""
    written: Item = {"TableName": table, "Item": item}
    if run_id:
        written["ConditionExpression"] = "run_id = :before"
        written["ExpressionAttributeValues"] = {":before": run_id}
    elif run_id is not None:
        written["ConditionExpression"] = "attribute_not_exists(pk)"
    return {"Put": written}
