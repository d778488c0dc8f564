"""make propose-rules: one change for a set of rules, whatever goes wrong, with what it takes to decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.params import read_params
from chargeback.params.ratification import rules_digest
from chargeback.review import propose
from chargeback.review.propose import last_months, propose_rules
from chargeback.review.rules import rules_prose
from chargeback.servicenow.connection import Patience
from tests.close.conftest import copy_of
from tests.params_folder import pool, write_params
from tests.servicenow.test_booking import PATIENCE
from tests.what_if.estate import BY_SPEND, FILES

JULY = "2026-07"
FAULTS = ("429", "500", "503", "502", "504", "lost", "late 504", "refused", "garbage")


@pytest.fixture
def proposed(tmp_path) -> Path:
    """Rules that nobody has ratified."""
    return write_params(tmp_path / "proposed", **{**FILES, "allocation_toml": BY_SPEND})


@pytest.fixture
def said() -> list[str]:
    """What was printed."""
    return []


def no_report(periods):
    raise AssertionError("no report is needed")


def open_change(params: Path, books: Books, said: list[str], patience: Patience = PATIENCE):
    return propose_rules(JULY, params, books, no_report, said.append, patience)


def test_a_change_with_rules_and_page_is_opened_once(three, proposed, server, said, tmp_path):
    books = copy_of(three, tmp_path).books
    first = open_change(proposed, books, said)
    params = read_params(proposed, JULY)
    [record] = server.rows("change_request")
    assert record["correlation_id"] == rules_digest(params) == first.correlation_id
    assert record["description"] == rules_prose(params)
    assert (
        f"{rules_digest(params)},{JULY},servicenow:{first.number},<approved by>,<approved on>"
        == said[-1]
    )
    text, page = server.rows("sys_attachment")
    assert text["content"] == rules_prose(params) and text["table_sys_id"] == record["sys_id"]
    assert page["file_name"].startswith("what-if-2026-04..2026-06-")
    assert page["content"].lstrip().startswith("<!") and "direct_spend" in page["content"]

    record["approval"] = "requested"
    again = open_change(proposed, books, said)
    assert again.number == first.number
    assert "was opened before; its approval: requested" in " ".join(said)
    assert len(server.rows("change_request")) == 1 and len(server.rows("sys_attachment")) == 2


@pytest.fixture
def without_page(monkeypatch) -> None:
    """The what-if page is left out where calls are what is tested."""
    monkeypatch.setattr(propose, "what_if_page", lambda *arguments: [])


@pytest.mark.slow
@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_at_every_call(fault, unique, proposed, server, said, tmp_path, without_page):
    """Where nothing is unique, nobody makes again what was never answered before the claim has run out."""
    if unique:
        server.database.kinds["change_request"].unique.add("correlation_id")
    patience = Patience(attempts=3, first_wait=0.0, longest_wait=0.0, timeout=5.0, quiet=600.0)
    for number in range(1, 8):
        books = Books(tmp_path / f"books-{number}")
        server.rows("change_request").clear()
        server.faults = {len(server.calls) + number: fault}
        for _ in range(2):
            try:
                open_change(proposed, books, said, patience)
            except Refusal as refusal:
                assert refusal.exit_code == UNREACHABLE
        server.faults = {}
        if not server.rows("change_request"):
            # Nobody knows whether it was made: nobody makes it until the claim has run out.
            assert not unique
            let_claims_run_out(books)
        open_change(proposed, books, said, patience)
        assert len(server.rows("change_request")) == 1
    assert len({one["table_sys_id"] for one in server.rows("sys_attachment")}) == 7


def let_claims_run_out(books: Books) -> None:
    """The quiet time is over."""
    for one in (books.root / "delivery").rglob("claim-*.json"):
        one.with_suffix(".released").touch()


def test_no_period_is_closed_yet(proposed, server, said, tmp_path):
    open_change(proposed, Books(tmp_path / "books"), said)
    assert "no period is closed yet" in said[0]
    assert len(server.rows("sys_attachment")) == 1


def test_rules_that_are_longer_than_a_description(proposed, server, said, tmp_path):
    pools = "".join(
        pool(f"pool-{number}", f'{{ product_code = ["A{number}"] }}') for number in range(40)
    )
    (proposed / "allocation.toml").write_text(pools + BY_SPEND)
    open_change(proposed, Books(tmp_path / "books"), said)
    [record] = server.rows("change_request")
    assert len(record["description"]) == 4000
    assert record["description"].endswith("(the whole text is attached)")
    [text] = server.rows("sys_attachment")
    assert len(text["content"]) > 4000


def test_no_instance_and_no_role(proposed, server, said, tmp_path, monkeypatch):
    server.database.roles.discard("itil")
    with pytest.raises(Refusal, match="ServiceNow refused a record") as raised:
        open_change(proposed, Books(tmp_path / "books"), said)
    assert raised.value.exit_code == UNREACHABLE
    monkeypatch.delenv("CHARGEBACK_SERVICENOW")
    with pytest.raises(Refusal, match="no instance of ServiceNow is configured") as raised:
        open_change(proposed, Books(tmp_path / "books"), said)
    assert raised.value.exit_code == BAD_USAGE


def test_the_last_months_have_no_gap():
    assert last_months([]) == []
    assert last_months(["2026-03", "2026-05"]) == ["2026-05"]
    assert last_months(["2025-11", "2025-12", "2026-01", "2026-02"]) == [
        "2025-12",
        "2026-01",
        "2026-02",
    ]
