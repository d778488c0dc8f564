"""The policy is that on the disk: a change counts at once, however quickly one follows another."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chargeback.core.errors import Refusal
from chargeback.portal import todays_policy
from chargeback.portal.todays_policy import TodaysPolicy
from tests.portal.opened import Clock

UNITS = "business_unit_id,name,owner,email,idp_group\nclaims,Claims,o,o@x.example,\nmembers,M,o,o@x.example,\n"
CENTERS = "cost_center_id,name,business_unit_id,valid_from,valid_to\nCC-1,One,claims,2025-12,\n"

JUNE = datetime(2026, 6, 15, tzinfo=UTC).timestamp()


def grant(unit: str, valid_to: str = "") -> str:
    ends = f'valid_to = "{valid_to}"\n' if valid_to else ""
    return (
        f'[[viewer]]\ngroup = "g"\nrole = "viewer"\nbusiness_units = ["{unit}"]\n'
        f'valid_from = "2025-12"\n{ends}approved = "C1"\n'
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "business_units.csv").write_text(UNITS)
    (tmp_path / "cost_centers.csv").write_text(CENTERS)
    (tmp_path / "viewers.toml").write_text(grant("claims"))
    return tmp_path


def units(policy: TodaysPolicy) -> list[str]:
    return [unit for one in policy().grants for unit in one.business_units]


def test_each_change_counts_also_of_the_same_length_and_at_once(folder: Path):
    policy = TodaysPolicy(folder)
    for _ in range(50):
        for unit in ("claims", "members"):
            (folder / "viewers.toml").write_text(grant(unit))
            assert units(policy) == [unit]


def test_a_change_within_the_same_tick_of_the_clock_counts(folder: Path):
    """One that leaves the size and the time of change of the file as they were."""
    file = folder / "viewers.toml"
    policy = TodaysPolicy(folder)
    assert [one.approved for one in policy().grants] == ["C1"]
    before = file.stat()
    file.write_text(grant("claims").replace("C1", "C2"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [one.approved for one in policy().grants] == ["C2"]


def test_what_has_not_changed_for_a_while_is_not_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    reads = []
    read = todays_policy.read_viewers
    monkeypatch.setattr(todays_policy, "read_viewers", lambda *of: reads.append(of) or read(*of))
    clock = Clock((folder / "viewers.toml").stat().st_mtime + 1)
    policy = TodaysPolicy(folder, clock)
    policy()
    policy()
    assert len(reads) == 2, "it could change again within the tick of its last change"
    clock.now += 10
    for _ in range(10):
        policy()
    assert len(reads) == 3
    (folder / "cost_centers.csv").write_text(CENTERS + "CC-2,Two,claims,2025-12,\n")
    policy()
    assert len(reads) == 4, "a register that it names things of counts as well"


def test_what_is_malformed_is_refused_until_it_is_right(folder: Path):
    policy = TodaysPolicy(folder)
    (folder / "viewers.toml").write_text(grant("nobody"))
    for _ in range(2):
        with pytest.raises(Refusal, match="unknown business unit"):
            policy()
    (folder / "viewers.toml").write_text(grant("claims"))
    assert units(policy) == ["claims"]
    (folder / "viewers.toml").unlink()
    assert units(policy) == [], "without the file nobody sees anything"


def test_a_grant_ends_with_its_month(folder: Path):
    (folder / "viewers.toml").write_text(grant("claims", "2026-06"))
    clock = Clock(JUNE)
    policy = TodaysPolicy(folder, clock)
    assert units(policy) == ["claims"]
    clock.now = datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC).timestamp()
    assert units(policy) == ["claims"]
    clock.now += 1
    assert units(policy) == []
