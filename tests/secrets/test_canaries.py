"""No secret stands in what a run writes, prints or starts, wherever it was given, and whatever goes wrong."""

from __future__ import annotations

import base64
import http.server
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from chargeback.core.confidential import variable_of
from chargeback.core.errors import BAD_USAGE, DONE, UNREACHABLE
from chargeback.core.runner import stop
from chargeback.secrets.agent import offering_secrets
from tests.close.months import MAY, Month, write_month
from tests.daily.month import day
from tests.daily.month import write_month as write_open_month
from tests.runner.notebooks import run_cells
from tests.secrets.canaries import forms, new_canaries, run_watched, seen_in, seen_in_files
from tests.secrets.conftest import aws

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/proc/self/environ").exists(), reason="processes cannot be looked at here"
    ),
]

CANARIES = new_canaries()
WANTED = forms(CANARIES)

Environment = dict[str, str]


@pytest.fixture
def clean(alone: None, tmp_path: Path) -> Environment:
    """An environment without secrets, with temporary files where they are looked at."""
    (tmp_path / "tmp").mkdir()
    return {
        **os.environ,
        "TMPDIR": str(tmp_path / "tmp"),
        "CHARGEBACK_BUILD": str(tmp_path / "build"),
    }


def by_environment(clean: Environment, folder: Path, request: pytest.FixtureRequest) -> Environment:
    return {**clean, **{variable_of(name): text for name, text in CANARIES.items()}}


def by_files(clean: Environment, folder: Path, request: pytest.FixtureRequest) -> Environment:
    found = dict(clean)
    for name, text in CANARIES.items():
        path = folder / "mounted" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        found[variable_of(name) + "_FILE"] = str(path)
    return found


def by_vault(clean: Environment, folder: Path, request: pytest.FixtureRequest) -> Environment:
    bao = request.getfixturevalue("bao")
    bao.root.secrets.kv.v2.create_or_update_secret("canaries", CANARIES)
    role = bao.role('path "secret/data/canaries" { capabilities = ["read"] }')
    return {**clean, **role, "CHARGEBACK_SECRETS": "vault:secret/canaries"}


def by_aws(clean: Environment, folder: Path, request: pytest.FixtureRequest) -> Environment:
    request.getfixturevalue("moto")
    aws("secretsmanager").create_secret(
        Name=f"canaries-{folder.name}", SecretString=json.dumps(CANARIES)
    )
    own = {name: text for name, text in os.environ.items() if name.startswith("AWS_")}
    return {**clean, **own, "CHARGEBACK_SECRETS": f"aws:canaries-{folder.name}"}


PLACES = {"environment": by_environment, "files": by_files, "vault": by_vault, "aws": by_aws}


def assert_nothing_seen(
    month: Month, tmp_path: Path, wanted: Mapping[bytes, str], least: int
) -> None:
    folders = [month.books.root, tmp_path / "tmp", tmp_path / "build", tmp_path / "params"]
    seen, looked_at = seen_in_files([one for one in folders if one.is_dir()], wanted)
    assert seen == {} and looked_at >= least


@pytest.mark.parametrize("place", PLACES)
def test_a_close_leaves_no_secret_anywhere(place, clean, tmp_path, request):
    """A key that a passphrase opens signs, so that those two were needed; kernels and programs ran."""
    month = write_month(tmp_path)
    environment = PLACES[place](clean, tmp_path, request)
    wanted = dict(WANTED)
    secret_id = environment.get("CHARGEBACK_VAULT_SECRET_ID")
    if secret_id:
        wanted[secret_id.encode()] = "secret id"
    tokens = request.getfixturevalue("bao").accessors() if place == "vault" else set()
    ran = run_watched(["monthly-close", MAY, *month.options], environment, wanted)
    assert ran.exit_code == DONE, ran.said
    assert seen_in(ran.said.encode(), wanted) == set()
    assert any("kernel_server" in line for line in ran.command_lines)
    assert ran.seen == {}
    signed = json.loads((month.books.ledger(MAY) / "manifest.json").read_bytes())["signer"]
    assert signed == {
        "name": "CN=Example Health Finance,O=Example Health", "development": False, "time_stamp": "",
    }  # fmt: skip
    assert not (month.books.root / "keys").exists()
    assert_nothing_seen(month, tmp_path, wanted, least=60)
    if tokens:
        assert request.getfixturevalue("bao").accessors() == tokens  # what it got it gave back


