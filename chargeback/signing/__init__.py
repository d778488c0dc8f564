"""Signatures: who vouches for a closed period, in forms that other people's tools can check.

    key (file, environment, or a development key) -> statement PDFs (PAdES), manifest.json.p7s (CMS)

The manifest names every file of the period with its sha256, so its signature covers the period. The PDFs are
also signed one by one, because they leave the books and are read without them. What always holds: signing
appends to a PDF and changes nothing before that, so the bytes that were rendered can be cut out and compared.

Known drawback: the signing time is what this machine's clock said, where no authority outside puts its time
stamp on the signatures (chargeback/signing/time_stamp.py). A certificate that expires later does not
invalidate a signature.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

#: Marks a field that earlier versions did not have (chargeback/statements/exact_json.py).
LATER = "later"


@dataclass(frozen=True)
class Signer:
    """Who signs, as statements say it; the same words whenever statements are rendered again.

    Args:
        name: the subject of the certificate; empty for a development key.
        development: a key that this program made for itself: it proves that nothing changed, not who signed.
        time_stamp: the host of the authority that stamps the time; empty where nobody does; None where the
            period was closed by a version whose statements said nothing of it.
        long_term: the PDFs also hold what says that no certificate was revoked (B-LT).
    """

    name: str
    development: bool
    time_stamp: str | None = field(default=None, metadata={LATER: True})
    long_term: bool = field(default=False, metadata={LATER: True})

    def record(self) -> dict[str, Any]:
        """For manifests; `Signer(**record)` is the same again."""
        record = asdict(self)
        if self.time_stamp is None:
            del record["time_stamp"]
        if not self.long_term:
            del record["long_term"]
        return record


#: Signs where nobody gave a key.
DEVELOPMENT = Signer("", True)
