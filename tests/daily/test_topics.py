"""Owning teams are told through SNS: real messages, read back from queues that moto's topics deliver to.

Whatever happens on the way each message arrives, and twice only where a run was killed between telling and
remembering it.
"""

from __future__ import annotations

import json
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.httpsession import URLLib3Session

from chargeback.cli import main
from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.core.paths import ROOT
from chargeback.daily import sending
from chargeback.daily.cases import ALERT, TICKET, Case, Finding, follow
from chargeback.daily.sending import channels, send_pending
from chargeback.daily.settings import Settings, read_settings
from chargeback.daily.state import State
from chargeback.daily.stores import open_state
from chargeback.daily.topic_messages import topic_message
from chargeback.daily.topics import CLAIM_SECONDS
from tests.daily.killed import is_killed
from tests.daily.month import DRIFTING, OPENED_ON, day, write_month
from tests.params_folder import write_params

FIRST = date(2026, 5, 1)
TEAM = {"owning_team": "claims-engineering", "business_unit_id": "claims"}
REGION = "eu-central-1"


@dataclass
class Told:
    """A topic, and the queue that it delivers to."""

    arn: str
    queue: str

    def messages(self) -> list[dict[str, Any]]:
        """The messages that came since somebody last looked, as SNS wraps them."""
        sqs = boto3.client("sqs", region_name=REGION)
        found: list[dict[str, Any]] = []
        while True:
            some = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
                "Messages", []
            )
            if not some:
                return found
            found += [json.loads(one["Body"]) for one in some]
            for one in some:
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=one["ReceiptHandle"])


@pytest.fixture
def topic(aws: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Told]:
    """Makes topics in another region than the environment's."""
    for name, value in (
        ("AWS_ENDPOINT_URL", aws), ("AWS_DEFAULT_REGION", "us-east-1"), ("AWS_MAX_ATTEMPTS", "1"),
        ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)

    def make() -> Told:
        name = f"alerts-{uuid.uuid4().hex}"
        sns, sqs = (boto3.client(one, region_name=REGION) for one in ("sns", "sqs"))
        arn = sns.create_topic(Name=name)["TopicArn"]
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        asked = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=asked["Attributes"]["QueueArn"])
        return Told(arn, queue)

    return make


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    store = open_state("", tmp_path / "state.sqlite")
    yield store
    store.close()


def settings(folder: Path, topics: dict[str, str]) -> Settings:
    """Settings of books in a folder, with topics and no ServiceNow."""
    return Settings("", folder / "state.sqlite", folder / "outbox", None, topics=topics)


def alert(amount: int, subject: str = "a", **details: str) -> Finding:
    """An anomaly of a team's."""
    title, text = "AmazonEC2 of Web (CC-1): above expected", ("i-batch rose by 7,500.00.",)
    told = "Ann <ann@example.com>"
    return Finding(
        "anomaly", subject, ALERT, told, title, Decimal(amount), text, {**TEAM, **details}
    )


def ticket(amount: int, subject: str = "b") -> Finding:
    """Untagged cost of a team's."""
    told = "claims-engineering"
    return Finding("untagged", subject, TICKET, told, f"Untagged: {amount}", Decimal(amount))


def write_day(state: State, number: int, *findings: Finding) -> None:
    """Write a day on which something is found."""
    before, day = state.latest(), date(2026, 5, number)
    cases = follow(before.cases, findings, ["anomaly", "untagged"], {}, day, 14)
    assert state.write_run(day, [], cases.values(), before)


def a_case(**changes: Any) -> Case:
    """The case of one alert."""
    found = alert(7500)
    return replace(follow({}, [found], ["anomaly"], {}, FIRST, 14)[found.key], **changes)


def test_a_team_is_told_what_the_outbox_says_with_attributes_to_filter_by(topic, state, tmp_path):
    told = topic()
    channel = channels(settings(tmp_path, {"claims-engineering": told.arn}))
    write_day(state, 1, alert(7500))
    assert send_pending(state, channel) == 1
    [message] = told.messages()
    assert message["Subject"] == "New: AmazonEC2 of Web (CC-1): above expected"
    assert message["Message"] == (
        "AmazonEC2 of Web (CC-1): above expected\nTo: Ann <ann@example.com>\n\n"
        "Opened on 2026-05-01, due on 2026-05-15.\ni-batch rose by 7,500.00.\n\n"
        "Known as chargeback:anomaly:a (Chargeback, revision 1).\n"
    )
    attributes = {name: one["Value"] for name, one in message["MessageAttributes"].items()}
    assert attributes == {
        "owning_team": "claims-engineering", "business_unit": "claims", "period": "2026-05",
        "kind": "anomaly", "action": "opened", "message": "chargeback:anomaly:a, Chargeback, revision 1",
    }  # fmt: skip
    [file] = (tmp_path / "outbox").iterdir()
    fields = json.loads(file.read_text("utf-8"))
    assert fields["description"] in message["Message"]
    assert state.sent_messages(("anomaly", "a")).link == file.as_uri()


