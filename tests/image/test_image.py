"""The image: as another user than root, with nothing of this machine inside, and it closes a month.

It is built where something of it changed, by root, with buildah and debootstrap: a base of Debian, the
Dockerfile as it is, without Quarto (its download is the customer's) and without a sensor. A container of it is
run as infra/modules/flow runs tasks: nothing can be written but what the image names as volumes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from chargeback.core.paths import ROOT
from tests.changed import where_changed
from tests.programs import program

IMAGE = ROOT / "infra" / "image"
DOCKERFILE = IMAGE / "Dockerfile"


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


#: As a task has it: the image read-only, an empty disk at each volume, and the machine's devices.
CONTAINER = """
root=$1 user=$2 work=$3
shift 3
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
while [ "$1" != -- ]; do mount --bind "$1" "$root$2"; shift 2; done
shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot --userspec="$user" "$root" env -i -C "$work" "$@"
"""

#: What the base of the tests has besides Debian's smallest.
BASE = ("--variant=minbase", "--include=ca-certificates", "bookworm")

#: The most that an image may grow to; it is fetched for each task.
MOST_BYTES = 1_900_000_000


def must(*command: str, environment: dict[str, str] | None = None) -> str:
    """What a command says that must succeed."""
    ended = subprocess.run(
        command, cwd=ROOT, text=True, capture_output=True, check=False,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.strip()


class Container:
    """A container of the image, in a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = self.build()
        self.settings = json.loads(self.buildah("inspect", "--type=container", self.name))["OCIv1"][
            "config"
        ]

    def buildah(self, *command: str) -> str:
        """What buildah says."""
        store = ("--root", str(self.folder / "store"), "--runroot", str(self.folder / "run"))
        return must(
            program("buildah"), *store, *command,
            environment={"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"},
        )  # fmt: skip

    def build(self) -> Path:
        """The folder of a container of the image."""
        must(program("debootstrap"), *BASE[:2], BASE[2], str(self.folder / "base"))
        base = self.buildah("from", "scratch")
        self.buildah("copy", "--quiet", base, str(self.folder / "base"), "/")
        self.buildah("commit", "--quiet", base, "localhost/base")
        # How this machine reaches its package index, if it has a way of its own.
        lent = [one for one in ("/etc/ssl/certs", "/etc/pip.conf") if Path(one).exists()]
        self.buildah(
            "build", "--quiet", "--pull-never", "--ignorefile", str(IMAGE / "Dockerfile.dockerignore"),
            "--file", str(DOCKERFILE), "--build-arg", "BASE=localhost/base",
            *(f"--volume={one}:{one}:ro" for one in lent), "--tag", "localhost/chargeback", ".",
        )  # fmt: skip
        self.name = self.buildah("from", "--pull-never", "localhost/chargeback")
        return Path(self.buildah("mount", self.name))

    def run(self, *command: str, without: str = "") -> tuple[int, str]:
        """How a command inside ends and what it says; `without` names a volume that nothing is mounted at."""
        mounts = [
            text
            for one in sorted(set(self.settings["Volumes"]) - {without})
            for text in (str(self.disk(one)), one)
        ]  # fmt: skip
        ended = subprocess.run(
            ["unshare", "--mount", "sh", "-euc", CONTAINER, "sh", str(self.root), self.settings["User"],
             self.settings["WorkingDir"], *mounts, "--", *self.settings["Env"], *command],
            text=True, capture_output=True, check=False,
        )  # fmt: skip
        return ended.returncode, ended.stdout + ended.stderr

    def chargeback(self, *words: str, without: str = "") -> tuple[int, str]:
        """The program, as a task starts it."""
        return self.run(*self.settings["Entrypoint"], *words, without=without)

    def disk(self, volume: str) -> Path:
        """What is mounted at a volume: empty at first, owned as the folder in the image is."""
        place = self.folder / "disks" / volume.strip("/")
        if not place.exists():
            there = (self.root / volume.strip("/")).stat()
            place.mkdir(parents=True)
            os.chown(place, there.st_uid, there.st_gid)
            place.chmod(there.st_mode & 0o7777)
        return place

    def bytes(self) -> int:
        """Bytes of the files of the image."""
        return sum(
            (Path(folder) / one).lstat().st_size
            for folder, _, files in os.walk(self.root)
            for one in files
        )

    def remove(self) -> None:
        """Leave nothing behind."""
        self.buildah("rm", "--all")
        self.buildah("rmi", "--all", "--force")


@pytest.fixture
def container(tmp_path):
    """A container of the image, built for it."""
    absent = [one for one in ("buildah", "debootstrap") if shutil.which(one) is None]
    if absent:
        pytest.skip(
            f"building the image takes {' and '.join(absent)}, which the weekly run installs"
        )
    if os.geteuid():
        pytest.skip("building the image takes root")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount anything here")
    found = Container(tmp_path)
    yield found
    found.remove()


@pytest.mark.slow
@where_changed("infra/image", "tests/image", "requirements.lock")
def test_a_sample_month_is_closed_inside_as_another_user_who_writes_to_the_volumes_alone(container):
    """All of it in one test, because the image is built for it."""
    assert container.run("id", "-u") == (0, "10001\n")
    for place in ("/chargeback/chargeback/x", "/etc/x", "/x", "/var/tmp/x"):
        code, said = container.run("touch", place)
        assert code and "Read-only file system" in said
    assert container.run("ls", "/chargeback/tests")[0] != 0
    assert 500_000_000 < container.bytes() < MOST_BYTES

    code, said = container.chargeback("monthly-close", "2025-12", "--books", "/data/books")
    assert code == 0, said
    assert "2,883,795.37 USD" in said and "2025-12 is closed." in said
    code, said = container.chargeback("verify", "--books", "/data/books")
    assert code == 0 and "unchanged since they were closed, signatures valid" in said
    code, said = container.chargeback("rules", "20-05")
    assert code == 2 and "this is not a billing period" in said

    for verb in ("posture", "drill", "portal", "daily", "freshness", "handout"):
        code, said = container.chargeback(verb, "--help")
        assert code == 0 and said.startswith(f"usage: chargeback {verb} ")
    python = "/chargeback/.venv/bin/python"
    modules = "import authlib, boto3, starlette, uvicorn, chargeback.portal.serve"
    assert container.run(python, "-I", "-c", modules) == (0, "")

    for volume, found in (
        ("/data", "OSError: Read-only file system"),
        ("/tmp", "FileNotFoundError: No usable temporary directory found"),
    ):
        code, said = container.chargeback(
            "monthly-close", "2026-01", "--books", "/data/others", without=volume
        )
        assert code == 6, said
        assert "Traceback" not in said and said.count("STOPPED") == 1
        assert "STOPPED  a file could not be read or written" in said and found in said
        assert "TMPDIR=folder for what is temporary" in said
