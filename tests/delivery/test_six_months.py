"""The sample's six months, handed out, exported, booked, mailed and read back, with two faults in each run.

What finance has after each month is what the ledger holds, each thing once and to the cent; and running it all
again changes nothing anywhere.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from chargeback.books.checked import checked_postings
from chargeback.books.delivery_log import BOOKED, EXPORTED, HANDED_OUT, MAILED
from chargeback.books.tables import statement_total
from chargeback.books.verify import verify_books
from chargeback.cli import main
from chargeback.core.books_folders import Books
from chargeback.core.errors import DONE, UNREACHABLE
from chargeback.core.paths import PARAMS
from chargeback.delivery import stage
from chargeback.delivery.erp.export import journal_name
from chargeback.delivery.released import ClosedForDelivery, closed_for_delivery
from chargeback.sample import LAST_FINAL_PERIOD, PERIODS, write_estate
from chargeback.servicenow.connection import Patience
from tests.close.months import month_in
from tests.delivery.pack.mail_server import Server, serving
from tests.delivery.pack.months import close_months
from tests.erp.made import ERP_TOML, HEADER
from tests.erp.parsers import PARSERS
from tests.made_once import made_once
from tests.servicenow.stand_in import PASSWORD, USER, StandIn, servicenow

#: What goes wrong at ServiceNow and at the mail server; "close" is a mail that was taken, and nobody said so.
CALLS = ("429", "500", "503", "504", "lost", "late 504", "refused", "garbage")
MAILS = ("421 try again later", "451 not now", "close", "close", "close")

FAST = Patience(attempts=4, first_wait=0.01, longest_wait=0.04, timeout=2, quiet=600)
MOST_RUNS = 12
CLOSED = [one for one in PERIODS if one <= LAST_FINAL_PERIOD]
LINE_ITEMS = 20_000


@dataclass
class Finance:
    """The books that were closed, and whom they are delivered to."""

    books: Books
    params: Path
    instance: StandIn
    mail: Server
    unheard: int = 0  # mails that came, and whose sender was not told so

    def of(self, period: str) -> ClosedForDelivery:
        """A period, for delivery."""
        return closed_for_delivery(self.books, period, self.params, "ann")

    def handout(self, period: str) -> int:
        """The verb."""
        return main(
            ["handout", period, "--params", str(self.params), "--books", str(self.books.root), "--by", "ann"]
        )  # fmt: skip

    def held(self) -> tuple[object, ...]:
        """All that anybody has: the room's files, ServiceNow's lines and the mails that came."""
        room = self.of(CLOSED[0]).room
        lines = sorted(map(str, self.instance.rows("fm_expense_line")))
        return {one: room.read(one) for one in room.names()}, lines, self.mail.ids()


def close_sample(folder: Path) -> None:
    """The sample's final months, closed with statements, of fewer line items and the same money."""
    write_estate(folder / "report", CLOSED, LINE_ITEMS)
    shutil.copytree(PARAMS, folder / "params")
    close_months(month_in(folder), *CLOSED)


@pytest.fixture(scope="session")
def months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their books; not to be changed."""
    return made_once(tmp_path_factory, "six-months-with-statements", close_sample)


@pytest.fixture
def finance(months: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Finance]:
    """The sample's months, and params of today that name everybody."""
    shutil.copytree(months / "books", tmp_path / "books")
    params = tmp_path / "params"
    shutil.copytree(PARAMS, params)
    (params / "viewers.toml").unlink()  # dashboards have tests of their own
    (params / "gl_accounts.csv").write_text(HEADER + "*,*,1000,630000,,,199000,9000,,,2025-01,\n")
    (params / "delivery.toml").write_text(
        ERP_TOML["sap"] + "\n[servicenow]\nexpense_lines = true\n"
    )
    books = Books(tmp_path / "books")
    monkeypatch.setattr(stage, "ServiceNowTarget", partial(stage.ServiceNowTarget, FAST))
    with servicenow() as instance, serving(tmp_path / "tls") as mail:
        told = mail.environment | {
            "CHARGEBACK_SERVICENOW": instance.address, "CHARGEBACK_SERVICENOW_USER": USER,
            "CHARGEBACK_SERVICENOW_PASSWORD": PASSWORD,
        }  # fmt: skip
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        found = Finance(books, params, instance, mail)
        centers = {one for period in CLOSED for one in found.of(period).params.cost_centers}
        instance.add_cost_centers(sorted(centers))
        yield found


