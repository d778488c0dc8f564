"""Mail by a real server: each unit once, whatever the server does, and nothing secret anywhere."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from chargeback.books.delivery_log import MAILED
from chargeback.core.errors import Refusal
from chargeback.delivery import mail_settings
from chargeback.delivery.mail import MailTarget
from chargeback.delivery.mail_client import MailClient, stuffed
from chargeback.delivery.mail_settings import read_mail_settings
from chargeback.delivery.pack import PackTarget
from tests.close.months import JUNE, Month
from tests.delivery.pack.mail_server import PASSWORD, Faults, Server, serving
from tests.delivery.pack.months import copy_month, deliver, of, write_delivery
from tests.made_once import made_once

pytestmark = pytest.mark.slow

#: An amount of money as any page of ours writes it.
AMOUNT = re.compile(r"[0-9][0-9,]*\.[0-9]{2}\b")


@pytest.fixture(scope="session")
def packed(closed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """June handed out, nothing mailed; not to be changed."""
    return made_once(
        tmp_path_factory, "packed",
        lambda folder: deliver(copy_month(closed, folder), PackTarget("embedded")),
    )  # fmt: skip


@pytest.fixture
def month(packed: Path, tmp_path: Path) -> Month:
    """A copy of the handed out month."""
    return copy_month(packed, tmp_path / "month")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that the environment names."""
    with serving(tmp_path / "tls") as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found


def mail(month: Month) -> list[str]:
    """What a run says that sends mail."""
    return deliver(month, MailTarget())


def refused(month: Month) -> tuple[Refusal, list[str]]:
    """How a run ends that does not send all mails, and what it says."""
    said: list[str] = []
    with pytest.raises(Refusal) as stopped:
        MailTarget().deliver(of(month), said.append)
    assert PASSWORD not in stopped.value.block() and not AMOUNT.search(stopped.value.block())
    return stopped.value, said


def texts(message: Message) -> list[str]:
    """The readable parts of a mail."""
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    return [
        content.decode()
        for part in parts
        if isinstance(content := part.get_payload(decode=True), bytes)
    ]


def head_of(content: bytes) -> bytes:
    """The headers of a mail."""
    return content.split(b"\r\n\r\n", 1)[0]


def attached(message: Message) -> dict[str, bytes]:
    """What a mail brings along."""
    return {
        name: content
        for part in message.walk()
        if (name := part.get_filename())
        and isinstance(content := part.get_payload(decode=True), bytes)
    }


def contact(unit_id: str, *to: str, more: str = "") -> str:
    """One [[contact]]."""
    return f'[[contact]]\nbusiness_unit_id = "{unit_id}"\nto = {list(to)}\nvalid_from = "2026-01"\n{more}\n'


def test_each_unit_is_written_to_once_over_tls(month, server):
    write_delivery(
        month,
        '[handout]\nlink = "https://portal.example/{period}/{business_unit_id}"\n'
        '[mail]\nreply_to = "desk@insurer.example"\nask = "the billing desk, extension 4711"\n',
    )
    said = mail(month)
    assert "2 mails sent by 127.0.0.1:" in said[-1]
    assert [one.recipients for one in server.received] == [
        ("bob@example.com",),
        ("ann@example.com",),
    ]
    assert set(server.logins) == {"chargeback"}
    core, shop = (one.message for one in server.received)
    assert shop["Subject"] == "AWS charges of June 2026: the statement of Shop"
    assert (shop["From"], shop["Reply-To"]) == (
        "cloud-billing@insurer.example",
        "desk@insurer.example",
    )
    assert shop["To"] == "Ann <ann@example.com>" and shop["X-Unsent"] is None
    plain, html = texts(shop)
    assert "https://portal.example/2026-06/shop" in plain
    assert '<a href="https://portal.example/2026-06/shop">' in html
    assert "the billing desk, extension 4711" in plain and "Hello Ann," in plain
    for one in (core, shop):
        assert not [text for text in [*texts(one), one["Subject"]] if AMOUNT.search(text)]
    entries = {one.subject: one for one in of(month).log.of(JUNE, MAILED)}
    assert set(entries) == {"shop", "core"}
    [(name, sha256)] = entries["shop"].files.items()
    sent = of(month).room.read(name)
    assert (
        sent is not None
        and sent.split(b"\r\n\r\n", 1)[0] == server.received[1].content.split(b"\r\n\r\n", 1)[0]
    )
    assert sha256 in name and entries["shop"].details["to"] == ["ann@example.com"]
    assert mail(month)[-1] == "  mail        2 mails sent before: nothing to do"
    assert len(server.received) == 2


