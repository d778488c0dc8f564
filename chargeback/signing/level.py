"""The level of the signatures of PDFs (PAdES), as the environment asks for it.

    B-B    nothing is named: the time is what this machine's clock says
    B-T    CHARGEBACK_TIME_STAMP_AUTHORITY names an authority, which puts its time stamp on each signature
    B-LT   CHARGEBACK_TRUST_ANCHORS names a PEM file too, with the certificates that those of signer and time
           stamps go back to: PDFs also hold what says that none of them was revoked

A development key goes back to nobody and cannot be revoked: its signatures stay B-T.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from chargeback.core.errors import bad_params
from chargeback.signing import Signer
from chargeback.signing.time_stamp import AUTHORITY_VARIABLE, time_stamp_authority

ANCHORS_VARIABLE = "CHARGEBACK_TRUST_ANCHORS"


@dataclass(frozen=True)
class Level:
    """Who says when something was signed, and what its certificates must go back to.

    Args:
        authority: the address of one that puts its time stamp on each signature; blank for none.
        anchors: the certificates for B-LT; none for B-T.
    """

    authority: str = ""
    anchors: tuple[x509.Certificate, ...] = ()

    def of(self, signer: Signer) -> Signer:
        """A signer with what statements say of the time and of revocation."""
        return replace(
            signer,
            time_stamp=urlsplit(self.authority).hostname or "",
            long_term=bool(self.anchors) and not signer.development,
        )


#: This machine's clock says when something was signed.
OUR_WORD = Level()


def asked_level() -> Level:
    """The level that the environment asks for.

    Raises:
        Refusal: (exit 2) the authority is not an address, the anchors cannot be read, or there are anchors and
            no authority.
    """
    authority, named = time_stamp_authority(), os.environ.get(ANCHORS_VARIABLE, "").strip()
    if not named:
        return Level(authority)
    if not authority:
        raise bad_params(
            "trust anchors are named and no time stamp authority", f"an address in {AUTHORITY_VARIABLE}",
            "none", [ANCHORS_VARIABLE],
            ["unset it, or name the authority: what says that nothing is revoked needs a time to hold at"],
        )  # fmt: skip
    try:
        found = x509.load_pem_x509_certificates(Path(named).read_bytes())
    except (OSError, ValueError) as error:
        raise bad_params(
            "the trust anchors cannot be read", "a PEM file with certificates",
            getattr(error, "strerror", None) or "no certificate in it",
            [f"{named}, named by {ANCHORS_VARIABLE}"],
        ) from None  # fmt: skip
    return Level(authority, tuple(found))
