"""What the environment or a file gives of secrets."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from chargeback.core.confidential import OF_FILE, SECRETS, keep_secret, variable_of
from chargeback.core.errors import bad_params


@dataclass(frozen=True)
class Secret:
    """A secret that somebody gives.

    Args:
        text: blank where nobody gives it.
        where: who gives it, for a refusal.
        in_environment: whether a variable holds the text itself.
    """

    text: str = field(repr=False)
    where: str
    in_environment: bool = False


def local_secret(name: str) -> Secret:
    """What the environment or a file gives; blank where neither does."""
    variable = variable_of(name)
    text = os.environ.get(variable, "")
    if text.strip():
        found = Secret(text.strip(), variable, in_environment=True)
    elif os.environ.get(variable + OF_FILE, "").strip():
        path = Path(os.environ[variable + OF_FILE].strip())
        found = Secret(_text_of(path, variable + OF_FILE), f"{path}, named by {variable}{OF_FILE}")
    else:
        return Secret("", variable)
    if SECRETS[name]:
        keep_secret(found.text)
    return found


def _text_of(path: Path, variable: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise bad_params(
            "the file of a secret cannot be read", "a file with the text of the secret and nothing else",
            f"{type(error).__name__}: {said}", [f"{path}, named by {variable}"],
        ) from None  # fmt: skip