def test_an_alert_is_told_when_it_begins_and_when_it_is_over(topic, open_store, tmp_path):
    told, state = topic(), open_store()
    channel = channels(settings(tmp_path, {"default": told.arn}))
    for number, found in ((1, [alert(5)]), (2, [alert(8)]), (3, []), (4, []), (5, [alert(9)])):
        write_day(state, number, *found)
        send_pending(state, channel)
        send_pending(state, channel)
    said = told.messages()
    assert [one["MessageAttributes"]["action"]["Value"] for one in said] == [
        "opened", "resolved", "reopened",
    ]  # fmt: skip
    assert "Over on 2026-05-03. In all: 8.00." in said[1]["Message"]
    assert said[1]["Subject"].startswith("Over: ")


def test_a_ticket_is_told_when_it_opens_and_not_of_each_days_figures(topic, state, tmp_path):
    told = topic()
    channel = channels(settings(tmp_path, {"claims-engineering": told.arn}))
    for number, found in ((1, [ticket(5)]), (2, [ticket(6)]), (3, [ticket(7)]), (4, [])):
        write_day(state, number, *found)
        send_pending(state, channel)
    assert [one["MessageAttributes"]["action"]["Value"] for one in told.messages()] == [
        "opened", "resolved",
    ]  # fmt: skip
    assert len(list((tmp_path / "outbox").iterdir())) == 4, "the outbox has each day's figures"


def test_an_opening_that_was_not_told_is_told_by_the_next_figures(topic, state, tmp_path):
    told = topic()
    gone = settings(tmp_path, {"claims-engineering": told.arn + "-absent"})
    write_day(state, 1, ticket(5))
    with pytest.raises(Refusal):
        send_pending(state, channels(gone))
    write_day(state, 2, ticket(6))
    channel = channels(settings(tmp_path, {"claims-engineering": told.arn}))
    send_pending(state, channel)
    [message] = told.messages()
    assert message["Subject"] == "Going on: Untagged: 6"
    write_day(state, 3, ticket(7))
    send_pending(state, channel)
    assert told.messages() == []


def test_each_team_has_its_topic_and_a_blank_one_tells_nobody(topic, state, tmp_path):
    own, other = topic(), topic()
    topics = {"claims-engineering": own.arn, "data-science": "", "default": other.arn}
    write_day(
        state, 1, alert(1, "own"), alert(2, "quiet", owning_team="data-science"),
        alert(3, "no topic", owning_team="rx-engineering"), alert(4, "no team", owning_team=""),
    )  # fmt: skip
    assert send_pending(state, channels(settings(tmp_path, topics))) == 4
    names = lambda told: [one["MessageAttributes"]["message"]["Value"] for one in told.messages()]  # noqa: E731
    assert [one.split(",")[0] for one in names(own)] == ["chargeback:anomaly:own"]
    assert sorted(one.split(",")[0] for one in names(other)) == [
        "chargeback:anomaly:no team", "chargeback:anomaly:no topic",
    ]  # fmt: skip
    assert len(list((tmp_path / "outbox").iterdir())) == 4


def test_a_topic_that_fails_keeps_no_other_team_from_being_told(topic, state, tmp_path):
    told = topic()
    topics = {"claims-engineering": told.arn + "-absent", "default": told.arn}
    write_day(state, 1, alert(1, "a"), alert(2, "b"), alert(3, "c", owning_team=""))
    with pytest.raises(Refusal) as raised:
        send_pending(state, channels(settings(tmp_path, topics)))
    refusal = raised.value
    assert (refusal.exit_code, refusal.what) == (
        UNREACHABLE, "an owning team could not be told through its topic",
    )  # fmt: skip
    assert "AWS has nothing by this name" in refusal.found
    assert [line.partition(":arn")[0].split(",")[0] for line in refusal.where] == [
        "chargeback:anomaly:a", "chargeback:anomaly:b",
    ]  # fmt: skip
    assert len(told.messages()) == 1
    again = settings(tmp_path, {**topics, "claims-engineering": told.arn})
    assert send_pending(state, channels(again)) == 2
    assert [one["Subject"][:5] for one in told.messages()] == ["New: ", "New: "]