#: What is wrong -> the variables that make it so, the exit code, and the first line.
WRONG = {
    "another passphrase": ({"CHARGEBACK_SIGNING_PASSPHRASE": CANARIES["smtp_password"]}, BAD_USAGE,
                           "the passphrase does not open the signing key"),
    "a key that is cut short": ({"CHARGEBACK_SIGNING_KEY": CANARIES["signing_key"][:-200]}, BAD_USAGE,
                                "the signing key's file cannot be used"),
    "something else in the place of a key": (
        {"CHARGEBACK_SIGNING_KEY": "", "CHARGEBACK_SIGNING_KEY_FILE": "password"}, BAD_USAGE,
        "the signing key's file cannot be used"),
    "a token for the path of a key": ({"CHARGEBACK_SIGNING_KEY": "vault:transit/key", "VAULT_ADDR": "http://127.0.0.1:9",
                                       "VAULT_TOKEN": CANARIES["smtp_password"]}, BAD_USAGE,
                                      "the signing key has no certificate"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_key_is_said_without_it(name, clean, tmp_path, request):
    changed, code, words = WRONG[name]
    month = write_month(tmp_path)
    path = tmp_path / "password"
    path.write_text(CANARIES["smtp_password"])
    environment = by_environment(clean, tmp_path, request)
    changed = {key: str(path) if text == "password" else text for key, text in changed.items()}
    ran = run_watched(["monthly-close", MAY, *month.options], {**environment, **changed}, WANTED)
    assert (ran.exit_code, ran.said.splitlines()[0]) == (code, f"STOPPED  {words}")
    assert seen_in(ran.said.encode(), WANTED) == set() and ran.seen == {}
    assert_nothing_seen(month, tmp_path, WANTED, least=0)


class Echo(http.server.BaseHTTPRequestHandler):
    """A server that repeats what it is sent, and what it makes of it."""

    def answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        coded = (self.headers.get("Authorization") or "").removeprefix("Basic ")
        said = f"{dict(self.headers)} {base64.b64decode(coded, validate=False)!r} {sent}"
        body = json.dumps({"error": {"message": said, "detail": said}, "result": said}).encode()
        self.send_response(self.server.status, "canary")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.asked += 1

    do_GET = do_POST = do_PUT = do_PATCH = answer

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def echo() -> Iterator[Callable[[int], http.server.ThreadingHTTPServer]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.asked = 0
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("who", "status"), [("user", 200), ("user", 401), ("client", 400)])
def test_a_ticket_system_that_repeats_the_password_gives_it_away_nowhere(
    who, status, echo, clean, tmp_path, request
):
    echo.status = status
    places = write_open_month(tmp_path, days=6)
    environment = by_environment(clean, tmp_path, request)
    other = "client_id" if who == "user" else "user"
    environment[variable_of(f"servicenow_{other}")] = ""
    environment["CHARGEBACK_SERVICENOW"] = f"http://127.0.0.1:{echo.server_port}"
    ran = run_watched(
        ["daily", str(day(5)), "--cur", places["report"], "--params", places["params"],
         "--books", places["books"]],
        environment, WANTED,
    )  # fmt: skip
    secret_ones = {
        form: name for form, name in WANTED.items() if not name.endswith(("_user", "_id"))
    }
    assert ran.exit_code == UNREACHABLE and echo.asked, ran.said
    assert seen_in(ran.said.encode(), secret_ones) == set() and ran.seen == {}
    seen, looked_at = seen_in_files([Path(places["books"]), tmp_path / "tmp"], secret_ones)
    assert seen == {} and looked_at > 2


def test_a_ticket_system_that_is_not_there_is_said_without_the_password(clean, tmp_path, request):
    places = write_open_month(tmp_path, days=6)
    environment = by_vault(clean, tmp_path, request)
    environment["CHARGEBACK_SERVICENOW"] = "http://127.0.0.1:9"
    ran = run_watched(
        ["daily", str(day(5)), "--cur", places["report"], "--params", places["params"],
         "--books", places["books"]],
        environment, WANTED,
    )  # fmt: skip
    assert ran.exit_code == UNREACHABLE and "ServiceNow" in ran.said, ran.said
    assert seen_in(ran.said.encode(), WANTED) == set() and ran.seen == {}
    seen, looked_at = seen_in_files([Path(places["books"]), tmp_path / "tmp"], WANTED)
    assert seen == {} and looked_at > 5


LOOKS = """
import os, subprocess
print(dict(os.environ))
print(subprocess.run(["env"], capture_output=True, text=True).stdout)
print(open("/proc/self/environ").read())
"""


@pytest.mark.parametrize("mode", ["", "cold"])
def test_a_kernel_has_no_secret_in_its_environment(mode, alone, tmp_path, monkeypatch):
    stop()
    monkeypatch.setenv("CHARGEBACK_KERNELS", mode)
    monkeypatch.setenv("CHARGEBACK_STATSD", "127.0.0.1:9")
    for name, text in CANARIES.items():
        monkeypatch.setenv(variable_of(name), text)
    try:
        printed = run_cells(tmp_path, LOOKS).printed()
    finally:
        stop()
    assert printed.count("CHARGEBACK_STATSD") == 3  # it is this environment that was looked at
    assert seen_in(printed.encode(), WANTED) == set()


ASKS = """
from chargeback.secrets import secret
print([secret(name) for name in ("smtp_password", "servicenow_password", "signing_passphrase")])
"""


def test_a_kernel_is_told_the_secrets_that_it_needs_and_no_others(alone, tmp_path, monkeypatch):
    """What it prints of one, it prints itself: no notebook of ours does."""
    for name, text in CANARIES.items():
        monkeypatch.setenv(variable_of(name), text)
    try:
        with offering_secrets(["servicenow_password"]) as told:
            printed = run_cells(tmp_path, ASKS, LOOKS, told=told).printed()
        first, _, others = printed.partition("]")
        assert first == f"['', '{CANARIES['servicenow_password']}', ''"
        assert seen_in(others.encode(), WANTED) == set()
        assert not Path(told["CHARGEBACK_AGENT"]).exists()
    finally:
        stop()


def test_a_look_for_canaries_finds_them(tmp_path):
    """In text, in base64 wherever it begins, in a table and in a statement."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tests.signing.pdfs import small_pdf

    word = CANARIES["smtp_password"]
    coded = base64.b64encode(f"x:{word}".encode()).decode()
    (tmp_path / "a.txt").write_text(f"header {coded}")
    (tmp_path / "b.txt").write_text(CANARIES["signing_key"])
    (tmp_path / "c.pdf").write_bytes(small_pdf(word))
    pq.write_table(pa.table({"a": [word] * 100}), tmp_path / "d.parquet", compression="zstd")
    (tmp_path / "e.txt").write_text("nothing")
    seen, looked_at = seen_in_files([tmp_path], WANTED)
    assert looked_at == 5
    assert {Path(path).name: found for path, found in seen.items()} == {
        "a.txt": {"smtp_password"}, "b.txt": {"signing_key"}, "c.pdf": {"smtp_password"},
        "d.parquet": {"smtp_password"},
    }  # fmt: skip
