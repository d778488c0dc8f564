"""The image: as another user than root, with nothing of this machine inside, and it closes a month.

It is built where CHARGEBACK_TEST_IMAGE is set, by root, with buildah and debootstrap: a base of Debian, the
Dockerfile as it is, without Quarto (its download is the customer's) and without a sensor.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from chargeback.core.paths import ROOT
from tests.programs import program

IMAGE = ROOT / "infra" / "image"
DOCKERFILE = IMAGE / "Dockerfile"
ASKED = "CHARGEBACK_TEST_IMAGE"


def hadolint(file: Path) -> str:
    """What hadolint says of a Dockerfile."""
    ended = subprocess.run(
        [program("hadolint"), "--no-color", str(file)], text=True, capture_output=True, check=False
    )
    return ended.stdout + ended.stderr


def test_nothing_is_wrong_with_the_dockerfile():
    assert hadolint(DOCKERFILE) == ""


MUTATIONS = {
    "root again": ("USER 10001:10001", "USER 0:0", "DL3002"),
    "a relative folder to work in": ("WORKDIR /chargeback\nCOPY", "WORKDIR chargeback\nCOPY", "DL3000"),
    "packages that nobody asked for": ("--no-install-recommends ", "", "DL3015"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_noticed(name, tmp_path):
    before, after, words = MUTATIONS[name]
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "Dockerfile").write_text(text.replace(before, after), encoding="utf-8")
    assert words in hadolint(tmp_path / "Dockerfile")


def test_what_goes_in_is_named_and_there():
    lines = (IMAGE / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*"
    named = [one[1:] for one in lines if one.startswith("!")]
    assert all((ROOT / one).exists() for one in named)
    assert not {"tests", "books", "build", ".git", ".venv"} & set(named)


def test_no_download_is_made_without_its_sha256():
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert text.count("curl -") == text.count("sha256sum --check") == 1
    assert "--require-hashes -r requirements.lock" in text


@pytest.fixture(scope="module")
def container(tmp_path_factory):
    """Runs a command in a container of the image; returns its exit code and what it said."""
    if not os.environ.get(ASKED):
        pytest.skip(f"{ASKED} is not set: building the image takes minutes and gigabytes")
    if os.geteuid():
        pytest.skip("building the image takes root")
    folder = tmp_path_factory.mktemp("image")
    buildah, debootstrap = program("buildah"), program("debootstrap")
    environment = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=environment, cwd=ROOT, text=True, capture_output=True, check=False
        )

    def must(*command: str) -> str:
        ended = run(*command)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout.strip().splitlines()[-1] if ended.stdout.strip() else ""

    store = (buildah, "--root", str(folder / "store"), "--runroot", str(folder / "run"))
    must(
        debootstrap,
        "--variant=minbase",
        "--include=ca-certificates",
        "bookworm",
        str(folder / "base"),
    )
    base = must(*store, "from", "scratch")
    must(*store, "copy", "--quiet", base, str(folder / "base"), "/")
    must(*store, "commit", "--quiet", base, "localhost/base")
    # How this machine reaches its package index, if it has a way of its own.
    lent = [one for one in ("/etc/ssl/certs", "/etc/pip.conf") if Path(one).exists()]
    must(
        *store, "build", "--pull-never", "--ignorefile", str(IMAGE / "Dockerfile.dockerignore"), "--file",
        str(DOCKERFILE), "--build-arg", "BASE=localhost/base", *(f"--volume={one}:{one}:ro" for one in lent),
        "--tag", "localhost/chargeback", ".",
    )  # fmt: skip
    name = must(*store, "from", "--pull-never", "localhost/chargeback")

    def inside(*command: str) -> tuple[int, str]:
        ended = run(*store, "run", name, "--", *command)
        return ended.returncode, ended.stdout + ended.stderr

    yield inside
    run(*store, "rm", "--all")
    run(*store, "rmi", "--all", "--force")


@pytest.mark.slow
def test_a_sample_month_is_closed_inside_as_another_user(container):
    start = "/chargeback/infra/image/start"
    assert container("id", "-u") == (0, "10001\n")
    assert container("touch", "/chargeback/chargeback/x")[0] != 0
    assert container("ls", "/chargeback/tests")[0] != 0
    code, said = container(start, "monthly-close", "2025-12", "--books", "/data/books")
    assert code == 0, said
    assert "2,883,795.37 USD" in said and "2025-12 is closed." in said
    code, said = container(start, "verify", "--books", "/data/books")
    assert code == 0 and "unchanged since they were closed, signatures valid" in said
    code, said = container(start, "rules", "20-05")
    assert code == 2 and "this is not a billing period" in said
