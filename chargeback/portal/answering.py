"""Answering: a line of log for each answer, and a plain page in place of any error.

What always holds: a line says when, what, for whose address and how long, and never what stands behind the
question mark of an address, which may be a code; and no traceback leaves the process, neither to a browser nor
to the log, because it could hold anything.
"""

from __future__ import annotations

import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chargeback.core.errors import Refusal
from chargeback.portal.arrival import HEALTH, TooLarge, TooSlow, too_large, too_slow
from chargeback.portal.door import Door
from chargeback.portal.measured import Requests

LONGEST_PATH = 200


class Answering:
    """Sees to it that everything is answered, and says what was."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app, self.door = app, door
        self.requests = Requests(door.say)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        except ClientDisconnect:
            pass  # whoever asked is gone
        except Exception as error:
            answer = self.answer(error)
            if status:
                # A part is out already; the connection has to end, or the page would be read as the rest of it.
                raise Broken from None
            await answer(scope, receive, send_noted)
        finally:
            self.note(scope, status, time.perf_counter() - begun)

    def answer(self, error: Exception) -> Any:
        """What is answered in place of an error; what it was is for the log."""
        if isinstance(error, TooLarge):
            return too_large()
        if isinstance(error, TooSlow):
            return too_slow()
        if isinstance(error, Refusal):
            for line in error.block().split("\n"):
                self.door.say(line)
            return self.door.page(
                "This cannot be shown at the moment", "Try again in a minute.",
                f"If it stays so, tell {self.door.whom_to_ask}.", status=503,
            )  # fmt: skip
        place = traceback.extract_tb(error.__traceback__)[-1]
        self.door.say(
            f"an unexpected error, which is a defect of this program: {type(error).__name__} in "
            f"{Path(place.filename).name} line {place.lineno}"
        )
        return self.door.page(
            "This did not work",
            f"It is a defect of the portal. Tell {self.door.whom_to_ask}.",
            status=500,
        )

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """Say what was answered; whoever asks whether we live is not worth a line."""
        if scope["path"].endswith(HEALTH) and status == 200:
            return
        self.requests.note(status, seconds)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        caller = self.door.caller(HTTPConnection(scope))
        path = scope["path"][:LONGEST_PATH]
        self.door.say(
            f"{now} {status or '---'} {scope['method']} {path} {seconds * 1000:.0f} ms {caller}"
        )


class Broken(Exception):
    """An answer that was begun and cannot be finished; uvicorn ends the connection."""
