"""Which quantities a close knows: those that months were closed with, and later counts, which replace them."""

from __future__ import annotations

from decimal import Decimal

from chargeback.books.counted import counted_metrics
from chargeback.params import read_params
from tests.close.months import JUNE, MAY
from tests.dashboards.months import close_months, write_months

HEAD = "billing_period,metric,business_unit_id,cost_center_id,quantity,source,as_of,final\n"
ORDERS = f"{MAY},orders,shop,,390,shop,2026-06-01,no\n"
VISITS = f"{MAY},visits,shop,,77,web,2026-06-01,yes\n"


def test_a_closed_month_keeps_its_count_until_a_later_one_replaces_it(tmp_path):
    month = write_months(tmp_path, metrics_csv=HEAD + ORDERS + VISITS)
    close_months(month, MAY)
    edited = VISITS.replace("77", "78")  # without a later as_of, which replaces nothing
    later = f"{MAY},orders,shop,,400,shop,2026-07-01,yes\n{MAY},calls,core,,5,desk,2026-07-01,yes\n"
    june = f"{JUNE},orders,shop,,100,shop,2026-07-01,yes\n"
    (month.params / "metrics.csv").write_text(HEAD + later + edited + june, encoding="utf-8")
    found = counted_metrics(month.books, read_params(month.params, JUNE))
    known = {(one.count.billing_period, one.count.metric): one for one in found}
    assert {key: one.count.quantity for key, one in known.items()} == {
        (MAY, "orders"): 400, (MAY, "calls"): 5, (MAY, "visits"): 77, (JUNE, "orders"): 100,
    }  # fmt: skip
    replaced = known[MAY, "orders"].closed
    assert replaced is not None and replaced.quantity == Decimal(390)
    assert known[MAY, "calls"].is_late and not known[MAY, "orders"].is_late
    assert known[MAY, "visits"].closed is None and not known[JUNE, "orders"].is_late


def test_a_row_that_is_gone_from_the_file_of_today_is_still_known(tmp_path):
    month = write_months(tmp_path, metrics_csv=HEAD + ORDERS)
    close_months(month, MAY)
    (month.params / "metrics.csv").unlink()
    [one] = counted_metrics(month.books, read_params(month.params, JUNE))
    assert (one.count.quantity, one.closed, one.is_late) == (390, None, False)
