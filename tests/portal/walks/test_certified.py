"""The certified provider as tests run it: PKCE, groups, keys that change, and who has signed out."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.portal.providers.by_hand import Client, discovery, form_of, get_json, tokens
from tests.portal.walks.people import PEOPLE

CLIENT = Client("harness", "secret-of-the-harness-81c2", "http://127.0.0.1:1/callback")
DANA = {
    "name": "Dana Whitfield",
    "email": "dana@insurer.example",
    "groups": ["finops-claims", "everybody"],
}


class Listener(BaseHTTPRequestHandler):
    """A client's back channel, which keeps what it is told."""

    told: list[str]

    def do_POST(self):
        length = int(self.headers["content-length"])
        self.told += parse_qs(self.rfile.read(length).decode())["logout_token"]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def told():
    """What the client's back channel is told, and its address."""
    listener = type("Own", (Listener,), {"told": []})
    server = HTTPServer(("127.0.0.1", 0), listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield listener.told, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def ready(provider, told):
    provider.add_client(
        CLIENT.client_id, CLIENT.secret, CLIENT.callback, told[1], ["http://127.0.0.1:1/"]
    )
    provider.users(dana=DANA)
    yield provider
    provider.users(**PEOPLE)  # which the other tests at this provider are of


def keys(issuer: str) -> KeySet:
    return KeySet.import_key_set(get_json(discovery(issuer)["jwks_uri"]))


def test_tokens_say_who_it_is_and_in_which_groups(ready):
    got = tokens(ready.issuer, CLIENT, "dana", requests.Session())
    claims = jwt.decode(got["id_token"], keys(ready.issuer)).claims
    assert claims["iss"] == ready.issuer and claims["aud"] == CLIENT.client_id
    assert claims["sub"] == "dana" and claims["nonce"] == got["nonce"]
    assert claims["groups"] == DANA["groups"]


def test_keys_change_and_the_old_one_stays_or_goes(ready):
    old = tokens(ready.issuer, CLIENT, "dana", requests.Session())["id_token"]
    ready.rotate_keys(keep_old=True)
    new = tokens(ready.issuer, CLIENT, "dana", requests.Session())["id_token"]
    assert (
        jwt.decode(old, keys(ready.issuer)).header["kid"]
        != jwt.decode(new, keys(ready.issuer)).header["kid"]
    )
    ready.rotate_keys(keep_old=False)
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(old, keys(ready.issuer))


def test_who_signs_out_there_is_told_to_clients(ready, told):
    browser = requests.Session()
    got = tokens(ready.issuer, CLIENT, "dana", browser)
    page = browser.get(
        discovery(ready.issuer)["end_session_endpoint"], timeout=60,
        params={"id_token_hint": got["id_token"], "post_logout_redirect_uri": "http://127.0.0.1:1/"},
    )  # fmt: skip
    action, fields = form_of(page, logout="yes")
    answer = browser.post(action, fields, allow_redirects=False, timeout=60)
    assert answer.headers["location"] == "http://127.0.0.1:1/"
    [token] = told[0]
    claims = jwt.decode(token, keys(ready.issuer)).claims
    assert list(claims["events"]) == ["http://schemas.openid.net/event/backchannel-logout"]
    assert claims["sid"] == jwt.decode(got["id_token"], keys(ready.issuer)).claims["sid"]


def test_who_is_signed_out_by_the_provider_is_told_to_clients(ready, told):
    tokens(ready.issuer, CLIENT, "dana", requests.Session())
    told[0].clear()
    ready.sign_out_everywhere("dana")
    assert told[0]
