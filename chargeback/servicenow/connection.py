"""Connection: one call to an instance of ServiceNow, and what is known when it did not go well.

What can be tried again is: HTTP 429, connections that were never made, and every call that changes nothing when
it is made twice. A call that may have been done or may be done yet is `NoAnswer`, one that ServiceNow answered
with an error of its own is `Failed`, and one that it does not do is `Rejected`. Credentials go to https
addresses only.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3.exceptions import NewConnectionError

from chargeback.core.errors import Refusal, bad_params, unreachable

LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost)(:[0-9]+)?")

#: What to do about credentials.
CREDENTIALS = "CHARGEBACK_SERVICENOW_USER and _PASSWORD, or _CLIENT_ID and _CLIENT_SECRET"


@dataclass(frozen=True)
class Patience:
    """How long things are tried; seconds.

    Args:
        quiet: how long after a claim nobody else creates; longer than any transaction of ServiceNow.
    """

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 30.0
    timeout: float = 20.0
    quiet: float = 600.0

    def pause(self, attempt: int) -> None:
        """Wait, twice as long after each attempt."""
        time.sleep(min(self.first_wait * 2**attempt, self.longest_wait))


@dataclass(frozen=True)
class Instance:
    """A ServiceNow instance and who we are there.

    Args:
        address: https://<name>.service-now.com
        user, password: of basic authentication; or
        client_id, client_secret: of OAuth client credentials.
    """

    address: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Answer:
    """What ServiceNow answered: the result of the call, and how many records a query has in all."""

    result: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int | None:
        """How many records a query finds, on all its pages; None where it does not say."""
        text = self.headers.get("X-Total-Count", "")
        return int(text) if text.isdecimal() else None


class Bearer(requests.auth.AuthBase):
    """A token as authentication; as a plain header, a .netrc file would replace it."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class NoAnswer(Exception):
    """Nobody knows whether it was done."""


class Failed(Exception):
    """It was answered with an error of the server's; it is over."""


