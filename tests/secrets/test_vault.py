"""Secrets in a real OpenBao: who may read them, for how long, and what is said when somebody may not."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import sys
import threading
import time

import pytest

from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.core.paths import ROOT
from chargeback.secrets import give_back, secret
from chargeback.secrets.vault import vault_session
from tests.secrets.openbao import ROOT_TOKEN, wait_for

PASSWORD = "canary-of-kv-83ab"
READS = 'path "secret/data/chargeback" { capabilities = ["read"] }'


@pytest.fixture
def kept(bao):
    """A secret with a password, another kind of text, and something that is none of ours."""
    bao.root.secrets.kv.v2.create_or_update_secret(
        "chargeback", {"smtp_password": f"{PASSWORD}\n", "smtp_user": "finance", "unrelated": 7}
    )
    return bao


@pytest.fixture
def setting(monkeypatch):
    """Sets variables of the environment."""

    def put(*found: dict[str, str], **more: str) -> None:
        for one in (*found, more):
            for name, text in one.items():
                monkeypatch.setenv(name, text)

    put(CHARGEBACK_SECRETS="vault:secret/chargeback")
    return put


def refused() -> Refusal:
    """What asking for a secret is refused with; no secret stands in it."""
    with pytest.raises(Refusal) as found:
        secret("smtp_password")
    for word in (PASSWORD, ROOT_TOKEN):
        assert word not in found.value.block()
    return found.value


def test_a_role_reads_what_its_policy_allows(kept, setting):
    setting(kept.role(READS))
    assert (secret("smtp_password"), secret("smtp_user")) == (PASSWORD, "finance")
    assert secret("signing_passphrase") == ""


def test_a_token_that_somebody_gives_reads_it_and_is_left_as_it_is(kept, setting, tmp_path):
    token = kept.root.auth.token.create(policies=["root"], ttl="10m")["auth"]
    path = tmp_path / "token"
    path.write_text(token["client_token"])
    setting(VAULT_ADDR=kept.address, CHARGEBACK_VAULT_TOKEN_FILE=str(path))
    assert secret("smtp_password") == PASSWORD
    give_back()
    assert kept.lifetime(token["accessor"]) > 500


def test_version_1_of_kv_and_a_mount_with_slashes_are_read(kept, setting):
    root = kept.root
    root.sys.enable_secrets_engine("kv", path="team/finance/kv", options={"version": "1"})
    root.secrets.kv.v1.create_or_update_secret(
        "close/month", {"smtp_password": "of-version-1"}, mount_point="team/finance/kv"
    )
    setting(VAULT_ADDR=kept.address, VAULT_TOKEN=ROOT_TOKEN)
    setting(CHARGEBACK_SECRETS="vault:team/finance/kv/close/month")
    assert secret("smtp_password") == "of-version-1"


def test_the_place_is_asked_once(kept, setting):
    """Two names, one sign-in; a secret id that may be used once is enough."""
    setting(kept.role(READS, secret_id_num_uses=1))
    assert [secret("smtp_password"), secret("smtp_user")] == [PASSWORD, "finance"]


def test_a_short_token_is_renewed_while_the_process_runs_and_revoked_when_it_ends(kept, setting):
    """Seen at the server, by its accessor: it holds long after its 2 seconds, and no moment after the end."""
    setting(kept.role(READS, ttl="2s", secret_id_num_uses=1))
    before = kept.accessors()
    secret("smtp_password")
    (accessor,) = kept.accessors() - before
    time.sleep(5)
    assert kept.lifetime(accessor) is not None
    assert vault_session().read("secret/data/chargeback")["data"]["data"]["smtp_user"] == "finance"
    give_back()
    assert kept.lifetime(accessor) is None
    give_back()  # once more is harmless


@pytest.mark.parametrize(
    "ending", ["", "raise SystemExit(3)", "raise ValueError", "secret('smtp_')"]
)
def test_a_process_revokes_its_token_whichever_way_it_ends(ending, kept, setting):
    setting(kept.role(READS))
    before = kept.accessors()
    program = (
        "from chargeback.secrets import secret; assert secret('smtp_user') == 'finance'; "
        "print('read', flush=True); input(); "
    )
    with subprocess.Popen(
        [sys.executable, "-c", program + ending], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        assert process.stdout.readline() == "read\n"
        (accessor,) = kept.accessors() - before
        process.stdin.write("\n")
        process.stdin.close()
        process.wait(60)
    assert bool(process.returncode) == bool(ending)
    assert kept.lifetime(accessor) is None


def test_a_token_that_ran_out_is_replaced_by_signing_in_again(kept, setting):
    setting(kept.role(READS))
    session = vault_session()
    session.read("secret/data/chargeback")
    first = session.client.token
    kept.root.auth.token.revoke(first)
    assert session.read("secret/data/chargeback")["data"]["data"]["smtp_user"] == "finance"
    assert session.client.token != first


def test_an_expired_token_is_said(kept, setting):
    token = kept.root.auth.token.create(policies=["root"], ttl="1s", renewable=False)["auth"]
    setting(VAULT_ADDR=kept.address, VAULT_TOKEN=token["client_token"])
    wait_for(lambda: kept.lifetime(token["accessor"]) is None, "the token still holds")
    found = refused()
    assert (found.exit_code, found.what) == (
        UNREACHABLE, "the token for Vault has expired, or is none of its own",
    )  # fmt: skip
    assert token["client_token"] not in found.block()


def test_a_token_that_expires_while_it_is_used_is_said(kept, setting):
    token = kept.root.auth.token.create(policies=["root"], ttl="10m")["auth"]
    setting(VAULT_ADDR=kept.address, VAULT_TOKEN=token["client_token"])
    secret("smtp_user")
    kept.root.auth.token.revoke_accessor(token["accessor"])
    with pytest.raises(Refusal, match="the token for Vault has expired"):
        vault_session().read("secret/data/chargeback")


#: What is wrong -> the variables, the exit code, and the first line.
WRONG = {
    "nobody answers": ({"VAULT_ADDR": "http://127.0.0.1:9"}, UNREACHABLE, "Vault cannot be reached"),
    "no such host": ({"VAULT_ADDR": "https://nowhere.invalid"}, UNREACHABLE, "Vault cannot be reached"),
    "another role": ({"CHARGEBACK_VAULT_ROLE_ID": "canary-role-id"}, UNREACHABLE,
                     "Vault does not sign this program in"),
    "another secret id": ({"CHARGEBACK_VAULT_SECRET_ID": "canary-secret-id"}, UNREACHABLE,
                          "Vault does not sign this program in"),
    "no such method": ({"CHARGEBACK_VAULT_AUTH_MOUNT": "nowhere"}, UNREACHABLE,
                       "Vault does not sign this program in"),
    "another namespace": ({"VAULT_NAMESPACE": "elsewhere"}, UNREACHABLE, "Vault has nothing at this path"),
    "a path that is not allowed": ({"CHARGEBACK_SECRETS": "vault:secret/other"}, UNREACHABLE,
                                   "Vault denied a request"),
    "a mount that is not there": ({"CHARGEBACK_SECRETS": "vault:nowhere/chargeback"}, UNREACHABLE,
                                  "Vault denied a request"),
    "no mount": ({"CHARGEBACK_SECRETS": "vault:chargeback"}, BAD_USAGE, "this is not a path of Vault"),
    "a way out": ({"CHARGEBACK_SECRETS": "vault:secret/../sys/seal"}, BAD_USAGE, "this is not a path of Vault"),
    "a method that there is not": ({"CHARGEBACK_VAULT_AUTH": "ldap"}, BAD_USAGE,
                                   "CHARGEBACK_VAULT_AUTH is none of its choices"),
    "no token": ({"CHARGEBACK_VAULT_AUTH": "token"}, BAD_USAGE,
                 "Vault is named and a setting for it is missing"),
    "no role": ({"CHARGEBACK_VAULT_AUTH": "aws"}, BAD_USAGE,
                "Vault is named and a setting for it is missing"),
    "no secret id": ({"CHARGEBACK_VAULT_SECRET_ID": ""}, BAD_USAGE,
                     "Vault is named and a setting for it is missing"),
    "no address": ({"VAULT_ADDR": ""}, BAD_USAGE, "Vault is named and a setting for it is missing"),
    "plain http": ({"VAULT_ADDR": "http://vault.example.com"}, BAD_USAGE,
                   "the address of Vault is not https"),
    "a password in the address": ({"VAULT_ADDR": "https://me:canary-word@vault.example.com"}, BAD_USAGE,
                                  "the address of Vault is not https"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_each_thing_that_can_be_wrong_is_said(name, kept, setting):
    changed, code, words = WRONG[name]
    setting(kept.role(READS), changed)
    found = refused()
    assert (found.exit_code, found.what) == (code, words)
    assert found.expected and found.found and found.where and found.todo
    for given in changed.values():
        assert "canary" not in given or given not in found.block()
    assert "canary-word" not in found.block()


def test_a_path_that_is_not_there_is_said(kept, setting):
    setting(kept.role('path "secret/data/*" { capabilities = ["read"] }'))
    setting(CHARGEBACK_SECRETS="vault:secret/nowhere")
    found = refused()
    assert (found.exit_code, found.what) == (UNREACHABLE, "Vault has nothing at this path")


def test_a_secret_that_is_no_text_is_said(kept, setting):
    kept.root.secrets.kv.v2.create_or_update_secret("odd", {"smtp_password": {"a": PASSWORD}})
    setting(VAULT_ADDR=kept.address, VAULT_TOKEN=ROOT_TOKEN, CHARGEBACK_SECRETS="vault:secret/odd")
    found = refused()
    assert (found.exit_code, found.what) == (BAD_USAGE, "a place of secrets holds no texts by name")


def test_a_sealed_server_is_said(kept, setting):
    setting(kept.role(READS))
    kept.root.sys.seal()
    try:
        found = refused()
    finally:
        kept.unseal()
    assert (found.exit_code, found.what) == (UNREACHABLE, "Vault is sealed or not ready")


class Echo(http.server.BaseHTTPRequestHandler):
    """A server that repeats what it is sent, as no server should."""

    def answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        status = int(self.server.status)
        body = json.dumps({"errors": [f"cannot take {dict(self.headers)} {sent}"]}).encode()
        self.send_response(status)
        if status == 307:
            self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def echo():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status", [200, 204, 307, 400, 403, 404, 405, 418, 429, 500, 502, 503])
@pytest.mark.parametrize("auth", ["token", "approle"])
def test_a_server_that_repeats_what_it_is_sent_gives_no_secret_away(
    auth, status, echo, alone, setting
):
    echo.status = status
    setting(
        VAULT_ADDR=f"http://127.0.0.1:{echo.server_port}", CHARGEBACK_VAULT_AUTH=auth,
        VAULT_TOKEN="canary-token-11", CHARGEBACK_VAULT_ROLE_ID="canary-role-22",
        CHARGEBACK_VAULT_SECRET_ID="canary-secret-33",
    )  # fmt: skip
    found = refused()
    assert found.exit_code == UNREACHABLE
    assert not re.findall("canary-[a-z]+-[0-9]+", found.block())
