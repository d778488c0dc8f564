"""How a notebook's kernel asks its agent (chargeback/secrets/agent.py)."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from chargeback.core.errors import Refusal, unreachable

#: Seconds that a kernel waits for an answer, longer than any place is waited for.
PATIENCE_SECONDS = 300

#: The kind that asks for a secret by its name.
SECRET = "secret"


def ask(agent: Path, kind: str, of: str = "") -> str | None:
    """What an agent answers; None where it offers nothing of the kind.

    Raises:
        Refusal: what the agent's own process refused; (exit 6) it is gone.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(PATIENCE_SECONDS)
            line.connect(str(agent))
            line.sendall(json.dumps({"kind": kind, "of": of}).encode() + b"\n")
            with line.makefile("rb") as stream:
                answer = json.loads(stream.readline())
    except (OSError, ValueError) as error:
        raise unreachable(
            "the process that runs this notebook does not answer any more", f"its answer: {kind}",
            f"{type(error).__name__}: {error}", [str(agent)],
            ["nothing was published; run the same command again"],
        ) from None  # fmt: skip
    if "refusal" in answer:
        raise Refusal(**answer["refusal"])
    text: str | None = answer["text"]
    return text
