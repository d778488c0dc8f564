"""Measured: how many requests the portal answered, how many of them badly, and how long the slowest took.

They are added up here and sent to an agent every few seconds, by a thread of its own, so that no answer waits
for the agent's name to be resolved. Where nobody says where to, nothing is kept. Drawback: a portal that is
killed does not send what it counted last.
"""

from __future__ import annotations

import atexit
import threading
import time

from chargeback.core.metrics import Metric, count, gauge, send_metrics, statsd_place
from chargeback.core.progress import Progress

EVERY_SECONDS = 10.0


class Requests:
    """Requests that were answered and not yet sent."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.lock = threading.Lock()
        self.answered, self.failed, self.slowest = 0, 0, 0.0
        try:
            self.place = statsd_place()
        except ValueError as error:
            progress(f"metrics of the portal are not sent: {error}")
            self.place = None
        if self.place:
            atexit.register(self.send)
            threading.Thread(target=self.send_for_ever, name="metrics", daemon=True).start()

    def note(self, status: int, seconds: float) -> None:
        """Count an answer.

        Args:
            status: of HTTP; 0 where whoever asked was gone before there was one.
        """
        if self.place:
            with self.lock:
                self.answered += 1
                self.failed += status >= 500
                self.slowest = max(self.slowest, seconds)

    def take(self) -> list[Metric]:
        """What was counted since it was taken last."""
        with self.lock:
            answered, failed, slowest = self.answered, self.failed, self.slowest
            self.answered, self.failed, self.slowest = 0, 0, 0.0
        return [
            count("portal_requests", "Requests that the portal answered.", answered),
            count("portal_failures", "Requests that it answered with an error of its own.", failed),
            gauge("portal_slowest_seconds", "How long the slowest of the last seconds took.", slowest),
        ]  # fmt: skip

    def send(self) -> None:
        """Send it; a failure is said and stops nothing."""
        try:
            if self.place:
                send_metrics(self.take(), self.place)
        except Exception as error:
            self.progress(f"metrics of the portal were not sent: {type(error).__name__}: {error}")

    def send_for_ever(self) -> None:
        """Send it again and again."""
        while True:
            time.sleep(EVERY_SECONDS)
            self.send()
