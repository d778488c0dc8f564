"""Figures of a known shape get the verdict that they deserve, also through the noise of a machine."""

from __future__ import annotations

import math
import random

import pytest

from chargeback.bench import growth
from chargeback.bench.growth_verdict import FLAT, LINEAR, MORE, N_LOG_N, Noise, verdict
from chargeback.bench.sections import GROWING

QUIET = Noise(0.001, 0.0)
SIZES = (100, 200, 400)


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
    assert verdict(SIZES[0], [shape(one) for one in SIZES], QUIET) == expected


def test_noise_is_never_more_than_n_log_n():
    noise, throw = Noise(0.2, 0.0), random.Random(7)
    for _ in range(500):
        figures = [5 + one / 50 + throw.uniform(-0.2, 0.2) / 2 for one in SIZES]
        assert verdict(SIZES[0], figures, noise) != MORE


def test_a_square_is_seen_through_the_noise():
    noise, throw = Noise(0.2, 0.0), random.Random(7)
    for _ in range(500):
        figures = [5 + one * one / 10_000 + throw.uniform(-0.1, 0.1) for one in SIZES]
        assert verdict(SIZES[0], figures, noise) == MORE


def test_every_verb_that_can_be_named_is_measured():
    assert (growth.CLOSE, *growth.STAGES, *growth.VERBS) == GROWING


def test_a_process_is_counted_with_what_it_started():
    used, said = growth.run(["-c", "import subprocess, sys; print(7, flush=True); "
        "subprocess.run([sys.executable, '-c', 'x = bytearray(90_000_000); sum(range(3_000_000))'])"])  # fmt: skip
    assert said == "7\n" and used.megabytes > 90 and used.seconds > 0


def test_a_verb_that_stops_says_why():
    with pytest.raises(RuntimeError, match="so it is"):
        growth.run(["-c", "raise SystemExit('so it is')"])
