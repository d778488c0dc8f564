"""Connection: one call to Trino's REST protocol, and what is known when it did not go well.

A statement is posted, and each answer names the address of the next (nextUri), which is asked until there is
none; deleting that address cancels the query. Trino begins a query when its first address is asked, so that
posting again after a lost answer runs nothing twice. Answers of 429, 502, 503 and 504, connections that break
and answers that are cut short are tried again with growing waits, for as long as one request may take.

Credentials go to https addresses only, or to this machine, and never to another server than the settings name,
whatever an answer says. (https://trino.io/docs/current/develop/client-protocol.html)
"""

from __future__ import annotations

import json
import re
import time
import urllib.parse
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from chargeback.aws.calls import Patience
from chargeback.core.errors import Refusal, bad_params, unreachable
from chargeback.params.trino_settings import SECRETS, TrinoSettings
from chargeback.secrets import secret

PAGE = "docs/trino.md"
AGAIN = "nothing was published; then run the same command again"

#: Answers that say to ask again.
BUSY = (429, 502, 503, 504)

#: Seconds before the first repetition, and the longest wait between two.
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0

_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost)(:[0-9]+)?")

Answer = dict[str, Any]
Authentication = Callable[[requests.PreparedRequest], requests.PreparedRequest]


class Connection:
    """Calls to one server.

    Raises:
        Refusal: (exit 2) a password or token would go over a connection that is not encrypted, or the file of
            authorities is not there.
    """

    def __init__(self, settings: TrinoSettings, waits: Patience) -> None:
        if settings.ca and not Path(settings.ca).is_file():
            raise bad_params(
                "the file of the authority that certified Trino is not there", "a file with certificates",
                settings.ca, ["sources.toml, [trino], ca"],
            )  # fmt: skip
        self.settings, self.waits = settings, waits
        self.session = requests.Session()
        self.session.verify = settings.ca or True
        self.session.auth = authentication(settings)
        self.session.headers.update(headers(settings))

    def post(self, text: str) -> Answer:
        """The first answer to a statement."""
        return self.answered("POST", f"{self.settings.url}/v1/statement", text.encode())

    def next(self, address: str) -> Answer:
        """The next answer."""
        return self.answered("GET", self.own(address))

    def cancel(self, address: str) -> bool:
        """Ask the server to cancel a query; whether it could be asked."""
        try:
            answer = self.session.delete(
                self.own(address), timeout=self.timeouts(), allow_redirects=False
            )
        except (requests.RequestException, Refusal):
            return False
        return answer.ok

    def own(self, address: str) -> str:
        """An address of the server that the settings name (exit 6 for another)."""
        if origin(address) != origin(self.settings.url):
            raise unreachable(
                "Trino names an address of another server", f"{self.settings.url}/v1/…", address[:200],
                [self.settings.url],
                ["name the address that the server itself goes by; behind a proxy set "
                 "http-server.process-forwarded=true on the coordinator"],
            )  # fmt: skip
        return address

    def timeouts(self) -> tuple[float, float]:
        """Seconds for a connection, and for an answer on it."""
        return max(1.0, 10 * self.waits.scale), self.waits.timeout

    def answered(self, method: str, address: str, body: bytes | None = None) -> Answer:
        """What a call answers, asked again while the server is busy.

        Raises:
            Refusal: (exit 6) it cannot be reached, refuses us, or answers something else than the protocol has.
        """
        began, wait = time.monotonic(), FIRST_WAIT * self.waits.scale
        while True:
            try:
                answer = self.session.request(
                    method, address, data=body, timeout=self.timeouts(), allow_redirects=False
                )
                said = f"HTTP {answer.status_code}: {words(answer.text)}"
                asked = answer.headers.get("Retry-After", "")
                if answer.status_code not in BUSY:
                    return self.read(answer, said)
            except requests.exceptions.SSLError as error:
                raise self.unreached(
                    "a certificate that this machine trusts", reason(error),
                    "ca in sources.toml names the file of the authority that certified it",
                ) from None  # fmt: skip
            except requests.RequestException as error:
                said, asked = reason(error), ""
            pause = max(wait, float(asked) if re.fullmatch(r"[0-9]{1,3}", asked) else 0.0)
            if time.monotonic() + pause - began > self.waits.timeout:
                raise self.unreached("an answer", said, "check url in sources.toml and the network")
            time.sleep(pause)
            wait = min(2 * wait, LONGEST_WAIT * self.waits.scale)

    def read(self, answer: requests.Response, said: str) -> Answer:
        """The content of an answer that is none of a busy server."""
        if answer.status_code == 401:
            raise unreachable(
                "Trino refuses the credentials", f"a user that it knows: {self.settings.user}", said,
                [self.settings.url],
                ["check user in sources.toml, and CHARGEBACK_TRINO_PASSWORD or CHARGEBACK_TRINO_TOKEN "
                 "(or _FILE, or the place of secrets)", AGAIN],
            )  # fmt: skip
        if answer.status_code == 403:
            raise denied(said, [self.settings.url])
        try:
            if answer.status_code != 200:
                raise ValueError(said)
            found = json.loads(answer.content, parse_float=Decimal)
            if not isinstance(found, dict) or not isinstance(found.get("id"), str):
                raise ValueError(f"an answer that names no query: {words(answer.text)}")
        except ValueError as error:
            raise badly(self.settings, str(error)[:300]) from None
        return found

    def unreached(self, expected: str, found: str, todo: str) -> Refusal:
        """That there is no answer (exit 6)."""
        return unreachable(
            "Trino cannot be reached", expected, found, [self.settings.url], [todo, AGAIN]
        )  # fmt: skip


