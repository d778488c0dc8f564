"""A portal that is opened for a test: the real door, with two small rooms behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from httpx import Response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from chargeback.params.viewers import VIEWER, Grant, Viewers
from chargeback.portal.app import make_app
from chargeback.portal.forms import read_form
from chargeback.portal.headers import page
from chargeback.portal.loopback import Resident
from chargeback.portal.provider import Provider
from chargeback.portal.sessions import MEMORY, Sessions
from chargeback.portal.settings import Settings
from tests.portal.small_provider import SmallProvider

ADDRESS = "http://127.0.0.1:8095"
POLICY = Viewers((Grant("finops-claims", VIEWER, ("claims",)),))


@dataclass
class Kept:
    """Records that a test looks at."""

    entries: list[tuple[str, str, str]] = field(default_factory=list)

    def record(
        self, by: str, action: str, subject: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        self.entries.append((by, action, subject))


class Clock:
    """Seconds since 1970 that a test lets pass."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def home(request: Request) -> JSONResponse:
    visit = request.state.visit
    return JSONResponse(
        {
            "name": visit.person.name,
            "groups": visit.person.groups,
            "form_token": visit.form_token,
            "root_path": request.scope["root_path"],
        }
    )


def unit(request: Request) -> Any:
    """A room with one page of a unit; what is foreign is answered as what there is not."""
    if not request.state.visit.sight.sees_unit(request.path_params["unit"]):
        raise HTTPException(404)
    return page("<!DOCTYPE html><title>claims</title><style>p{}</style><p>claims</p>")


async def answer(request: Request) -> JSONResponse:
    form = await read_form(request)
    return JSONResponse({"note": str(form["note"])})


def broken(request: Request) -> Any:
    raise RuntimeError("a secret text")


ROOMS = (
    Route("/", home),
    Route("/unit/{unit}", unit),
    Route("/answer", answer, methods=["POST"]),
    Route("/broken", broken),
)


class Opened:
    """A portal and a browser that has come to it.

    Args:
        policy: in place of `POLICY`.
        changed: of the settings.
    """

    def __init__(
        self,
        provider: SmallProvider | None = None,
        policy: Callable[[], Viewers] = lambda: POLICY,
        clock: Callable[[], float] | None = None,
        resident: Resident | None = None,
        **changed: Any,
    ) -> None:
        self.provider, self.records, self.log = provider, Kept(), []
        issuer = provider.issuer if provider else ""
        self.settings = replace(
            Settings(ADDRESS, "127.0.0.1", 8095, issuer, "showback" if provider else ""), **changed
        )
        given = {"clock": clock} if clock else {}
        limits = self.settings.idle_seconds, self.settings.session_seconds
        if clock:
            given["sessions"] = Sessions(MEMORY, *limits, clock)
        self.keys = Provider(issuer) if provider else None
        self.app = make_app(
            self.settings, ROOMS, self.records, policy, provider=self.keys, resident=resident,
            progress=self.log.append, **given,
        )  # fmt: skip

    def browser(self, caller: str = "127.0.0.1") -> TestClient:
        """Another browser."""
        return TestClient(
            self.app, base_url=self.settings.origin, follow_redirects=False, client=(caller, 50000)
        )

    def begin(self, browser: TestClient, to: str = "") -> dict[str, str]:
        """Begin to sign in; what the browser brings back from the provider."""
        path = f"{self.settings.path}/sign-in"
        answer = browser.get(path, params={"to": to} if to else {})
        assert answer.status_code == 303, answer.text
        return self.provider.sign_in(answer.headers["location"])

    def come_back(self, browser: TestClient, said: Mapping[str, str]) -> Response:
        """Come back from the provider."""
        return browser.get(f"{self.settings.path}/callback", params=said)

    def signed_in(self, caller: str = "127.0.0.1") -> TestClient:
        """A browser that has signed in."""
        browser = self.browser(caller)
        answer = self.come_back(browser, self.begin(browser))
        assert answer.status_code == 303, (answer.text, self.log)
        return browser

    def post(self, browser: TestClient, path: str, **options: Any) -> Response:
        """Send a form as a page of the portal does."""
        return browser.post(
            self.settings.path + path, headers={"origin": self.settings.origin}, **options
        )

    def form_token(self, browser: TestClient) -> str:
        return browser.get(f"{self.settings.path}/").json()["form_token"]
