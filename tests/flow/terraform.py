"""Terraform on a copy of the flow module, against an account of moto that runs in this process.

The provider is taken from a folder in the layout of a mirror: CHARGEBACK_TERRAFORM_PLUGINS names it, or it is
found in the usual places. moto lacks two calls of Step Functions that the provider makes; they are answered
here as AWS answers them for a definition that is valid and for a machine without versions.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from chargeback.core.paths import ROOT

MODULES = ROOT / "infra" / "modules"
PROVIDER = "hashicorp/aws"
PLUGINS_VARIABLE = "CHARGEBACK_TERRAFORM_PLUGINS"
PLACES = (
    Path.home() / ".terraform.d" / "plugins",
    Path("/usr/local/share/terraform/plugins"),
    Path("/opt/tf-plugins"),
)
REGION, ACCOUNT = "us-east-1", "123456789012"

#: Calls that moto lacks, and what AWS answers.
LACKING = {
    "AWSStepFunctions.ValidateStateMachineDefinition": {"result": "OK", "diagnostics": [], "truncated": False},
    "AWSStepFunctions.ListStateMachineVersions": {"stateMachineVersions": []},
}  # fmt: skip


def terraform_program() -> tuple[str, Path]:
    """Terraform and the folder of providers; skips the test that asks for them where they are not."""
    named = os.environ.get(PLUGINS_VARIABLE)
    places = [Path(named)] if named else PLACES
    found = [one for one in places if (one / PROVIDER).is_dir()]
    program = shutil.which("terraform")
    if program and found:
        return program, found[0]
    reason = f"there is no mirror of {PROVIDER}" if program else "terraform is not installed"
    if os.environ.get("CHARGEBACK_TEST_PROGRAMS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def account() -> Iterator[str]:
    """An account that answers at an address, until it ends."""
    moto = DomainDispatcherApplication(create_backend_app)

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        known = LACKING.get(environ.get("HTTP_X_AMZ_TARGET", ""))
        if known is not None:
            return Response(json.dumps(known), content_type="application/x-amz-json-1.0")(
                environ, start
            )
        answered: Iterable[bytes] = moto(environ, start)
        return answered

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


class Terraform:
    """A root module of one call, in a folder of its own."""

    def __init__(self, folder: Path, address: str, root: str) -> None:
        self.program, plugins = terraform_program()
        shutil.copytree(MODULES, folder / "modules", ignore=shutil.ignore_patterns(".terraform*"))
        self.live = folder / "live"
        self.live.mkdir()
        (self.live / "main.tf").write_text(root)
        settings = folder / "terraform.tfrc"
        settings.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{plugins}"\n'
            f'    include = ["{PROVIDER}"]\n  }}\n}}\ndisable_checkpoint = true\n'
        )
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TF_", "AWS_"))
        }
        self.environment = {
            **own, "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1", "TF_CLI_ARGS": "-no-color",
            "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
        }  # fmt: skip

    def run(self, *arguments: str) -> str:
        """What Terraform says to a command that must succeed."""
        ended = self.ask(*arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command, however it ends."""
        return subprocess.run(
            [self.program, f"-chdir={self.live}", *arguments], env=self.environment, text=True,
            capture_output=True, check=False, timeout=600,
        )  # fmt: skip
