"""Where policy has shares only, rows that a unit's readers are given have no weights; who sees all has them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from chargeback.books.schema import POSTINGS
from chargeback.core.books_folders import Books
from chargeback.params import read_params
from chargeback.params.viewers import VIEWER, Grant, Sight
from chargeback.review import export
from chargeback.review.viewers import hidden_columns
from tests.params_folder import ALWAYS, write_params

MAY = "2026-05"
UNIT, ALL = (Sight((Grant("g", VIEWER, ("shop",)),)), Sight((Grant("g", VIEWER, all=True),)))


def params_with(folder: Path, published_totals: str) -> Path:
    more = f'published_totals = "{published_totals}"\n'
    return write_params(folder, policy_toml=ALWAYS["policy.toml"] + more)


@pytest.mark.parametrize(
    ("policy", "hidden"), [("shares", ("weight",)), ("weights", ()), ("none", ())]
)
def test_filters_of_columns_follow_the_policy(tmp_path, policy: str, hidden: tuple[str, ...]):
    assert hidden_columns(params_with(tmp_path, policy), MAY) == hidden


@pytest.mark.parametrize(
    ("policy", "sight", "has_weight"),
    [("shares", UNIT, False), ("shares", ALL, True), ("weights", UNIT, True)],
)
def test_exported_rows_follow_the_policy_of_their_month(
    tmp_path, monkeypatch, policy: str, sight: Sight, has_weight: bool
):
    row = dict.fromkeys(POSTINGS.names) | {
        "business_unit_id": "shop", "cost_center_id": "CC-1", "kind": "allocated", "pool_id": "untagged",
        "weight": 3, "amount": 1, "exact_amount": 1, "line": 1,
    }  # fmt: skip
    params = read_params(params_with(tmp_path / "params", policy), MAY)
    postings = pa.Table.from_pylist([row], schema=POSTINGS)
    monkeypatch.setattr(export, "checked_postings", lambda *_: postings)
    monkeypatch.setattr(export, "checked_table", lambda *_: None)
    monkeypatch.setattr(export, "product_names", lambda _: {})
    monkeypatch.setattr(export, "kept_params", lambda *_: params)
    [found] = export.period_table(Books(tmp_path), MAY, sight).to_pylist()
    assert (found["weight"] is not None) == has_weight and found["amount"] == 1
