"""Figures of a known shape get the verdict that they deserve, also through the noise of a machine."""

from __future__ import annotations

import math
import random
import re

import pytest

from chargeback.bench import growth
from chargeback.bench.estates import sizes_along
from chargeback.bench.growth_table import Used, cells, doubted, show
from chargeback.bench.growth_verdict import FLAT, LINEAR, MORE, N_LOG_N, Noise, net_ratio, verdict
from chargeback.bench.sections import GROWING

QUIET = Noise(0.001, 0.0)
SIZES = (20, 200, 400)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (lambda n: 5.0, FLAT),
        (lambda n: 5 + n / 50, LINEAR),
        (lambda n: 5 + math.sqrt(n), LINEAR),
        (lambda n: 5 + n * math.log2(n) / 500, N_LOG_N),
        (lambda n: 5 + n**1.5 / 500, MORE),
        (lambda n: 5 + n * n / 5000, MORE),
    ],
)
def test_a_shape_is_told(shape, expected):
    assert verdict(SIZES, [shape(one) for one in SIZES], QUIET) == expected


def test_noise_is_never_more_than_n_log_n():
    noise, throw = Noise(0.2, 0.0), random.Random(7)
    for _ in range(500):
        figures = [5 + one / 50 + throw.uniform(-0.2, 0.2) / 2 for one in SIZES]
        assert verdict(SIZES, figures, noise) != MORE


def test_a_square_is_seen_through_the_noise():
    noise, throw = Noise(0.2, 0.0), random.Random(7)
    for _ in range(500):
        figures = [5 + one * one / 10_000 + throw.uniform(-0.1, 0.1) for one in SIZES]
        assert verdict(SIZES, figures, noise) == MORE


def test_every_verb_that_can_be_named_is_measured():
    assert (growth.CLOSE, *growth.STAGES, *growth.VERBS) == GROWING


HUNGRY = """
import subprocess, sys
print(7, flush=True)
subprocess.run([sys.executable, "-c", "x = bytearray(90_000_000); sum(range(3_000_000))"])
"""


def test_a_process_is_counted_with_what_it_started():
    used, said = growth.run(["-c", HUNGRY])
    assert said == "7\n" and used.megabytes > 90 and used.seconds > 0


def test_what_was_not_measured_at_every_size_is_in_no_table(capsys):
    small, far, twice = sizes_along("pools")
    runs = {("verify", size): [Used(1.0, 100.0)] for size in (small, far, twice)}
    runs |= {("audit", small): [Used(1.0, 100.0)]}
    assert cells(runs, ["pools", "units"]) == [("verify", "pools")]
    show(runs, ["pools", "units"])
    said = capsys.readouterr().out
    assert "audit" not in said and said.count("verify") == 2 and "MORE  " not in said
    assert "measured: pools 3, 30 and 60; units 2, 10 and 20" in said


def test_what_grows_as_a_square_is_named_with_its_figures(capsys):
    runs = {
        ("verify", size): [Used(1 + size.pools**2 / 100, 100.0)] for size in sizes_along("pools")
    }
    assert doubted(runs, ["pools"]) == [("verify", "pools")]
    show(runs, ["pools"])
    said = capsys.readouterr().out
    assert "MORE  verify by pools: 1.09, 10.00, 37.00 (seconds)" in said
    assert re.search(r"^  verify +3\.70 3\.8!$", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("shape", "expected"), [(lambda n: 5 + n / 50, 2.0), (lambda n: 5 + n * n, 3.818)]
)
def test_a_net_ratio_does_not_see_what_is_fixed(shape, expected):
    assert net_ratio(SIZES, [shape(one) for one in SIZES]) == pytest.approx(expected, abs=0.001)


def test_a_verb_that_stops_says_why():
    with pytest.raises(RuntimeError, match="so it is"):
        growth.run(["-c", "raise SystemExit('so it is')"])
