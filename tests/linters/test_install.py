"""What checks our files is installed in the bytes that the repository names, whole or not at all."""

from __future__ import annotations

import hashlib
import re
import zipfile

import pytest

from tests.linters import install
from tests.linters.install import FOLDER, NotInstalled

LOCKS = sorted(one.stem for one in FOLDER.glob("*.in"))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_what_is_wanted_with_hashes_and_no_address(name):
    lock = install.lock_of(name).read_text(encoding="utf-8")
    packages = re.findall(r"^\S+==\S+.*(?:\n .*)*", lock, re.MULTILINE)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", one) for one in packages)
    pinned = {one.split(" ")[0] for one in packages}
    assert pinned >= set((FOLDER / f"{name}.in").read_text(encoding="utf-8").split())
    assert "://" not in lock


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A package of one file in a folder that pip takes for the index, and a lock with its digest."""
    folder = tmp_path / "index"
    folder.mkdir()
    path = folder / "lint-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lint.py", "found = 'nothing'\n")
        archive.writestr(
            "lint-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: lint\nVersion: 1.0\n"
        )
        archive.writestr("lint-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("lint-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(install, "FOLDER", tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    install.lock_of("lint").write_text(f"lint==1.0 --hash=sha256:{digest}\n")
    return path


@pytest.mark.slow
def test_an_environment_is_made_once_and_anew_for_another_lock(tmp_path, wheel):
    build = tmp_path / "build"
    assert not install.is_installed("lint", build)
    place = install.install("lint", build)
    assert install.is_installed("lint", build)
    install.run(str(place / "bin" / "python"), "-c", "import lint")
    (place / "kept").touch()
    install.install("lint", build)
    assert (place / "kept").is_file()
    lock = install.lock_of("lint")
    lock.write_text(f"{lock.read_text()}\n")
    assert not install.is_installed("lint", build)
    install.install("lint", build)
    assert not (place / "kept").exists() and install.is_installed("lint", build)


@pytest.mark.slow
def test_other_bytes_are_not_installed_and_said(tmp_path, wheel):
    build = tmp_path / "build"
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("more.py", "")
    with pytest.raises(NotInstalled, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        install.install("lint", build)
    assert not install.is_installed("lint", build)