def test_a_topic_that_denies_is_said_with_what_is_lacking(topic, state, tmp_path, monkeypatch):
    told = topic()
    real = URLLib3Session.send

    def denied(session: Any, request: Any) -> Any:
        answer = real(session, request)
        answer.status_code = 403
        answer._content = (
            b"<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code>"
            b"<Message>not authorized to perform: SNS:Publish</Message></Error></ErrorResponse>"
        )
        return answer

    write_day(state, 1, alert(1))
    channel = channels(settings(tmp_path, {"claims-engineering": told.arn}))
    with monkeypatch.context() as changed:
        changed.setattr(URLLib3Session, "send", denied)
        with pytest.raises(Refusal) as raised:
            send_pending(state, channel)
    block = raised.value.block()
    assert "permission for sns:Publish" in block and "AWS denied a request" in block
    assert "docs/platform.md lists the permissions" in block
    assert not state.sent_messages(("anomaly", "a")).claimed_by, "nobody has to wait"


def test_nobody_answers(topic, state, tmp_path, monkeypatch):
    told = topic()
    write_day(state, 1, alert(1))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Refusal) as raised:
        send_pending(state, channels(settings(tmp_path, {"default": told.arn})))
    assert raised.value.exit_code == UNREACHABLE
    assert "AWS did not answer a request" in raised.value.found


def test_while_another_run_holds_the_claim_nobody_tells(topic, state, tmp_path):
    told = topic()
    channel = channels(settings(tmp_path, {"default": told.arn}))
    write_day(state, 1, alert(1))
    before = state.sent_messages(("anomaly", "a"))
    held = replace(before, claimed_at=time.time(), claimed_by="another run")
    assert state.replace_sent_messages(before, held)
    with pytest.raises(Refusal, match="another run may be telling an owning team of this"):
        send_pending(state, channel)
    assert told.messages() == []
    before = state.sent_messages(("anomaly", "a"))
    over = replace(before, claimed_at=before.claimed_at - CLAIM_SECONDS)
    assert state.replace_sent_messages(before, over)
    assert send_pending(state, channel) == 1
    assert len(told.messages()) == 1


@pytest.mark.slow
def test_killed_at_any_step_each_message_arrives_and_none_is_lost(topic, tmp_path):
    """Steps are SQL statements, and the moments around each request to SNS and each file put in place."""
    told = topic()
    once, twice, steps = 0, 0, 0
    while True:
        steps += 1
        books = tmp_path / "books"
        shutil.rmtree(books, ignore_errors=True)
        books.mkdir()
        given = settings(books, {"default": told.arn})
        state = given.open_state()
        write_day(state, 1, alert(1, "a"), ticket(2, "b"))
        state.close()

        def work(given: Settings = given) -> None:
            mine = given.open_state()
            send_pending(mine, channels(given))

        killed = is_killed(work, steps)
        state = given.open_state()
        for key in state.latest().cases:  # ten minutes later
            before = state.sent_messages(key)
            if before.claimed_by:
                state.replace_sent_messages(
                    before, replace(before, claimed_at=before.claimed_at - CLAIM_SECONDS)
                )
        send_pending(state, channels(given))
        assert sending.pending(state) == []
        state.close()
        said = [one["MessageAttributes"]["message"]["Value"] for one in told.messages()]
        assert set(said) == {
            "chargeback:anomaly:a, Chargeback, revision 1",
            "chargeback:untagged:b, Chargeback, revision 1",
        }
        assert len(said) <= 3, "at most the one that it was killed at"
        once, twice = once + (len(said) == 2), twice + (len(said) == 3)
        assert len(list((books / "outbox").glob("[!.]*"))) == 2
        if not killed:
            assert len(said) == 2
            break
    assert steps > 20 and once > twice > 0