def test_the_message_id_is_that_of_books_period_and_unit(month, server, packed, tmp_path):
    mail(month)
    first = server.ids()
    other = copy_month(packed, tmp_path / "other")
    write_delivery(other, '[mail]\nask = "somebody else"\n')
    mail(other)
    assert server.ids() == [*first, *first] and len(set(first)) == 2
    room = of(month).room
    drafts = [
        room.read(one) or b"" for one in room.names() if one.endswith(".eml") and "/pack/" in one
    ]
    assert sorted(first) == sorted(
        re.findall(r"Message-ID: (.*)\r\n", draft.decode())[0] for draft in drafts
    )


def test_a_unit_gets_along_what_it_chose_and_finance_its_summary(month, server):
    write_delivery(
        month,
        contact(
            "shop", "ann@example.com", "al@example.com",
            more='cc = ["cc@example.com"]\nattach = ["pdf", "csv"]',
        )
        + contact("*", "cfo@example.com", more='attach = ["pdf"]'),
    )  # fmt: skip
    mail(month)
    by_first = {one.recipients[0]: one for one in server.received}
    shop = by_first["ann@example.com"]
    assert shop.recipients == ("ann@example.com", "al@example.com", "cc@example.com")
    statements = month.books.statements(JUNE) / "shop"
    assert attached(shop.message) == {
        f"2026-06 Shop statement.{one}": (statements / f"statement.{one}").read_bytes()
        for one in ("pdf", "csv")
    }
    assert list(attached(by_first["cfo@example.com"].message)) == ["2026-06 summary.pdf"]
    assert attached(by_first["bob@example.com"].message) == {}
    assert of(month).done(MAILED, "*")


def test_a_refused_address_is_named_and_the_others_are_written_to(month, server):
    server.faults.refused = {"bob@example.com"}
    refusal, said = refused(month)
    assert refusal.exit_code == 2 and refusal.what == "the mail server refused a mail"
    assert refusal.where == ["core: recipients were refused: bob@example.com 550"]
    assert [one.recipients for one in server.received] == [("ann@example.com",)]
    assert "1 mail sent" in said[-1]
    write_delivery(month, contact("core", "robert@example.com"))
    mail(month)
    assert [one.recipients for one in server.received] == [
        ("ann@example.com",),
        ("robert@example.com",),
    ]


def test_nobody_gets_a_mail_of_which_one_address_is_refused(month, server):
    """So that it comes once when that address is corrected."""
    server.faults.refused = {"gone@example.com"}
    write_delivery(month, contact("core", "bob@example.com", "gone@example.com"))
    refused(month)
    assert [one.recipients for one in server.received] == [("ann@example.com",)]


@pytest.mark.parametrize("answer", ["421 4.3.2 closing", "451 4.3.0 later"])
def test_a_mail_that_is_not_taken_now_is_sent_by_the_next_run(month, server, answer):
    server.faults.answers = {1: answer}
    refusal, _ = refused(month)
    assert refusal.exit_code == 6 and refusal.where[0].startswith("core: the server ")
    assert len(server.received) == 1
    said = mail(month)
    assert Counter(server.ids()).most_common(1)[0][1] == 1 and len(server.received) == 2
    assert not any("sent again" in one for one in said)


@pytest.mark.parametrize("answer", ["close", "slow"])
def test_a_mail_without_an_answer_is_sent_again_with_its_message_id(
    month, server, answer, monkeypatch
):
    server.faults.answers = {1: answer}
    target = MailTarget(client=MailClient(read_mail_settings(month.params), timeout=1.0))
    said: list[str] = []
    with pytest.raises(Refusal) as stopped:
        target.deliver(of(month), said.append)
    assert stopped.value.exit_code == 6 and "which may have arrived" in stopped.value.where[0]
    assert not of(month).done(MAILED, "core") and of(month).done(MAILED, "shop")
    assert any(
        "core: no answer came last time; sent again, with the same Message-ID" in one
        for one in mail(month)
    )
    first, _, again = server.ids()
    assert first == again
    entry = of(month).done(MAILED, "core")
    assert entry and entry.details["may_have_come_twice"] and entry.details["tries"] == 2


def test_a_mail_that_the_server_never_takes_is_a_refusal(month, server):
    server.faults.answers = {1: "554 5.7.1 we do not like it 123.45"}
    refusal, _ = refused(month)
    assert refusal.exit_code == 2 and refusal.where == ["core: the mail was refused: 554"]


