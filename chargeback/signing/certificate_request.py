"""Asks for a certificate of a key that stays where it is: `python -m chargeback.signing.certificate_request`.

In: CHARGEBACK_SIGNING_KEY, as vault:… or kms:…, and what the certificate is to name. Out: a certificate request
(PKCS#10) in PEM on standard output, signed by the key itself, for an authority to sign (docs/secrets.md).
"""

from __future__ import annotations

import os
import sys

from asn1crypto import csr, keys, pem, x509

from chargeback.core.errors import DONE, Refusal, bad_params
from chargeback.core.progress import complain, print_text
from chargeback.secrets import give_back
from chargeback.signing.elsewhere import is_elsewhere, keys_of
from chargeback.signing.key_file import public_bytes
from chargeback.signing.public_half import KeyElsewhere
from chargeback.signing.signing_key import KEY_VARIABLE


def certificate_request(key: KeyElsewhere, common_name: str, organization: str = "") -> bytes:
    """A request for a certificate of a key, in PEM."""
    names = {"common_name": common_name}
    if organization:
        names["organization_name"] = organization
    information = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": x509.Name.build(names),
            "subject_pk_info": keys.PublicKeyInfo.load(public_bytes(key.public_key())),
            "attributes": [],
        }
    )
    is_rsa = information["subject_pk_info"].algorithm == "rsa"
    request = csr.CertificationRequest(
        {
            "certification_request_info": information,
            "signature_algorithm": {"algorithm": "sha256_rsa" if is_rsa else "sha256_ecdsa"},
            "signature": key.sign(information.dump()),
        }
    )
    armoured: bytes = pem.armor("CERTIFICATE REQUEST", request.dump())
    return armoured


def main(arguments: list[str]) -> int:
    """Print a request for the key that the environment names; the newest version of one that has several."""
    try:
        named = os.environ.get(KEY_VARIABLE, "").strip()
        if not is_elsewhere(named) or not 1 <= len(arguments) <= 2:
            raise bad_params(
                "this asks for a certificate of a key that stays where it is",
                f'{KEY_VARIABLE}=vault:<mount>/<key> or kms:<id>, and "<common name>" ["<organization>"]',
                f"{len(arguments)} names, and a key that is {'' if is_elsewhere(named) else 'not '}elsewhere",
                [KEY_VARIABLE],
            )  # fmt: skip
        print_text(certificate_request(keys_of(named, [KEY_VARIABLE])[0], *arguments).decode())
    except Refusal as refusal:
        complain(refusal.block())
        return refusal.exit_code
    finally:
        give_back()
    return DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
