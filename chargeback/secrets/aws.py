"""AWS Secrets Manager: one secret, which is JSON with the names of secrets and a text for each."""

from __future__ import annotations

import json
from collections.abc import Mapping

from chargeback.aws.calls import AwsClients, calling, patience
from chargeback.core.errors import bad_params
from chargeback.secrets.texts import as_texts

PAGE = "docs/secrets.md"


def read_texts(name: str) -> Mapping[str, str]:
    """The secrets that one secret of AWS holds, at its current version.

    Args:
        name: of the secret, or its ARN, which says its region as well.

    Raises:
        Refusal: (exit 2) it holds no JSON of texts by name; (exit 6) AWS does not answer, knows it not, or
            denies it.
    """
    place = f"aws:{name}"
    with calling("secretsmanager:GetSecretValue", place, PAGE):
        answer = AwsClients(region_of(name), patience()).client("secretsmanager")
        text = answer.get_secret_value(SecretId=name).get("SecretString") or ""
    try:
        content = json.loads(text)
    except ValueError:
        raise bad_params(
            "a place of secrets holds no texts by name", '{"smtp_password": "…"}', "something that is not JSON",
            [place],
        ) from None  # fmt: skip
    return as_texts(content, place)


def region_of(name: str) -> str | None:
    """The region that an ARN names; None for that of the profile or the environment."""
    parts = name.split(":")
    return parts[3] or None if parts[0] == "arn" and len(parts) > 5 else None
