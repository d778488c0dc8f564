"""ServiceNow: tickets over the Table API, one for each rule and subject, whatever happens on the way.

Method: the Table API has no "create unless there", so three things together make sure that there are never
two.

1. A ticket is looked up by its correlation_id before anything is sent.
2. A run that wants to create one claims it first, in the state that all runs share. Only the run that holds
   the claim may create, and it looks again while holding it.
3. An answer that never came says nothing: the ticket may be made a moment later. The claim is then kept, and
   nobody creates until it is older than any transaction of ServiceNow can be (its own limits are 60 seconds
   and 5 minutes). Until then tickets are only looked up. What is still not there is left for the next run.

When ServiceNow answers with 429 or an error of its own, the request is over and is tried again, as are all
look-ups and updates: a message carries its revision, and one that arrived is not sent twice. Credentials come
from the environment and go to https addresses only.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, replace
from typing import Any

import requests
from urllib3.exceptions import NewConnectionError

from chargeback.core.errors import Refusal, bad_params, unreachable
from chargeback.daily.cases import OPEN, Case
from chargeback.daily.messages import (
    DONE_STATES,
    IN_PROGRESS,
    correlation_id,
    message,
    revision_of,
)
from chargeback.daily.state import SentMessages, State

FIELDS = "sys_id,number,state,correlation_id,correlation_display,sys_created_on"
LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost)(:[0-9]+)?")


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


@dataclass(frozen=True)
class Instance:
    """A ServiceNow instance and who we are there.

    Args:
        address: https://<name>.service-now.com
        table: where tickets are.
        user, password: of basic authentication; or
        client_id, client_secret: of OAuth client credentials.
    """

    address: str
    table: str = "incident"
    user: str = ""
    password: str = ""
    client_id: str = ""
    client_secret: str = ""


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


class ServiceNow:
    """Tickets of one instance.

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
                "there are no credentials for ServiceNow",
                "CHARGEBACK_SERVICENOW_USER and _PASSWORD, or _CLIENT_ID and _CLIENT_SECRET", "neither",
                ["the environment"],
            )  # fmt: skip
        self.instance, self.patience = instance, patience
        self.session = requests.Session()
        self.session.headers.update({"Accept": "application/json"})
        self.token = ""

    def send(self, case: Case, state: State) -> SentMessages:
        """Bring the ticket of a case to its latest message, and remember that it arrived.

        Raises:
            Refusal: (exit 6) ServiceNow does not answer, refuses us or answers badly; what was not sent is sent
                by the next run.
        """
        while True:
            before = state.sent_messages(case.key)
            if before.revision >= case.revision:
                return before
            ticket = self.find(case) or self.create(case, state)
            if ticket is None and case.status == OPEN:
                raise self.refusal("nothing said whether a ticket was made", case)
            # Whoever sent a later message meanwhile finds ours in its place, and sends that again.
            revision = self.update(case, ticket, before) if ticket else case.revision
            before = state.sent_messages(case.key)
            after = replace(
                before, revision=revision, claimed_at=0.0, claimed_by="",
                ticket_id=ticket["sys_id"] if ticket else "",
                number=ticket["number"] if ticket else "",
                link=self.link(ticket["sys_id"]) if ticket else "",
            )  # fmt: skip
            if state.replace_sent_messages(before, after):
                return after

    def create(self, case: Case, state: State) -> dict[str, str] | None:
        """The ticket, made if we hold the claim; None when nobody may say, or when there is no need for one."""
        claimed = self.claim(case, state)
        for attempt in range(self.patience.attempts):
            # Whoever held the claim before us may have made it since we looked.
            found = self.find(case)
            if found:
                return found
            if case.status != OPEN:
                if claimed is None:
                    raise self.refusal("nothing said whether a ticket was made", case)
                return None
            if claimed is not None and time.time() > claimed.claimed_at + self.patience.quiet / 2:
                break  # it takes too long: our claim would run out while we create
            if claimed is not None:
                try:
                    return self.call("POST", self.table(), json=message(case))
                except NoAnswer:
                    claimed = None
                except Failed:
                    pass
                except Refusal:
                    self.release(claimed, state)
                    raise
            self.pause(attempt)
        if claimed is not None:
            self.release(claimed, state)
            raise self.refusal("it answered too slowly, or each time with an error", case)
        return self.find(case)

    def claim(self, case: Case, state: State) -> SentMessages | None:
        """Our claim to create the ticket; None while somebody else's holds."""
        before = state.sent_messages(case.key)
        now = time.time()
        if before.claimed_by and now < before.claimed_at + self.patience.quiet:
            return None
        mine = replace(before, claimed_at=now, claimed_by=secrets.token_hex(8))
        return state.sent_messages(case.key) if state.replace_sent_messages(before, mine) else None

    def release(self, claimed: SentMessages, state: State) -> None:
        """Give a claim back after something that surely made no ticket."""
        state.replace_sent_messages(claimed, replace(claimed, claimed_at=0.0, claimed_by=""))

    def find(self, case: Case) -> dict[str, str] | None:
        """The oldest ticket of a case, if there is one."""
        wanted = correlation_id(case.key)
        query = {
            "sysparm_query": f"correlation_id={wanted}^ORDERBYsys_created_on", "sysparm_fields": FIELDS,
            "sysparm_limit": "2",
        }  # fmt: skip
        found = self.tried("GET", self.table(), params=query)
        # An instance ignores a condition that it does not understand, and would answer with any ticket.
        mine = [one for one in found if one.get("correlation_id") == wanted]
        return mine[0] if mine else None

    def update(self, case: Case, ticket: dict[str, str], before: SentMessages) -> int:
        """Bring a ticket to the latest message unless it has that, or a later one; the revision it has then.

        A later one counts only where we have sent one before: a state that was lost begins with 1 again.
        """
        there = revision_of(ticket.get("correlation_display", ""))
        if there == case.revision or (before.revision and there > case.revision):
            return there
        fields = message(case)
        if case.status == OPEN and ticket.get("state") in DONE_STATES:
            fields["state"] = IN_PROGRESS  # closed by hand while the cost goes on
        self.tried("PATCH", f"{self.table()}/{ticket['sys_id']}", json=fields)
        return case.revision

    def table(self) -> str:
        """The address of the table."""
        return f"{self.instance.address}/api/now/table/{self.instance.table}"

    def link(self, ticket_id: str) -> str:
        """The address of a ticket for people."""
        return f"{self.instance.address}/nav_to.do?uri={self.instance.table}.do?sys_id={ticket_id}"

    def pause(self, attempt: int) -> None:
        """Wait, twice as long after each attempt."""
        time.sleep(min(self.patience.first_wait * 2**attempt, self.patience.longest_wait))

    def tried(self, method: str, address: str, **options: Any) -> Any:
        """A call that may be made twice, made until it is answered."""
        for attempt in range(self.patience.attempts):
            try:
                return self.call(method, address, **options)
            except (NoAnswer, Failed) as error:
                said = str(error)
            self.pause(attempt)
        raise self.refusal(said)

    def call(self, method: str, address: str, **options: Any) -> Any:
        """The result of one call; 429 and connections that were never made are tried again.

        Raises:
            NoAnswer: it may have been done, or may be done yet; Failed: the server answered with an error.
            Refusal: (exit 6) it surely was not done and will not be.
        """
        said = ""
        for attempt in range(self.patience.attempts):
            try:
                answer = self.session.request(
                    method, address, timeout=self.patience.timeout, allow_redirects=False,
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
                return self.result(answer, said)
            self.pause(attempt)
        raise self.refusal(said)

    def result(self, answer: requests.Response, said: str) -> Any:
        """What an answer holds, or the error that it is."""
        if answer.status_code in (502, 504):
            raise NoAnswer(said)
        if answer.status_code >= 500:
            raise Failed(said)
        if answer.status_code in (401, 403):
            raise unreachable(
                "ServiceNow refuses the credentials", "an account that may read and write tickets", said,
                [self.instance.address],
                ["check CHARGEBACK_SERVICENOW_USER and _PASSWORD, or _CLIENT_ID and _CLIENT_SECRET",
                 "what was not sent is sent by the next run"],
            )  # fmt: skip
        try:
            if answer.status_code not in (200, 201):
                raise ValueError
            return answer.json()["result"]
        except (ValueError, KeyError, TypeError):
            if 200 <= answer.status_code < 300:
                raise NoAnswer(said) from None
            raise self.refusal(said) from None

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
                if answer.status_code < 500 and answer.status_code != 429:
                    self.result(answer, said)
            except (requests.RequestException, ValueError, KeyError) as error:
                said = f"{type(error).__name__}: {error}"
            self.pause(attempt)
        raise self.refusal(said)

    def refusal(self, said: str, case: Case | None = None) -> Refusal:
        """ServiceNow did not do its part (exit 6)."""
        return unreachable(
            "ServiceNow did not answer as expected", "an answer of its Table API", said,
            [self.instance.address, *([correlation_id(case.key)] if case else [])],
            ["everything is written in the state; what was not sent is sent by the next run"],
        )  # fmt: skip


def retry_after(answer: requests.Response, patience: Patience) -> float:
    """How long an answer asks us to wait, in seconds; not longer than we are willing to."""
    try:
        asked = float(answer.headers.get("Retry-After", patience.first_wait))
    except ValueError:
        asked = patience.first_wait
    return max(0.0, min(asked, patience.longest_wait))