def headers(settings: TrinoSettings) -> dict[str, str]:
    """Who asks and how: in UTC, and never more bytes than the limit."""
    return {
        "X-Trino-User": settings.user,
        "X-Trino-Source": "chargeback",
        "X-Trino-Catalog": settings.catalog,
        "X-Trino-Schema": settings.schema,
        "X-Trino-Time-Zone": "UTC",
        "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
        "X-Trino-Session": f"query_max_scan_physical_bytes={settings.bytes_scanned_limit}B",
        "User-Agent": "chargeback",
    }


def authentication(settings: TrinoSettings) -> Authentication:
    """What a call is authenticated by; a .netrc file of this machine replaces none of it."""
    password, token = (secret(name) for name in SECRETS)
    if not password and not token:
        return lambda request: request
    if not settings.url.startswith("https://") and not _LOOPBACK.fullmatch(settings.url):
        raise bad_params(
            "a password or token would go to Trino over a connection that is not encrypted",
            "https://host:port", repr(settings.url), ["sources.toml, [trino], url"],
        )  # fmt: skip
    if not token:
        return requests.auth.HTTPBasicAuth(settings.user.encode(), password.encode())

    def with_token(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return with_token


def origin(address: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address; blank for what is none.

    >>> origin("https://trino.example.com/v1/statement"), origin("http://[")
    (('https', 'trino.example.com', 443), ('', '', 0))
    """
    try:
        found = urllib.parse.urlsplit(address)
        usual = {"https": 443, "http": 80}
        return found.scheme, found.hostname or "", found.port or usual[found.scheme]
    except (ValueError, KeyError):
        return "", "", 0


def denied(said: str, where: list[str]) -> Refusal:
    """That the server does not allow something (exit 6)."""
    return unreachable(
        "Trino denied a request", "permission to read the table", said, where,
        [f"{PAGE} lists the rights that a close needs", AGAIN],
    )  # fmt: skip


def badly(settings: TrinoSettings, said: str) -> Refusal:
    """That an answer is none of the protocol (exit 6)."""
    return unreachable(
        "Trino answered badly", "an answer of Trino's client protocol", said, [settings.url],
        ["check that url in sources.toml names a Trino coordinator, and its log", AGAIN],
    )  # fmt: skip


def no_table(settings: TrinoSettings, said: str) -> Refusal:
    """That there is no such table (exit 6)."""
    return unreachable(
        "Trino has no such table", settings.name, said, [settings.url],
        ["check catalog, schema and table in sources.toml, and that this user may see them"],
    )  # fmt: skip


def words(text: str) -> str:
    """What a server said, short and in one line."""
    return " ".join(text.split())[:200]


def reason(error: BaseException) -> str:
    """The innermost reason of a failed connection, which names no header."""
    inner: BaseException = error
    while True:
        found = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        if not isinstance(found, BaseException):
            break
        inner = found
    text = str(inner).rpartition(": ")[2] if "object at 0x" in str(inner) else str(inner)
    return f"{type(error).__name__}: {words(text)}"
