"""Calls: boto3 clients, how patient they are, and what a failed call says.

botocore repeats requests that time out, are throttled or are answered with 5xx, with growing waits (its
standard mode: 5 attempts; AWS_MAX_ATTEMPTS changes that). A query is started again under the same token, so no
query runs twice. PyAthena repeats throttled starts as well. What fails for good, and what no repetition fixes
(credentials, permissions), is a refusal with exit code 6.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
from botocore.loaders import Loader, create_loader
from botocore.parsers import ResponseParserError
from botocore.session import get_session

from chargeback.aws.athena_settings import AthenaSettings
from chargeback.core.errors import UNREACHABLE, Refusal, bad_params, unreachable

#: Seconds that a request may take; all other waits are in proportion to it.
TIMEOUT_SECONDS = 60.0
TIMEOUT_VARIABLE = "CHARGEBACK_AWS_TIMEOUT"

#: What boto3 raises when a call fails.
FAILURES = (ClientError, BotoCoreError, ResponseParserError)

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
UNKNOWN = {"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException",
           "SignatureDoesNotMatch", "InvalidToken"}  # fmt: skip
DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedException",
    "403",
    "AllAccessDisabled",
    "AuthorizationError",  # of SNS
    "KMSAccessDenied",
}
ABSENT = {
    "NoSuchKey", "NoSuchBucket", "404", "EntityNotFoundException", "NotFound",
    "ResourceNotFoundException", "NotFoundException",
}  # fmt: skip


class Denied(Refusal):
    """That permissions do not allow a request: others may be allowed all the same."""


@dataclass(frozen=True)
class Patience:
    """How long to wait: seconds of a request, and how all other waits compare with the usual ones."""

    timeout: float = TIMEOUT_SECONDS

    @property
    def scale(self) -> float:
        """1 with the usual timeout."""
        return self.timeout / TIMEOUT_SECONDS


def patience() -> Patience:
    """The patience that the environment asks for.

    Raises:
        Refusal: (exit 2) the variable is not a number of seconds.
    """
    text = os.environ.get(TIMEOUT_VARIABLE, "")
    try:
        seconds = float(text) if text else TIMEOUT_SECONDS
        if not 0 < seconds <= 3600:
            raise ValueError
    except ValueError:
        raise bad_params(
            f"{TIMEOUT_VARIABLE} is not a number of seconds", "seconds above 0, 60 unless it is set",
            repr(text), [f"the environment variable {TIMEOUT_VARIABLE}"],
        ) from None  # fmt: skip
    return Patience(seconds)


@functools.cache
def service_models() -> Loader:
    """botocore's descriptions of the services, large files that are read once in a process."""
    return create_loader()


class AwsClients:
    """boto3 clients of one session, made when they are first used.

    Args:
        region: None for that of the profile or the environment.
    """

    def __init__(self, region: str | None, waits: Patience) -> None:
        self.region = region
        self.waits = waits
        self.made: dict[str, Any] = {}
        self.opened: boto3.Session | None = None

    @property
    def session(self) -> boto3.Session:
        """The session, in its region."""
        if self.opened is None:
            with calling("configuration of AWS", "the profile"):
                core = get_session()
                core.register_component("data_loader", service_models())
                self.opened = boto3.Session(botocore_session=core, region_name=self.region)
        return self.opened

    def config(self) -> Config:
        """Timeouts, and repetition unless the environment says how often."""
        options: dict[str, Any] = {}
        if "AWS_MAX_ATTEMPTS" not in os.environ:
            options["retries"] = {"mode": "standard", "max_attempts": 5}
        elif "AWS_RETRY_MODE" not in os.environ:
            options["retries"] = {"mode": "standard"}
        return Config(
            connect_timeout=max(1.0, 10 * self.waits.scale),
            read_timeout=self.waits.timeout,
            **options,
        )

    def client(self, service: str) -> Any:
        """The client of a service."""
        if service not in self.made:
            with calling(f"the client of {service}", "the configuration of AWS"):
                self.made[service] = self.session.client(service, config=self.config())
        return self.made[service]

    def credentials(self) -> Any:
        """Access key, secret key and token, as they are now (exit 6 where there are none)."""
        with calling("sts:GetCallerIdentity", "the configuration of AWS"):
            found = self.session.get_credentials()
            if found is None:
                raise NoCredentialsError
            return found.get_frozen_credentials()


class Clients(AwsClients):
    """The clients that reading with Athena needs: `s3`, `glue` and `athena`."""

    def __init__(self, settings: AthenaSettings, waits: Patience) -> None:
        super().__init__(settings.region, waits)
        self.settings = settings


def error_code(error: BaseException) -> str:
    """The code of an error that AWS answered, else an empty text."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


@contextlib.contextmanager
def calling(action: str, on: str, page: str = "docs/athena.md") -> Iterator[None]:
    """Turn what boto3 raises into a refusal that names the action and what it was done on.

    Args:
        action: as IAM names it, such as s3:GetObject.
        page: where the permissions are listed.
    """
    try:
        yield
    except (*FAILURES, KeyError) as error:  # a key is absent from an answer that was cut short
        raise call_refusal(error, action, on, page) from None


def call_refusal(
    error: BaseException, action: str, on: str, page: str = "docs/athena.md"
) -> Refusal:
    """A failed call as a refusal (exit 6)."""
    code, where = error_code(error), [f"{action} on {on}"]
    said = " ".join(str(error).split())[:300]
    again = "nothing was published; then run the same command again"
    if isinstance(error, NoCredentialsError) or code in UNKNOWN:
        return unreachable(
            "AWS does not know these credentials", "credentials of a user or role", said, where,
            ["sign in, or choose a profile: AWS_PROFILE=…", again],
        )  # fmt: skip
    if code in EXPIRED or "expired" in type(error).__name__.lower():
        return unreachable(
            "the AWS credentials have expired", "credentials that are valid throughout the run", said,
            where, ["sign in again", again],
        )  # fmt: skip
    if code in DENIED:
        return Denied(
            UNREACHABLE, "AWS denied a request", f"permission for {action}", said, "", where,
            [f"{page} lists the permissions that each verb needs", again],
        )  # fmt: skip
    if isinstance(error, NoRegionError) or code in ABSENT:
        return unreachable(
            "AWS has nothing by this name", "an answer", said, where,
            ["check the names in sources.toml or the environment, the region and the account", again],
        )  # fmt: skip
    return unreachable(
        "AWS did not answer a request", "an answer within a few attempts", said, where,
        ["check the network and AWS's health page", again],
    )  # fmt: skip
