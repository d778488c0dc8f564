"""Person: who is signed in, and what their groups let them see.

In: the claims of a verified token, or whoever started the portal on this machine for themselves. What always
holds: what somebody sees follows from their groups and viewers.toml alone (chargeback/params/viewers.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chargeback.params.viewers import Sight


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in.

    Args:
        subject: the provider's id of them, which never changes.
        name: for people, such as "Dana Whitfield"; the subject where the provider gives no name.
        email: blank where the provider gives none.
        groups: as the provider's token has them.
    """

    subject: str
    name: str
    email: str
    groups: tuple[str, ...]

    @property
    def by(self) -> str:
        """Who it is, as records name them."""
        return self.subject if self.name == self.subject else f"{self.subject} ({self.name})"


@dataclass(frozen=True)
class Visit:
    """A request of somebody who is signed in.

    Args:
        sight: what they see, by today's policy.
        form_token: what a form must bring back, of their session alone.
    """

    person: Person
    sight: Sight
    form_token: str


class Records(Protocol):
    """Where is written down who did what (the access log)."""

    def record(
        self, by: str, action: str, subject: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        """Write one entry; when it returns, the entry is kept.

        Args:
            by: the subject and name of a person, or "nobody" before sign-in.
            action: such as "signed in", "opened", "refused", "signed out".
            subject: what was opened, such as "statement/2026-05/claims/pdf".

        Raises:
            Refusal: (exit 6) it cannot be kept; nothing is served then.
        """
