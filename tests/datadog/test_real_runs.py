"""What Datadog asks about is what an agent hears of real runs: closes, days, looks, drills and a portal."""

from __future__ import annotations

import re
import socket
import threading

import pytest
import requests

from chargeback.core.metrics import STATSD
from chargeback.core.paths import ROOT
from tests.changed import where_changed
from tests.close.months import JUNE, MAY, run_process, write_month
from tests.daily.month import write_month as write_days
from tests.datadog.test_datadog import SENDERS, module_text, named, sent
from tests.flow.test_daily import close_april
from tests.infra.conftest import running_account
from tests.portal.test_serve import VERB, Running
from tests.posture.conftest import SOURCES
from tests.posture.deployed import SIGNING, Made

#: Several closes and a drill take two minutes.
pytestmark = [
    pytest.mark.slow,
    where_changed("infra/datadog", "tests/datadog", *(f"chargeback/{one}" for one in SENDERS)),
]


class Agent:
    """An agent of this machine: what it is sent, by name, as gauge (g) or count (c)."""

    def __init__(self) -> None:
        self.heard: dict[str, str] = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.place = "{}:{}".format(*self.socket.getsockname())
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        """Hear until the socket is closed."""
        while True:
            try:
                text = self.socket.recv(65536).decode()
            except OSError:
                return
            for line in text.splitlines():
                name, _, rest = line.partition(":")
                self.heard[name] = rest.split("|")[1]


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """What an agent heard of one run of each kind, by name."""
    folder = tmp_path_factory.mktemp("runs")
    agent = Agent()

    def run(*arguments: str, **environment: str) -> None:
        ended = run_process(*arguments, environment={STATSD: agent.place, **environment})
        assert ended.exit_code in (0, 4), ended

    month = write_month(folder)
    for period in (MAY, JUNE):
        run("monthly-close", period, *month.options)
    run("disputes", "--params", str(month.params), "--books", str(month.books.root))
    run("drill", *month.options)
    days = write_days(folder / "days", days=6)
    options = ("--cur", days["report"], "--params", days["params"], "--books", days["books"])
    close_april(days)
    run("daily", "2026-05-06", *options)
    run("freshness", "2026-05-06", *options)
    command = [*VERB, "--books", str(folder / "served"), "--groups", "finops-claims"]
    portal = Running(["env", f"{STATSD}={agent.place}", *command], folder / "portal.txt")
    address = re.search(r"http://127\.0\.0\.1:[0-9]+/start\?token=\S+", portal.text)
    assert address and requests.get(address[0], timeout=30).status_code == 200
    assert portal.end() == 0
    with running_account(folder) as account:
        Made(account)
        params = folder / "posture"
        params.mkdir()
        for one in (ROOT / "params").iterdir():
            (params / one.name).write_bytes(one.read_bytes())
        (params / "sources.toml").write_text(SOURCES)
        key = {"CHARGEBACK_SIGNING_KEY": f"kms:{SIGNING}"}
        run("posture", "--params", str(params), **account.environment(), **key)
    agent.socket.close()
    return agent.heard


def test_everything_that_datadog_asks_about_is_heard(heard):
    assert named(module_text()) - heard.keys() == set()


def test_what_is_heard_is_what_is_documented(heard):
    """The documentation is held to sent() by the other tests; a month that is small has it all."""
    kinds = {"gauge": "g", "count": "c"}
    assert heard == {name: kinds[kind] for name, kind in sent().items()}
