"""A notebook's kernel signs, and holds neither the key nor what opens it (chargeback/secrets/agent.py).

The process that closes offers signatures of its key for the time of one notebook, as ssh-agent does.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509

from chargeback.secrets.agent import ask, offering
from chargeback.signing.elsewhere import checked
from chargeback.signing.key_file import PublicKey

if TYPE_CHECKING:
    from chargeback.signing.signing_key import SigningKey

SIGNATURE, CERTIFICATES = "signature", "certificates"


@contextlib.contextmanager
def offering_signatures(key: Callable[[], SigningKey]) -> Iterator[dict[str, str]]:
    """Sign with a key for whoever is told where, as long as this lasts.

    Args:
        key: asked for each signature.

    Yields:
        the variable that tells a kernel where.
    """

    def sign(content: str) -> str:
        value = key().sign(base64.b64decode(content, validate=True))
        return base64.b64encode(value).decode()

    def certificates(_: str) -> str:
        found = key()
        pem = found.certificates_pem.decode("ascii")
        return json.dumps({"certificates": pem, "development": found.development})

    with offering({SIGNATURE: sign, CERTIFICATES: certificates}) as told:
        yield told


@dataclass(frozen=True)
class OfferedKey:
    """The key that an agent signs with."""

    agent: Path
    public: PublicKey

    def public_key(self) -> PublicKey:
        """Its public half."""
        return self.public

    def sign(self, content: bytes) -> bytes:
        """A signature of the agent's (exit 6 where it gives none)."""
        answer = ask(self.agent, SIGNATURE, base64.b64encode(content).decode())
        value = base64.b64decode(answer or "")
        return checked(value, content, self.public, str(self.agent))


def key_of_agent(agent: Path) -> SigningKey | None:
    """The key that an agent signs with, with its certificates; None where it signs with none.

    Raises:
        Refusal: what the agent's own process refused; (exit 6) it is gone.
    """
    from chargeback.signing.signing_key import SigningKey

    answer = ask(agent, CERTIFICATES)
    if answer is None:
        return None
    told = json.loads(answer)
    own, *above = x509.load_pem_x509_certificates(told["certificates"].encode())
    public: Any = own.public_key()
    return SigningKey(OfferedKey(agent, public), own, tuple(above), told["development"])
