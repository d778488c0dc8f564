"""What the search for anomalies computes itself, or loads alone, has the numbers of scipy and statsmodels."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from scipy.stats import norm, theilslopes
from statsmodels.robust.scale import mad
from statsmodels.tsa.seasonal import STL

from chargeback.daily.anomalies.detect import middle_slope
from chargeback.daily.anomalies.expected import NORMAL_QUARTILE, robust_deviation

ALONE = """
import sys
import numpy as np
from chargeback.daily.anomalies.decomposition import stl
found = stl()(np.load(sys.argv[1]), period=7, trend=29, seasonal=35, robust=True).fit(1, 5)
assert "scipy.stats" not in sys.modules and "statsmodels" not in sys.modules, "not loaded alone"
np.save(sys.argv[2], [found.trend, found.seasonal, found.resid])
from statsmodels.tsa.seasonal import STL
"""


def series():
    """A few series like those of groups."""
    numbers = np.random.default_rng(7)
    return [numbers.normal(size=98).cumsum() + 5 for _ in range(20)]


def test_middle_slope_and_deviation_are_those_of_scipy_and_statsmodels():
    assert norm.ppf(0.75) == NORMAL_QUARTILE
    for one in series():
        numbers = -np.arange(len(one), dtype=float)
        assert middle_slope(one, numbers) == theilslopes(one, numbers)[0]
        assert robust_deviation(one) == float(mad(one))


def test_the_decomposition_alone_is_that_of_statsmodels(tmp_path):
    one = series()[0]
    np.save(tmp_path / "series.npy", one)
    command = [
        sys.executable,
        "-c",
        ALONE,
        str(tmp_path / "series.npy"),
        str(tmp_path / "found.npy"),
    ]
    subprocess.run(command, check=True)
    expected = STL(one, period=7, trend=29, seasonal=35, robust=True).fit(1, 5)
    found = np.load(tmp_path / "found.npy")
    for mine, theirs in zip(
        found, (expected.trend, expected.seasonal, expected.resid), strict=True
    ):
        assert (mine == theirs).all()
