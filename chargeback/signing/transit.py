"""Keys of the transit engine of Vault or OpenBao: RSA of 2048 bits or more, P-256 and P-384."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from chargeback.secrets.vault import VaultSession, vault_session
from chargeback.secrets.vault_settings import check_path
from chargeback.signing.key_file import PublicKey, other_kind
from chargeback.signing.public_half import checked, public_half

CURVES = (ec.SECP256R1, ec.SECP384R1)


@dataclass(frozen=True)
class TransitKey:
    """One version of a key."""

    session: VaultSession
    mount: str
    name: str
    version: int
    public: PublicKey

    def public_key(self) -> PublicKey:
        """Its public half."""
        return self.public

    def sign(self, content: bytes) -> bytes:
        """A signature of the engine's; only the digest of the content leaves this machine.

        Raises:
            Refusal: (exit 6) Vault does not answer, or refuses.
        """
        options = {
            "input": base64.b64encode(hashlib.sha256(content).digest()).decode(),
            "prehashed": True, "key_version": self.version,
            "signature_algorithm": "pkcs1v15", "marshaling_algorithm": "asn1",
        }  # fmt: skip
        path = f"{self.mount}/sign/{self.name}"

        def do(client: Any) -> bytes:
            answer = client.adapter.post(f"/v1/{path}/sha2-256", json=options)
            text = answer["data"]["signature"].rpartition(":")[2]
            return base64.b64decode(text, validate=True)

        return checked(self.session.ask(f"sign with {path}", do), content, self.public, path)


def transit_keys(place: str, where: list[str]) -> list[TransitKey]:
    """The versions of a key, the newest first.

    Args:
        place: the engine's mount and the key's name, such as transit/chargeback.
        where: for a refusal.

    Raises:
        Refusal: (exit 2) this is no such name, or the key is of a kind that does not sign here; (exit 6) Vault
            is not reached, denies it or has no such key.
    """
    mount, _, name = check_path(place, where[0]).rpartition("/")
    session = vault_session()
    kept = session.read(f"{mount}/keys/{name}")["data"]
    if not kept.get("supports_signing") or not isinstance(kept.get("keys"), dict):
        raise other_kind(f"{kept.get('type') or 'a key'} of the transit engine", where)
    versions = sorted(kept["keys"].items(), key=lambda item: -int(item[0]))
    return [
        TransitKey(
            session,
            mount,
            name,
            int(number),
            public_half(str(one.get("public_key", "")).encode(), CURVES, where),
        )
        for number, one in versions
        if isinstance(one, dict)
    ]
