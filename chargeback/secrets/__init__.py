"""Secrets: one place that everything asks for a password, a token or a key.

    CHARGEBACK_<NAME>         the secret itself, in the environment
    CHARGEBACK_<NAME>_FILE    a file that holds it, such as one that a container mounts

Nobody else reads secrets from the environment, and nothing that is read here is written anywhere.
"""

from __future__ import annotations

import os
from pathlib import Path

from chargeback.core.errors import bad_params


def secret(name: str) -> str:
    """The secret of a name, such as "smtp_password"; blank where nobody gives one.

    Raises:
        Refusal: (exit 2) the file that holds it cannot be read.
    """
    variable = f"CHARGEBACK_{name.upper()}"
    if found := os.environ.get(variable, ""):
        return found
    named = os.environ.get(f"{variable}_FILE", "")
    if not named:
        return ""
    try:
        return Path(named).read_text("utf-8").removesuffix("\n")
    except (OSError, ValueError) as error:
        raise bad_params(
            "the file of a secret cannot be read", "a file with the secret in it",
            type(error).__name__, [f"{named}, named by {variable}_FILE"],
        ) from None  # fmt: skip
