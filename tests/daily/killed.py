"""A run that is killed at any step, in a process of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from botocore.httpsession import URLLib3Session

from chargeback.daily.settings import Settings


def is_killed(work: Callable[[], Any], number: int) -> bool:
    """Do some work in a process of its own that is killed at a step; whether it got that far.

    Steps are each SQL statement, and the moments before and after each HTTP call, those to AWS among them, and
    each file put in place.
    """
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFSIGNALED(status)
    try:
        count_steps(number)
        work()
        os._exit(0)
    except BaseException:
        os._exit(1)


def count_steps(number: int) -> None:
    """Have this process kill itself at a step."""
    taken = 0

    def step(*_: object) -> None:
        nonlocal taken
        taken += 1
        if taken == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*arguments: Any, **options: Any) -> Any:
            step()
            done = function(*arguments, **options)
            step()
            return done

        return stepping

    open_state = Settings.open_state

    def traced(settings: Settings) -> Any:
        state: Any = open_state(settings)
        state.connection.set_trace_callback(step)
        return state

    Settings.open_state = traced  # type: ignore[method-assign]
    requests.Session.send = around(requests.Session.send)  # type: ignore[method-assign]
    URLLib3Session.send = around(URLLib3Session.send)  # type: ignore[method-assign]
    Path.replace = around(Path.replace)  # type: ignore[method-assign]
