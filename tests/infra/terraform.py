"""Terraform run by tests: on a copy of infra/, with the provider that lies here, against an account here.

Terraform's registry is not asked for anything. The provider is taken from a folder in the layout of a mirror:
CHARGEBACK_TERRAFORM_PLUGINS names it, or it is found in the usual places. The copy gets one file besides, which
says that buckets are named in the path and that nothing of AWS itself is asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chargeback.core.paths import ROOT

INFRA = ROOT / "infra"
PROVIDER = "hashicorp/aws"
PLUGINS_VARIABLE = "CHARGEBACK_TERRAFORM_PLUGINS"

#: Where mirrors of providers lie, besides what the variable names; the first is Terraform's own habit.
PLACES = (
    Path.home() / ".terraform.d" / "plugins", Path("/usr/local/share/terraform/plugins"),
    Path("/opt/tf-plugins"),
)  # fmt: skip

#: What differs from an account of AWS, in a file that Terraform lays over the providers.
OVERRIDE = """
provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  max_retries                 = 4
}

provider "aws" {
  alias                       = "billing"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  max_retries                 = 4
}
"""


def terraform_program() -> tuple[str, Path]:
    """Terraform and the folder of providers; skips the test that asks for them where they are not."""
    named = os.environ.get(PLUGINS_VARIABLE)
    places = [Path(named)] if named else PLACES
    found = [one for one in places if any(one.glob(f"*/{PROVIDER}"))]
    program = shutil.which("terraform")
    reason = ""
    if not program:
        reason = "terraform is not installed"
    elif not found:
        reason = f"there is no mirror of {PROVIDER}: {PLUGINS_VARIABLE} may name one"
    if not reason:
        return str(program), found[0]
    if os.environ.get("CHARGEBACK_TEST_PROGRAMS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class Terraform:
    """A copy of infra/ in which Terraform is run.

    Args:
        root: of the copy, with `live` and `modules` in it.
        environment: what every run gets.
    """

    root: Path
    environment: dict[str, str]
    said: list[str] = field(default_factory=list)

    @property
    def live(self) -> Path:
        """The root module."""
        return self.root / "live"

    def run(self, *arguments: str, code: int = 0) -> str:
        """What Terraform says to a command that must end with a code; its errors among it."""
        ended = self.ask(*arguments)
        # Errors last: of many lines the end is what is kept and read.
        assert ended.returncode == code, ended.stdout[-5_000:] + ended.stderr
        return ended.stdout + ended.stderr

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command, however it ends."""
        program, _ = terraform_program()
        return subprocess.run(
            [program, f"-chdir={self.live}", *arguments], env=self.environment, text=True,
            capture_output=True, check=False, timeout=900,
        )  # fmt: skip

    def outputs(self) -> dict[str, Any]:
        """The outputs of what was applied."""
        found = json.loads(self.run("output", "-json"))
        return {name: one["value"] for name, one in found.items()}

    @contextlib.contextmanager
    def changed(self, *changes: tuple[str, str, str]) -> Iterator[None]:
        """Files of the copy changed meanwhile: which, a text that stands in them, what stands there then.

        Which files may be a pattern, such as modules/*/*.tf; the text must stand in one of them at least.
        """
        before: dict[Path, str] = {}
        try:
            for pattern, old, new in changes:
                texts = {file: file.read_text(encoding="utf-8") for file in self.root.glob(pattern)}
                about = {file: text for file, text in texts.items() if old in text}
                assert about, f"{pattern} has no {old!r}"
                for file, text in about.items():
                    before.setdefault(file, text)
                    file.write_text(text.replace(old, new), encoding="utf-8")
            yield
        finally:
            for file, text in before.items():
                file.write_text(text, encoding="utf-8")


def copy_of_infra(folder: Path, environment: dict[str, str]) -> Terraform:
    """A copy of infra/ to run Terraform in, with a configuration of its own that knows the provider here."""
    _, plugins = terraform_program()
    shutil.copytree(INFRA, folder / "infra", ignore=shutil.ignore_patterns(".terraform"))
    settings = folder / "terraform.tfrc"
    settings.write_text(
        "provider_installation {\n  filesystem_mirror {\n"
        f'    path    = "{plugins}"\n    include = ["{PROVIDER}"]\n  }}\n}}\ndisable_checkpoint = true\n'
    )
    own = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    (folder / "infra" / "live" / "test_override.tf").write_text(OVERRIDE)
    return Terraform(
        folder / "infra",
        {**own, **environment, "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1",
         "TF_CLI_ARGS": "-no-color", "CHECKPOINT_DISABLE": "1"},
    )  # fmt: skip