@pytest.mark.slow
def test_the_verb_publishes_the_day_and_ends_with_6_until_the_team_could_be_told(
    topic, tmp_path, capfd
):
    """As people run it: a kernel, topics of sources.toml, first one that is not there."""
    told, places = topic(), write_month(tmp_path, days=6)
    sources = Path(places["params"]) / "sources.toml"

    def daily() -> tuple[int, str]:
        code = main([
            "daily", str(day(OPENED_ON)), "--cur", places["report"], "--params", places["params"],
            "--books", places["books"],
        ])  # fmt: skip
        printed = capfd.readouterr()
        return code, printed.out + printed.err

    sources.write_text(f'[daily.topics]\nshop-team = "{told.arn}-absent"\n', "utf-8")
    code, said = daily()
    assert code == UNREACHABLE
    assert "an owning team could not be told through its topic" in said
    assert f"chargeback:untagged:{DRIFTING}, for shop-team: {told.arn}-absent" in said
    assert "Traceback" not in said
    assert (Path(places["books"]) / "daily" / str(day(OPENED_ON)) / "cases.csv").is_file()
    sources.write_text(f'[daily.topics]\nshop-team = "{told.arn}"\n', "utf-8")
    code, said = daily()
    assert code == 0, said
    [message] = told.messages()
    assert f"({DRIFTING}): 50.00 USD, 14.3 %" in message["Message"]
    assert message["MessageAttributes"]["owning_team"]["Value"] == "shop-team"
    assert daily()[0] == 0
    assert told.messages() == []


@pytest.mark.parametrize(
    ("title", "begins"),
    [
        ("Zürich: 5 USD", "New: Zurich: 5 USD"),
        ("Møller\nand sons", "New: M?ller and sons"),
        ("x" * 300, "New: " + "x" * 91 + "..."),
    ],
)
def test_a_subject_is_as_sns_takes_it(title, begins):
    text = topic_message(a_case(title=title))["Subject"]
    assert text == begins
    assert len(text) < 100 and text.isascii() and text.isprintable()


def test_the_page_names_every_attribute():
    page = (ROOT / "docs" / "platform-alerts.md").read_text("utf-8")
    table = page.partition("<!-- attributes -->")[2].partition("<!-- end of attributes -->")[0]
    named = re.findall(r"^\| (\w+) \|", table, re.MULTILINE)[1:]
    assert sorted(named) == sorted(topic_message(a_case())["MessageAttributes"])


def test_a_message_is_far_below_what_sns_takes_and_has_no_blank_attribute():
    message = topic_message(a_case(text=("é" * 500_000,), details={}, title="é" * 500))
    assert len(message["Message"].encode()) < 262_144 / 8
    assert "owning_team" not in message["MessageAttributes"]
    assert all(one["StringValue"] for one in message["MessageAttributes"].values())


ARN = "arn:aws:sns:us-east-1:123456789012:insurer-alerts-core"


def topics_of(folder: Path, sources: str) -> dict[str, str]:
    """The topics of a params folder whose accounts.csv has the team core."""
    params = write_params(folder / "params")
    (params / "sources.toml").write_text(sources, "utf-8")
    return dict(read_settings(params, Books(folder / "books")).topics)


def test_topics_are_read_from_sources_toml_or_from_the_environment(tmp_path, monkeypatch):
    table = f'[daily.topics]\ncore = "{ARN}"\ndefault = ""\n'
    assert topics_of(tmp_path, table) == {"core": ARN, "default": ""}
    assert topics_of(tmp_path, 'state = "x"\n') == {}
    monkeypatch.setenv("CHARGEBACK_TOPICS", " ")
    assert topics_of(tmp_path, table) == {"core": ARN, "default": ""}
    monkeypatch.setenv("CHARGEBACK_TOPICS", json.dumps({"default": ARN}))
    assert topics_of(tmp_path, table) == {"default": ARN}


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ('[daily]\ntopics = "x"\n', "topics must be a table"),
        ('[daily]\ntopic = "x"\n', "topic"),
        ("[daily.topics]\ncore = 5\n", "core must be text in quotes"),
        (f'[daily.topics]\ncore = "{ARN}.fifo"\n', "a topic is not the ARN of a standard topic"),
        ('[daily.topics]\ncore = "https://hooks.example.com"\n', "a topic is not the ARN"),
        (f'[daily.topics]\nCore = "{ARN}"\n', "a topic is for a team that accounts.csv does not have"),
    ],
)  # fmt: skip
def test_topics_that_cannot_be_used(sources, words, tmp_path):
    with pytest.raises(Refusal, match=words) as raised:
        topics_of(tmp_path, sources)
    assert raised.value.exit_code == BAD_USAGE
    assert "sources.toml" in raised.value.block()


@pytest.mark.parametrize("given", ["arn:aws:sns:x", "[]", '{"core": 5}', '{"core": "x"}'])
def test_a_variable_that_cannot_be_used(given, tmp_path, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_TOPICS", given)
    with pytest.raises(Refusal) as raised:
        topics_of(tmp_path, "")
    assert raised.value.exit_code == BAD_USAGE
    assert "the environment variable CHARGEBACK_TOPICS" in raised.value.block()