def deliver_through_faults(finance: Finance, period: str, chance: random.Random) -> int:
    """Run the verb until it says that all is done; two things go wrong in each run. How many runs it took."""
    for run in range(1, MOST_RUNS + 1):
        calls, mails = len(finance.instance.calls), finance.mail.datas
        for _ in range(2):
            if chance.random() < 0.5:
                finance.instance.faults[calls + chance.randint(1, 30)] = chance.choice(CALLS)
            else:
                finance.mail.faults.answers[mails + chance.randint(1, 4)] = chance.choice(MAILS)
        ended = finance.handout(period)
        finance.unheard += sum(
            answer == "close" and number <= finance.mail.datas
            for number, answer in finance.mail.faults.answers.items()
        )
        finance.instance.faults.clear()
        finance.mail.faults.answers.clear()
        if ended == DONE:
            return run
        assert ended == UNREACHABLE, (period, run)
    raise AssertionError(f"{period} was not delivered in {MOST_RUNS} runs")


def assert_delivered(finance: Finance, period: str) -> None:
    """Everybody has each thing of a period once, and it is what the ledger charges."""
    one = finance.of(period)
    charged = statement_total(checked_postings(finance.books, period))
    done = Counter((entry.action, entry.subject) for entry in one.log.of(period))
    assert set(done.values()) == {1}
    units = {unit for action, unit in done if action == MAILED}
    assert units >= set(one.params.business_units)
    assert {action for action, _ in done} >= {HANDED_OUT, EXPORTED, BOOKED, MAILED}
    # ServiceNow: each line once, to the cent.
    lines = [
        line
        for line in finance.instance.rows("fm_expense_line")
        if f":{period}:" in line["u_chargeback_entry"]
    ]
    entries = [line["u_chargeback_entry"] for line in lines]
    assert len(entries) == len(set(entries)) > 0
    assert sum(Decimal(line["amount"]) for line in lines) == charged
    # The ERP: every document balances, and the debits less what is given back are what is charged.
    [exported] = one.log.of(period, EXPORTED)
    documents = PARSERS["sap"](one.room.read(journal_name(exported)) or b"")
    assert documents
    for document in documents.values():
        assert sum(amount for _, _, amount, _ in document.lines) == 0
    spent = [
        amount
        for document in documents.values()
        for account, _, amount, _ in document.lines
        if account == "630000"
    ]
    assert sum(spent) == charged


@pytest.mark.slow
def test_six_months_reach_everybody_once_whatever_goes_wrong(finance, capsys):
    chance = random.Random(2026)
    runs = {period: deliver_through_faults(finance, period, chance) for period in CLOSED}
    assert max(runs.values()) > 1, "nothing went wrong"
    for period in CLOSED:
        assert_delivered(finance, period)
    # A mail whose answer was lost came again, with the same id; no other did.
    assert finance.unheard > 0
    assert len(finance.mail.ids()) - len(set(finance.mail.ids())) == finance.unheard
    before = finance.held()
    capsys.readouterr()
    for period in CLOSED:
        assert finance.handout(period) == DONE
    said = capsys.readouterr().out
    for words in ("nothing to do", "read back and equal", "sent before"):
        assert said.count(words) >= len(CLOSED), words
    assert finance.held() == before
    verify_books(finance.books, lambda _: None)


@pytest.mark.slow
def test_a_target_that_is_down_keeps_no_other_from_being_served(finance, capsys):
    """Nobody answers at ServiceNow: exit 6, the mails are out; the next run books, and mails nobody again."""
    period = CLOSED[0]
    finance.instance.one_fault_a_call = lambda _: "refused"
    assert finance.handout(period) == UNREACHABLE
    refused = capsys.readouterr().err
    assert refused.startswith("STOPPED  ServiceNow") and PASSWORD not in refused
    mailed = finance.mail.ids()
    assert len(mailed) == len(set(mailed)) > 0
    assert finance.of(period).done(HANDED_OUT) and finance.of(period).log.of(period, EXPORTED)
    assert not finance.instance.rows("fm_expense_line")
    finance.instance.one_fault_a_call = None
    assert finance.handout(period) == DONE
    assert finance.mail.ids() == mailed
    assert_delivered(finance, period)
