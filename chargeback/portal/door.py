"""Door: what all parts of the portal's door share: the settings, who is inside, and how they answer.

What always holds: nothing here waits on a disk or another machine in the loop that serves everybody; work on
files has threads of its own, and so have calls to the provider, so that a slow provider holds up nobody who is
already inside.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.requests import HTTPConnection
from starlette.responses import Response

from chargeback.core.progress import Progress
from chargeback.params.viewers import Viewers
from chargeback.portal.limits import Rate, network_of
from chargeback.portal.person import Records, Visit
from chargeback.portal.plain_page import Way, plain_page
from chargeback.portal.sessions import Sessions
from chargeback.portal.settings import Settings

Answer = TypeVar("Answer")

#: A random id as this portal makes them; nothing else is looked for.
ID = re.compile(r"[A-Za-z0-9_-]{43}")

THREADS_HERE, THREADS_THERE = 16, 8

NOBODY = "nobody"


@dataclass
class Door:
    """The settings, who is inside, who may see what, and where it is written down.

    Args:
        policy: viewers.toml as it is at this moment; a Refusal where it is malformed.
        say: takes a line of the log.
        clock: seconds since 1970.
    """

    settings: Settings
    sessions: Sessions
    records: Records
    policy: Callable[[], Viewers]
    say: Progress
    clock: Callable[[], float]
    sign_ins: Rate = field(init=False)
    answers: Rate = field(init=False)
    requests: Rate = field(init=False)
    logouts: Rate = field(init=False)

    def __post_init__(self) -> None:
        limits = self.settings.limits
        self.sign_ins = Rate(limits.sign_ins_a_minute, time.monotonic)
        self.answers = Rate(limits.sign_ins_a_minute, time.monotonic)
        self.requests = Rate(limits.requests_a_minute, time.monotonic)
        self.logouts = Rate(limits.logouts_a_minute, time.monotonic)
        self._here, self._there = CapacityLimiter(THREADS_HERE), CapacityLimiter(THREADS_THERE)

    async def here(self, work: Callable[..., Answer], *given: Any, **named: Any) -> Answer:
        """Work on this machine's files, in a thread."""
        return await anyio.to_thread.run_sync(partial(work, *given, **named), limiter=self._here)

    async def there(self, work: Callable[..., Answer], *given: Any, **named: Any) -> Answer:
        """Work that calls the provider, in another thread."""
        return await anyio.to_thread.run_sync(partial(work, *given, **named), limiter=self._there)

    @property
    def cookie(self) -> str:
        """The name of the session's cookie, another one for each portal of a host.

        A cookie with this prefix is one of the whole host, and ports share cookies.
        """
        if self.settings.is_https:
            return "__Host-portal" + self.settings.path.replace("/", "-")
        return f"portal-{self.settings.port}"

    @property
    def browser_cookie(self) -> str:
        """The name of the cookie that binds a sign-in to a browser."""
        return f"{self.cookie}-sign-in"

    def id_of(self, request: HTTPConnection, name: str) -> str:
        """The id in a cookie; blank where there is none that could be one."""
        found = request.cookies.get(name, "")
        return found if ID.fullmatch(found) else ""

    def set_cookie(
        self, answer: Response, name: str, value: str, seconds: int | None = None
    ) -> None:
        """Give the browser an id that no script and no other site's request gets at."""
        answer.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            secure=self.settings.is_https,
            httponly=True,
            samesite="lax",
        )

    def clear_cookie(self, answer: Response, name: str) -> None:
        """Take an id from the browser."""
        self.set_cookie(answer, name, "", 0)

    def caller(self, request: HTTPConnection) -> str:
        """Whose request it is, for limits and the log."""
        return network_of(request.client.host if request.client else "")

    def address(self, path: str) -> str:
        """A path of the portal, as a browser asks this host for it."""
        return self.settings.path + path

    def page(
        self, heading: str, *sentences: str, status: int = 200, way: Way | None = None,
        visit: Visit | None = None, code: str = "", onward: str = "",
    ) -> Response:  # fmt: skip
        """A plain page of the door."""
        return plain_page(
            heading, sentences, base=self.settings.path, way=way, status=status, visit=visit, code=code,
            onward=onward,
        )  # fmt: skip

    def too_often(self, seconds: int, visit: Visit | None = None) -> Response:
        """The answer to somebody who asks more often than they may."""
        answer = self.page(
            "Too many requests", f"Wait {seconds} seconds, then try again.", status=429, visit=visit
        )
        answer.headers["retry-after"] = str(seconds)
        return answer

    @property
    def whom_to_ask(self) -> str:
        """Whom people ask, as the end of a sentence."""
        return self.settings.contact or "whoever runs this portal"
