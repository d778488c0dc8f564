"""The code flow step by step, as a browser and a client go through it."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests

from tests.portal.providers.certified import PASSWORD, PATIENCE_SECONDS


@dataclass(frozen=True)
class Client:
    """A client that a provider knows."""

    client_id: str
    secret: str
    callback: str


def discovery(issuer: str) -> dict[str, Any]:
    """What a provider says of itself."""
    return get_json(f"{issuer}/.well-known/openid-configuration")


def get_json(address: str) -> dict[str, Any]:
    """An answer in JSON."""
    found: dict[str, Any] = requests.get(address, timeout=PATIENCE_SECONDS).json()
    return found


def form_of(page: requests.Response, **filled: str) -> tuple[str, dict[str, str]]:
    """The first form of a page: where it goes, and its fields with those that are filled in."""
    tag = re.search(r"<form[^>]*>", page.text)
    assert tag, page.text
    action = re.search(r'action="([^"]*)"', tag[0])
    fields = {}
    for one in re.findall(r"<input[^>]*>", page.text):
        name, value = re.search(r'name="([^"]*)"', one), re.search(r'value="([^"]*)"', one)
        if name:
            fields[name[1]] = html.unescape(value[1]) if value else ""
    return urljoin(page.url, html.unescape(action[1]) if action else ""), {**fields, **filled}


def tokens(issuer: str, client: Client, login: str, browser: requests.Session) -> dict[str, Any]:
    """Sign somebody in with PKCE, and the tokens that the client gets; `nonce` beside them."""
    said = discovery(issuer)
    verifier, nonce, state = (secrets.token_urlsafe(32) for _ in range(3))
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "client_id": client.client_id, "response_type": "code", "redirect_uri": client.callback,
        "scope": "openid profile email groups", "state": state, "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }  # fmt: skip
    page = browser.get(
        f"{said['authorization_endpoint']}?{urlencode(asked)}", timeout=PATIENCE_SECONDS
    )
    action, fields = form_of(page, login=login, password=PASSWORD)
    code = walk_to(browser, client.callback, browser.post(
        action, fields, allow_redirects=False, timeout=PATIENCE_SECONDS))  # fmt: skip
    assert code["state"] == state, code
    answer = requests.post(
        said["token_endpoint"], auth=(client.client_id, client.secret), timeout=PATIENCE_SECONDS,
        data={"grant_type": "authorization_code", "code": code["code"], "redirect_uri": client.callback,
              "code_verifier": verifier},
    )  # fmt: skip
    assert answer.ok, answer.text
    return {**answer.json(), "nonce": nonce}


def walk_to(browser: requests.Session, callback: str, answer: requests.Response) -> dict[str, str]:
    """Follow redirects until they lead to the client; the parameters that it is given there."""
    for _ in range(10):
        assert answer.is_redirect, (answer.status_code, answer.text)
        target = urljoin(answer.url, answer.headers["location"])
        if target.startswith(callback):
            return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        answer = browser.get(target, allow_redirects=False, timeout=PATIENCE_SECONDS)
    raise AssertionError("redirects have no end")


class OnLoopback(requests.cookies.RequestsCookieJar):
    """The cookies of a browser on one machine: Chromium too sends Secure ones to loopback without TLS."""

    def set_cookie(self, cookie, *arguments, **options):
        cookie.secure = False
        return super().set_cookie(cookie, *arguments, **options)


def browser() -> requests.Session:
    """Somebody's browser, without scripts."""
    made = requests.Session()
    made.cookies = OnLoopback()
    return made
