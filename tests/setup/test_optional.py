"""What check-params says of registers that a folder may do without."""

from __future__ import annotations

import pytest

from chargeback.params import read_params
from chargeback.setup.optional import optional_lines
from tests.params_folder import write_params

HEAD = "billing_period,metric,business_unit_id,cost_center_id,quantity,source,as_of,final\n"
ABSENT = ("optional", "not there: budgets.csv, medical_loss_ratio.csv, metrics.csv")


def test_all_of_them_are_named_where_none_is_there(tmp_path):
    assert list(optional_lines(read_params(write_params(tmp_path), "2026-05"))) == [ABSENT]


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ("2026-04", "1 quantity of metrics.csv: orders"),
        ("2026-05", "2 quantities of metrics.csv: orders, visits"),
        ("2026-06", "metrics.csv has no quantity of the month yet"),
    ],
)
def test_quantities_of_the_month_are_counted(period, said, tmp_path):
    rows = "".join(
        f"{month},{metric},shop,,5,shop,2026-06-01,yes\n"
        for month, metric in (("2026-04", "orders"), ("2026-05", "orders"), ("2026-05", "visits"))
    )
    params = read_params(write_params(tmp_path, metrics_csv=HEAD + rows), period)
    assert list(optional_lines(params)) == [
        ("unit costs", said), ("optional", "not there: budgets.csv, medical_loss_ratio.csv"),
    ]  # fmt: skip
