"""Signatures: who vouches for a closed period, in forms that tools which are not ours can check.

    key (file, environment, or a development key) -> statement PDFs (PAdES), manifest.json.p7s (CMS)

The manifest names every file of the period with its sha256, so its signature covers the period. The PDFs are
signed one by one as well, because they leave the books and are read without them. What always holds: signing
appends to a PDF and changes nothing before, so the bytes that were rendered can be cut out and compared.

Known drawback: there is no time stamp of a third party, so that the signing time is what this machine's clock
said. A certificate that expires later does not take a signature back.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Signer:
    """Who signs, as statements say it; the same words whenever statements are rendered again.

    Args:
        name: the subject of the certificate; empty for a development key.
        development: a key that this program made for itself: it proves that nothing changed, not who signed.
    """

    name: str
    development: bool

    def record(self) -> dict[str, Any]:
        """For manifests; `Signer(**record)` is the same again."""
        return asdict(self)


#: Signs where nobody gave a key.
DEVELOPMENT = Signer("", True)
