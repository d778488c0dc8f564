"""A notebook's kernel signs, and holds neither the key nor what opens it (chargeback/secrets/agent.py).

The process that closes offers signatures of its key for the time of one notebook, as ssh-agent does.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Iterator

from chargeback.secrets.agent import offering
from chargeback.signing.asked_key import CERTIFICATES, SIGNATURE
from chargeback.signing.signing_key import SigningKey


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
