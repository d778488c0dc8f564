"""Keys that stay where they are: Vault's or OpenBao's transit engine, AWS KMS. They sign; nobody reads them.

What always holds: the key's public half, which its place tells, is that of a certificate that is given here, or
the key is not used at all; and what the place signed is checked against it before it is used.
"""

from __future__ import annotations

from cryptography import x509

from chargeback.core.errors import bad_params
from chargeback.signing.key_file import own_and_above, public_bytes
from chargeback.signing.public_half import KeyElsewhere

VAULT, KMS = "vault:", "kms:"


def is_elsewhere(named: str) -> bool:
    """Whether this names a key that stays where it is."""
    return named.startswith((VAULT, KMS))


def key_elsewhere(
    named: str, certificates: list[x509.Certificate], where: list[str]
) -> tuple[KeyElsewhere, x509.Certificate, tuple[x509.Certificate, ...]]:
    """A key that stays where it is, its certificate, and those above it, checked.

    Args:
        certificates: one of them is the key's; of a key with several versions, it says which of them signs.
        where: who gives them.

    Raises:
        Refusal: (exit 2) there is no such certificate, or the key is of a kind that does not sign here;
            (exit 6) the place is not reached, denies it, or has no such key.
    """
    where = [named, *where]
    if not certificates:
        raise bad_params(
            "the signing key has no certificate", "a PEM file with the key's certificate and those above it",
            "nothing", where,
            ["docs/secrets.md says how to have one made for a key that stays where it is"],
        )  # fmt: skip
    keys = keys_of(named, where)
    theirs = {public_bytes(one.public_key()) for one in certificates}
    chosen = next((one for one in keys if public_bytes(one.public_key()) in theirs), keys[0])
    return chosen, *own_and_above(chosen.public_key(), certificates, where)


def keys_of(named: str, where: list[str]) -> list[KeyElsewhere]:
    """The versions of a key, the newest first."""
    if named.startswith(VAULT):
        from chargeback.signing.transit import transit_keys

        return list(transit_keys(named.removeprefix(VAULT), where))
    from chargeback.signing.kms import kms_key

    return [kms_key(named.removeprefix(KMS), where)]