class Rejected(Exception):
    """It was understood and is not done: by a rule, for a role that is missing, or as a second of its kind."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


class Connection:
    """Calls to one instance.

    Raises:
        Refusal: (exit 2) its address is not https, or there are no credentials.
    """

    def __init__(self, instance: Instance, patience: Patience) -> None:
        if not instance.address.startswith("https://") and not LOOPBACK.fullmatch(instance.address):
            raise bad_params(
                "the address of ServiceNow is not https", "https://<name>.service-now.com",
                repr(instance.address), ["sources.toml, servicenow"],
            )  # fmt: skip
        if not (instance.client_id and instance.client_secret) and not (
            instance.user and instance.password
        ):
            raise bad_params(
                "there are no credentials for ServiceNow", CREDENTIALS, "neither", ["the environment"],
            )  # fmt: skip
        self.instance, self.patience = instance, patience
        self.session = requests.Session()
        self.session.headers.update({"Accept": "application/json"})
        self.token = ""

    def address(self, path: str) -> str:
        """The address of a part of the REST API, such as table/incident."""
        return f"{self.instance.address}/api/now/{path}"

    def link(self, table: str, sys_id: str) -> str:
        """The address of a record for people."""
        return f"{self.instance.address}/nav_to.do?uri={table}.do?sys_id={sys_id}"

    def tried(self, method: str, path: str, **options: Any) -> Answer:
        """A call that may be made twice, made until it is answered.

        Raises:
            Rejected: it is not done. Refusal: (exit 6) there is no answer, or none that can be used.
        """
        for attempt in range(self.patience.attempts):
            try:
                return self.call(method, path, **options)
            except (NoAnswer, Failed) as error:
                said = str(error)
            self.patience.pause(attempt)
        raise self.refusal(said)

    def call(self, method: str, path: str, **options: Any) -> Answer:
        """What one call answers; 429 and connections that were never made are tried again.

        Raises:
            NoAnswer: it may have been done, or may be done yet; Failed: the server answered with an error;
            Rejected: it is not done.
            Refusal: (exit 6) it surely was not done and will not be.
        """
        said = ""
        for attempt in range(self.patience.attempts):
            try:
                answer = self.session.request(
                    method, self.address(path), timeout=self.patience.timeout, allow_redirects=False,
                    **options, **self.credentials(),
                )  # fmt: skip
            except requests.ConnectTimeout as error:
                said = str(error)
            except requests.ConnectionError as error:
                reason = getattr(error.args[0] if error.args else None, "reason", None)
                if not isinstance(reason, NewConnectionError):
                    raise NoAnswer(str(error)) from None
                said = str(error)
            except requests.RequestException as error:
                raise NoAnswer(str(error)) from None
            else:
                said = f"HTTP {answer.status_code}: {answer.text[:200]}"
                if answer.status_code == 429:
                    time.sleep(retry_after(answer, self.patience))
                    continue
                if answer.status_code == 401 and self.token and attempt == 0:
                    self.token = ""  # it may have run out
                    continue
                return self.answer(answer, said)
            self.patience.pause(attempt)
        raise self.refusal(said)

    def answer(self, answer: requests.Response, said: str) -> Answer:
        """What an answer holds, or the error that it is."""
        if answer.status_code in (502, 504):
            raise NoAnswer(said)
        if answer.status_code >= 500:
            raise Failed(said)
        if answer.status_code == 401:
            raise self.refused(said)
        if 400 <= answer.status_code < 500:
            raise Rejected(answer.status_code, said)
        if answer.status_code not in (200, 201):
            raise self.unusable(answer, said)
        try:
            return Answer(answer.json()["result"], answer.headers)
        except (ValueError, KeyError, TypeError):
            raise self.unusable(answer, said) from None

    def unusable(self, answer: requests.Response, said: str) -> Exception:
        """That an answer cannot be used; one of success says nothing about what was done."""
        return NoAnswer(said) if 200 <= answer.status_code < 300 else self.refusal(said)

    def credentials(self) -> dict[str, Any]:
        """What a call is authenticated by."""
        if not self.instance.client_id:
            return {"auth": (self.instance.user, self.instance.password)}
        if not self.token:
            self.token = self.fetch_token()
        return {"auth": Bearer(self.token)}

    def fetch_token(self) -> str:
        """An OAuth token of the client credentials."""
        said = ""
        for attempt in range(self.patience.attempts):
            try:
                answer = self.session.post(
                    f"{self.instance.address}/oauth_token.do", timeout=self.patience.timeout,
                    allow_redirects=False,
                    data={"grant_type": "client_credentials", "client_id": self.instance.client_id,
                          "client_secret": self.instance.client_secret},
                )  # fmt: skip
                said = f"HTTP {answer.status_code}"
                if answer.status_code == 200:
                    return str(answer.json()["access_token"])
                if answer.status_code in (401, 403):
                    raise self.refused(said)
                if answer.status_code < 500 and answer.status_code != 429:
                    break
            except (requests.RequestException, ValueError, KeyError, TypeError) as error:
                said = f"{type(error).__name__}: {error}"
            self.patience.pause(attempt)
        raise self.refusal(said)

    def refused(self, said: str) -> Refusal:
        """That our credentials, or our roles, do not do (exit 6)."""
        return unreachable(
            "ServiceNow refuses the credentials", "an account that may read and write these records", said,
            [self.instance.address],
            [f"check {CREDENTIALS}, and the roles of the account", "what was not sent is sent by the next run"],
        )  # fmt: skip

    def refusal(self, said: str, *where: str) -> Refusal:
        """ServiceNow did not do its part (exit 6)."""
        return unreachable(
            "ServiceNow did not answer as expected", "an answer of its REST API", said,
            [self.instance.address, *where],
            ["everything is written down here; what was not sent is sent by the next run"],
        )  # fmt: skip

    def rejection(self, rejected: Rejected, *where: str) -> Refusal:
        """That a call was rejected, for those whom that stops (exit 6)."""
        if rejected.status == 403:
            return self.refused(str(rejected))
        return self.refusal(str(rejected), *where)


def retry_after(answer: requests.Response, patience: Patience) -> float:
    """How long an answer asks us to wait, in seconds; not longer than we are willing to."""
    try:
        asked = float(answer.headers.get("Retry-After", patience.first_wait))
    except ValueError:
        asked = patience.first_wait
    return max(0.0, min(asked, patience.longest_wait))
