"""The key that a notebook's kernel signs with: its agent's (chargeback/signing/agent.py)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509

from chargeback.secrets.asking import ask
from chargeback.signing.key_file import PublicKey
from chargeback.signing.public_half import KeyElsewhere, checked

SIGNATURE, CERTIFICATES = "signature", "certificates"


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


def key_of_agent(
    agent: Path,
) -> tuple[KeyElsewhere, x509.Certificate, tuple[x509.Certificate, ...], bool] | None:
    """The key that an agent signs with, with its certificates; None where it signs with none.

    Raises:
        Refusal: what the agent's own process refused; (exit 6) it is gone.
    """
    answer = ask(agent, CERTIFICATES)
    if answer is None:
        return None
    told = json.loads(answer)
    own, *above = x509.load_pem_x509_certificates(told["certificates"].encode())
    public: Any = own.public_key()
    return OfferedKey(agent, public), own, tuple(above), told["development"]
