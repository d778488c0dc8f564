"""Keys of AWS KMS: RSA of 2048 bits or more, and P-256, which KMS lets sign with sha256."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from chargeback.aws.calls import AwsClients, calling, patience
from chargeback.secrets.aws import PAGE, region_of
from chargeback.signing.key_file import PublicKey, other_kind
from chargeback.signing.public_half import checked, public_half

CURVES = (ec.SECP256R1,)


@dataclass(frozen=True)
class KmsKey:
    """A key for signing."""

    client: Any
    key_id: str
    public: PublicKey

    def public_key(self) -> PublicKey:
        """Its public half."""
        return self.public

    def sign(self, content: bytes) -> bytes:
        """A signature of KMS', which takes 4,096 bytes at most: a signature's facts have a few hundred.

        Raises:
            Refusal: (exit 6) AWS does not answer, or refuses.
        """
        is_rsa = isinstance(self.public, rsa.RSAPublicKey)
        algorithm = "RSASSA_PKCS1_V1_5_SHA_256" if is_rsa else "ECDSA_SHA_256"
        with calling("kms:Sign", self.key_id, PAGE):
            answer = self.client.sign(
                KeyId=self.key_id, Message=content, MessageType="RAW", SigningAlgorithm=algorithm
            )  # fmt: skip
            value = bytes(answer["Signature"])
        return checked(value, content, self.public, f"kms:{self.key_id}")


def kms_key(key_id: str, where: list[str]) -> KmsKey:
    """A key by its id, its alias as alias/<name>, or its ARN.

    Raises:
        Refusal: (exit 2) it is of a kind that does not sign here; (exit 6) AWS does not answer, knows it not or
            denies it.
    """
    client = AwsClients(region_of(key_id), patience()).client("kms")
    with calling("kms:GetPublicKey", key_id, PAGE):
        answer = client.get_public_key(KeyId=key_id)
        content, usage = bytes(answer["PublicKey"]), answer["KeyUsage"]
    if usage != "SIGN_VERIFY":
        raise other_kind(f"a key for {usage}", where)
    return KmsKey(client, key_id, public_half(content, CURVES, where))