def test_a_server_that_is_down_keeps_nothing_else_from_being_done(closed, tmp_path, monkeypatch):
    month = copy_month(closed, tmp_path / "month")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("CHARGEBACK_SMTP", f"smtp://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("CHARGEBACK_SMTP_FROM", "cloud-billing@insurer.example")
        deliver(month, PackTarget("embedded"))
        refusal, _ = refused(month)
    assert refusal.exit_code == 6 and "does not answer" in refusal.found
    assert refusal.todo == ["nothing more was tried; run it again: make handout PERIOD=2026-06"]
    assert of(month).done("handed out")
    with serving(tmp_path / "tls") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        mail(month)
        assert len(server.received) == 2


def test_a_wrong_password_is_refused_and_not_shown(month, server, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_SMTP_PASSWORD", "another-canary")
    refusal, _ = refused(month)
    assert refusal.exit_code == 2 and "another-canary" not in refusal.block()
    assert not server.received


def test_a_certificate_by_nobody_is_not_spoken_to(month, server, monkeypatch):
    monkeypatch.delenv("CHARGEBACK_SMTP_CA")
    refusal, _ = refused(month)
    assert refusal.exit_code == 6 and "certificate" in refusal.what
    assert not server.received and not server.logins


def test_no_mail_leaves_this_machine_unencrypted(month, tmp_path, monkeypatch):
    """The server is here, and is taken for one elsewhere."""
    monkeypatch.setattr(mail_settings, "is_loopback", lambda host: False)
    with serving(tmp_path / "tls", tls="none", accounts=False) as server:
        monkeypatch.setenv("CHARGEBACK_SMTP", f"smtp://127.0.0.1:{server.port}")
        monkeypatch.setenv("CHARGEBACK_SMTP_FROM", "cloud-billing@insurer.example")
        refusal, _ = refused(month)
        assert refusal.exit_code == 6 and refusal.what == "the mail server offers no encryption"
        assert not server.received


@pytest.mark.parametrize("tls", ["smtps", "none"])
def test_tls_from_the_beginning_and_a_relay_on_this_machine(month, tmp_path, monkeypatch, tls):
    with serving(tmp_path / "tls", tls=tls, accounts=False) as server:
        scheme = "smtps" if tls == "smtps" else "smtp"
        monkeypatch.setenv("CHARGEBACK_SMTP", f"{scheme}://127.0.0.1:{server.port}")
        monkeypatch.setenv("CHARGEBACK_SMTP_FROM", "cloud-billing@insurer.example")
        monkeypatch.setenv("CHARGEBACK_SMTP_CA", server.authorities)
        mail(month)
        assert len(server.received) == 2


def run(month: Month, server: Server) -> subprocess.Popen[str]:
    """A run of its own."""
    arguments = ["handout", JUNE, "--params", str(month.params), "--books", str(month.books.root)]
    return subprocess.Popen(
        [sys.executable, "-m", "chargeback", *arguments], text=True,
        env={**os.environ, **server.environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_two_runs_at_once_send_each_mail_once(month, server):
    runs = [run(month, server) for _ in range(2)]
    outputs = [one.communicate(timeout=120)[0] for one in runs]
    assert [one.returncode for one in runs] == [0, 0], outputs
    assert len(server.received) == 2 and len(set(server.ids())) == 2
    assert not any("sent again" in one for one in outputs)


@pytest.mark.parametrize("killed_at", [1, 2])
def test_a_run_that_is_killed_is_gone_on_with(month, server, killed_at):
    """It is killed when a mail has arrived and before it knows: that one comes twice, and no other does."""
    started: list[subprocess.Popen[str]] = []

    def kill(number: int) -> None:
        if number == killed_at:
            os.kill(started[0].pid, signal.SIGKILL)

    server.faults = Faults(on_mail=kill)
    started.append(run(month, server))
    started[0].communicate(timeout=120)
    assert started[0].returncode == -signal.SIGKILL
    before = server.ids()
    assert len(before) == killed_at
    after = run(month, server)
    said, _ = after.communicate(timeout=120)
    assert after.returncode == 0, said
    counted = Counter(server.ids())
    assert len(counted) == 2 and counted[before[-1]] == 2
    assert sum(counted.values()) == 3 and said.count("sent again") == 1
    assert PASSWORD not in said


def test_nothing_secret_is_written(month, server):
    mail(month)
    for name in of(month).room.names():
        assert PASSWORD.encode() not in (of(month).room.read(name) or b"")


def test_without_a_server_people_send_the_drafts(month):
    [said] = mail(month)
    assert "to be sent by hand" in said and "2026-06/pack/mail" in said


def test_lines_that_begin_with_a_point_arrive_as_they_are():
    assert stuffed(b"a\n.\r\n..b\rc") == b"a\r\n..\r\n...b\r\nc\r\n"
