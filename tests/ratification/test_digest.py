"""The digest of rules and what is said to have changed never disagree, whatever rules there are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.paths import sql_folder
from chargeback.params import Params, read_params
from chargeback.params.ownership import OwnershipRule
from chargeback.params.policy import NORMALIZATIONS, Policy
from chargeback.params.ratification import EarlierRules, check_ratified, rule_changes, rules_digest
from chargeback.params.rules import Pool
from tests.params_folder import pool, write_params
from tests.reports import PERIOD

HEADER = "rules_digest,valid_from,reference,approved_by,approved_on\n"
RATIFIED = HEADER + "{},2026-01,minutes 1,council,2026-01-05\n"
DATES = st.sampled_from(("2025-01", "2026-01"))
TEXTS = st.sampled_from(("a", "b"))
SHARES = (
    {},
    {"CC-1": Decimal(1)},
    {"CC-1": Decimal("0.5"), "CC-2": Decimal("0.5")},
    {"CC-2": Decimal("0.50"), "CC-1": Decimal("0.50")},
)
CONDITIONS = st.sampled_from(
    ({}, {"product_code": ("a",)}, {"product_code": ("b", "a")}, {"product_code": ("a", "b")},
     {"has_resource": ("true",)}, {"operation": ("a",), "product_code": ("a",)})
)  # fmt: skip
POOLS = st.builds(
    Pool, st.sampled_from(("p", "q", "r")), TEXTS, CONDITIONS, st.booleans(),
    st.sampled_from(("even", "fixed", "sql:split_cost")), st.sampled_from(SHARES),
    st.sampled_from((("*",), ("CC-1", "*"), ("*", "CC-1"))), st.sampled_from(((), ("CC-2",))),
    st.sampled_from((None, "even")), DATES, st.sampled_from(("", "2027-01")), TEXTS, TEXTS,
)  # fmt: skip
OWNERSHIP = st.builds(
    OwnershipRule, st.sampled_from(("x", "y", "z")), st.sampled_from(("CC-1", "CC-2")), CONDITIONS,
    st.sampled_from(({}, {"app": ("a",)})), DATES, st.just(""), TEXTS, TEXTS, TEXTS,
)  # fmt: skip
POLICIES = st.builds(
    Policy, st.sampled_from(("USD", "EUR")), st.sampled_from(("amortized", "unblended")),
    st.sampled_from((("a",), ("a", "b"), ("b", "a"))), st.sampled_from(((), ("a",))),
    st.just("CC-1"), st.just("CC-1"), st.sampled_from([Decimal(one) for one in ("1", "1.00", "2")]),
    st.sampled_from(((), NORMALIZATIONS[:1], NORMALIZATIONS)),
)  # fmt: skip
BASE = Params(Path(), PERIOD, None, {}, {}, {}, (), (), {}, (), (), {})  # type: ignore[arg-type]


def unlike(entries, name):
    """Entries with ids of their own."""
    return tuple({getattr(one, name): one for one in entries}.values())


RULES = st.builds(
    lambda policy, pools, rules: replace(
        BASE, policy=policy, pools=unlike(pools, "pool_id"), ownership=unlike(rules, "rule_id")
    ),
    POLICIES, st.lists(POOLS, max_size=3), st.lists(OWNERSHIP, max_size=3),
)  # fmt: skip


def near(rules: Params, others: Params) -> list[Params]:
    """The rules with one part of others, with one entry less, or with entries in another order."""
    return [
        replace(rules, policy=others.policy),
        replace(rules, pools=others.pools),
        replace(rules, pools=rules.pools[1:]),
        replace(rules, pools=rules.pools[::-1]),
        replace(rules, ownership=rules.ownership[::-1]),
    ]


@given(RULES, RULES)
def test_digests_differ_exactly_when_something_is_said_to_have_changed(rules, others):
    for after in (rules, others, *near(rules, others)):
        changes = rule_changes(rules, after)
        assert (rules_digest(rules) == rules_digest(after)) == (not changes), changes
        for one in changes:
            assert any(word in one for word in (" → ", " is new, ", " ends", " changed")), one


@given(RULES)
def test_dates_and_places_are_not_part_of_a_digest(rules):
    later = replace(
        rules,
        pools=tuple(replace(one, valid_from="2026-05", valid_to="", where="x") for one in rules.pools),
        ownership=tuple(replace(one, valid_from="2026-05", where="x") for one in rules.ownership),
    )  # fmt: skip
    assert rules_digest(later) == rules_digest(rules)


def test_a_digest_does_not_depend_on_this_machine_or_version(make_params):
    """A digest that changed with a version would have to be ratified again by everybody."""
    digest = rules_digest(read_params(make_params(), PERIOD))
    assert digest == "5b60030fd956aa7bb08f4bb4bf90419f3c559f0c9a4631a05783d088e735a4dc"


def stopped(params_folder: Path, books: Path) -> Refusal:
    """How unratified rules are refused."""
    with pytest.raises(Refusal) as raised:
        check_ratified(read_params(params_folder, PERIOD), closed_rules(Books(books)))
    assert raised.value.exit_code == CONTROL_FAILED
    return raised.value


def closed_rules(books: Books) -> Iterator[EarlierRules]:
    """The rules of periods that `close_with` closed, newest first."""
    for period in reversed(books.closed_periods()):
        kept = books.evidence(period)
        params = read_params(kept / "params", period)
        yield EarlierRules(params, kept / "sql", f"{period}, as it was closed")


def close_with(books: Path, period: str, params: Path) -> Path:
    """What of a closed period is looked at: its ledger folder and its evidence."""
    Books(books).ledger(period).mkdir(parents=True)
    evidence = Books(books).evidence(period)
    shutil.copytree(params, evidence / "params")
    shutil.copytree(sql_folder(), evidence / "sql")
    return evidence


def test_a_key_whose_sql_changed_is_named(tmp_path):
    folder = write_params(tmp_path / "params", allocation_toml=pool(key="sql:support_base"))
    kept = close_with(tmp_path / "books", "2026-04", folder) / "sql"
    key = kept / "keys" / "support_base.sql"
    key.write_text(key.read_text() + "-- another order\n")
    ratified = rules_digest(read_params(folder, PERIOD), kept)
    (folder / "ratifications.csv").write_text(RATIFIED.format(ratified))
    assert stopped(folder, tmp_path / "books").where == [
        "what changed from the ratified rules (2026-04, as it was closed):",
        "key sql:support_base: its file sql/keys/support_base.sql changed",
    ]


def test_without_the_ratified_rules_it_compares_with_the_last_that_are_kept(tmp_path):
    folder = write_params(tmp_path / "params", allocation_toml=pool(key="direct_spend"))
    close_with(tmp_path / "books", "2026-03", folder)
    write_params(folder)
    close_with(tmp_path / "books", "2026-04", folder)
    (folder / "ratifications.csv").write_text(RATIFIED.format("0" * 64))
    assert stopped(folder, tmp_path / "books").where == [
        "what changed from the last rules that are kept (2026-04, as it was closed):",
        "nothing",
    ]
    ratified = rules_digest(
        read_params(Books(tmp_path / "books").evidence("2026-03") / "params", "2026-03")
    )
    (folder / "ratifications.csv").write_text(RATIFIED.format(ratified))
    assert stopped(folder, tmp_path / "books").where == [
        "what changed from the ratified rules (2026-03, as it was closed):",
        "pool 'untagged' (untagged): key direct_spend → even",
    ]


def test_without_closed_periods_it_compares_with_the_folder_in_an_earlier_month(tmp_path):
    rules = pool(more='valid_to = "2026-02"') + pool(key="direct_spend").replace(
        "2026-01", "2026-03"
    )
    folder = write_params(tmp_path / "params", allocation_toml=rules)
    (folder / "ratifications.csv").write_text(
        RATIFIED.format(rules_digest(read_params(folder, "2026-02")))
    )
    assert stopped(folder, tmp_path / "books").where == [
        "what changed from the ratified rules (2026-02, in the same folder):",
        "pool 'untagged' (untagged): key even → direct_spend",
    ]


def test_a_rule_that_was_changed_in_place_is_said_to_be_hidden(tmp_path):
    """Without closed periods nobody has kept what the rule was."""
    folder = write_params(tmp_path / "params")
    (folder / "ratifications.csv").write_text(
        RATIFIED.format(rules_digest(read_params(folder, PERIOD)))
    )
    write_params(folder, allocation_toml=pool(key="direct_spend"))
    heading, changes, note = stopped(folder, tmp_path / "books").where
    assert "2026-04, in the same folder" in heading and changes == "nothing"
    assert note.startswith(
        "those are not ratified for 2026-04 either: a rule that was changed in place"
    )


def test_the_first_rules_of_all_have_nothing_to_be_compared_with(tmp_path):
    begun = {
        "allocation_toml": pool().replace("2026-01", PERIOD),
        "ratifications_csv": HEADER,
    }
    refusal = stopped(write_params(tmp_path / "params", **begun), tmp_path / "books")
    assert refusal.where == ["no earlier rules are kept to compare with; those for 2026-05 are new"]
    assert refusal.todo[-1].endswith(",2026-05,<reference>,<approved by>,<approved on>")


def test_a_row_that_begins_with_the_period_is_to_be_replaced(tmp_path):
    """Two rows from one period on are refused, so that the one there has to go."""
    text = RATIFIED.format("0" * 64)
    folder = write_params(tmp_path / "params", ratifications_csv=text)
    assert "into ratifications.csv" in stopped(folder, tmp_path / "books").block()
    (folder / "ratifications.csv").write_text(text.replace("2026-01,", f"{PERIOD},"))
    refusal = stopped(folder, tmp_path / "books")
    assert f"in place of the one for {PERIOD}" in refusal.block()
    row = refusal.todo[-1].replace("<approved on>", "2026-05-04")
    (folder / "ratifications.csv").write_text(f"{HEADER}{row}\n")
    check_ratified(read_params(folder, PERIOD), ())
