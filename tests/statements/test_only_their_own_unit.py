"""A statement shows its own unit only: planted leaks are found, and look-alikes are not."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import typst

from chargeback.core.money import shown
from chargeback.statements.leaks import find_leaks
from tests.statements.estate import BusinessUnit, CostCenter, Pool, business, estate
from tests.statements.rendered import ALL_HOLD, MEDIA, OWN, TIE, Rendered

Leaks = set[tuple[str, str]]


def foreign(rendered: Rendered) -> dict[str, str]:
    """What must not be in another unit's statement, by what it is: things of pharmacy."""
    params = rendered.inputs.params
    center = params.cost_centers["CC-1060"]
    [account] = [one for one in params.accounts.values() if one.default_cost_center_id == "CC-1060"]
    total = sum(
        row["amount"]
        for row in rendered.inputs.postings.to_pylist()
        if row["business_unit_id"] == "pharmacy"
    )
    assert (center.name, center.business_unit_id) == ("Prior authorization", "pharmacy")
    return {
        "name of pharmacy": "Pharmacy",
        "cost center id of pharmacy": "CC-1060",
        "cost center name of pharmacy": center.name,
        "account id of pharmacy": account.account_id,
        "account name of pharmacy": account.name,
        "total of pharmacy": shown(total),
    }


def leaks(rendered: Rendered, unit_id: str, medium: str) -> Leaks:
    """What and which text the control returns; all of it must be in one file."""
    rows = rendered.broken()[OWN]
    assert {(row["business_unit_id"], row["medium"]) for row in rows} <= {(unit_id, medium)}
    return {(row["leaked_what"], row["leaked_text"]) for row in rows}


def test_each_kind_of_leak_in_the_html_is_returned(altered):
    texts = foreign(altered)
    items = "".join(f"<li>{text}</li>" for text in texts.values())
    altered.edit("claims", "html", ("</main>", f"<ul>{items}</ul></main>"))
    assert leaks(altered, "claims", "html") == set(texts.items())


def test_a_leak_is_returned_wherever_the_html_hides_it(altered):
    """A different thing in each place, so that none is found for another's sake."""
    texts = foreign(altered)
    title = "<title>"
    altered.edit(
        "claims",
        "html",
        (title, f"{title}Pharmacy, "),
        ("<main", f'<main data-note="see CC-1060, {texts["account name of pharmacy"]}"'),
        ("</main>", f"<!-- {texts['cost center name of pharmacy']} --></main>"),
        ("</style>", f"/* {texts['account id of pharmacy']} */</style>"),
        ("</body>", f"<script>let before = '{texts['total of pharmacy']}'</script></body>"),
        ("<body>", "<body style=\"--unit: 'Corporate Systems'\">"),
    )
    expected = {*texts.items(), ("name of corporate", "Corporate Systems")}
    assert leaks(altered, "claims", "html") == expected


def test_each_kind_of_leak_in_the_csv_is_returned(altered):
    texts = foreign(altered)
    path = altered.file("claims", "csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    total = texts["total of pharmacy"].replace(",", "")
    texts["total of pharmacy"] = total
    for number, text in enumerate(texts.values(), start=1):
        cells = lines[number].split(",")
        cells[18] = text  # the rule, which no figure is about
        lines[number] = ",".join(cells)
    path.write_text("\n".join(lines), encoding="utf-8")
    broken = altered.broken()
    assert broken[TIE] == []
    assert leaks(altered, "claims", "csv") == set(texts.items())


def test_each_kind_of_leak_in_the_pdf_is_returned(altered):
    """A PDF whose text, and whose title alone, name another unit."""
    texts = foreign(altered)
    mark = '#statement-paragraph("All amounts are'
    planted = json.dumps(" and ".join(texts.values()))
    altered.set_pdf(
        "claims",
        (mark, f"#statement-paragraph({planted})\n{mark}"),
        title="Statement for Corporate Systems",
    )
    expected = {*texts.items(), ("name of corporate", "Corporate Systems")}
    assert leaks(altered, "claims", "pdf") == expected


def test_the_picture_of_a_chart_in_words_is_scanned(altered):
    """What a screen reader says of a chart is text too, in HTML as in the PDF."""
    total = foreign(altered)["total of pharmacy"]
    altered.set_pdf("claims", ("Total per period; ", f"Total per period; {total}; "))
    altered.edit("claims", "html", ("Total per period; ", f"Total per period; {total}; "))
    rows = altered.broken()[OWN]
    assert {(row["medium"], row["leaked_text"]) for row in rows} == {
        ("html", total),
        ("pdf", total),
    }


def test_look_alikes_in_finished_statements_are_no_leaks(altered):
    """Parts of words, parts of numbers, and other spellings."""
    texts = foreign(altered)
    account, total = texts["account id of pharmacy"], texts["total of pharmacy"]
    look_alikes = f"Pharmacycode, ePharmacy, pharmacy, CC-10601, 1{account}, 9{total}, {total}9"
    altered.edit("claims", "html", ("</main>", f"<p>{look_alikes}</p></main>"))
    altered.set_pdf(
        "claims",
        (
            '#statement-paragraph("All amounts are',
            f'#statement-paragraph("{look_alikes}")\n#statement-paragraph("All amounts are',
        ),
    )
    assert altered.broken() == ALL_HOLD


def hand_made(folder: Path, texts: dict[str, str]) -> Path:
    """Statements that each consist of one line of text, in all media."""
    for unit_id, text in texts.items():
        own = folder / unit_id
        own.mkdir(parents=True)
        (own / "statement.html").write_text(f"<main><p>{text}</p></main>", encoding="utf-8")
        (own / "statement.csv").write_text(f'rule\n"{text}"\n', encoding="utf-8")
        typst.compile(f"#{json.dumps(text)}".encode(), output=str(own / "statement.pdf"))
    return folder


@pytest.fixture
def alike():
    """Two units whose names, cost centers, accounts and totals have much in common."""
    params = business({"data": ("Data", ["Lake", "Web"]), "platform": ("Data Platform", ["Web"])})
    units = params.business_units | {"support": BusinessUnit("support", "Support")}
    centers = params.cost_centers | {"CC-1": CostCenter("CC-1", "Desk", "support")}
    inputs = estate(replace(params, business_units=units, cost_centers=params.cost_centers))
    pools = (*params.pools, Pool("desk", "AWS Support desk", "even"))
    return replace(
        inputs,
        params=replace(inputs.params, business_units=units, cost_centers=centers, pools=pools),
    )


def test_shared_names_and_longer_phrases_are_no_leaks(alike, tmp_path):
    """A pool's name contains a unit's, a unit's name contains another's, two centers are called Web."""
    folder = hand_made(
        tmp_path,
        {
            "data": "Data: AWS Support desk, Web, Lake, metadata, Database, 0.00",
            "platform": "Data Platform. AWS Support desk and Web; metadata; Datastore",
            "support": "Support, Desk, metadata, webs",
        },
    )
    assert find_leaks(folder, alike).to_pylist() == []


def test_what_a_longer_phrase_excuses_is_found_beside_it(alike, tmp_path):
    folder = hand_made(
        tmp_path,
        {
            "data": "AWS Support desk. Support",
            "platform": "Data Platform. Data",
            "support": "Web and Data Platform, not Database",
        },
    )
    found = find_leaks(folder, alike).to_pylist()
    assert {(row["business_unit_id"], row["leaked_what"], row["leaked_text"]) for row in found} == {
        ("data", "name of support", "Support"),
        ("platform", "name of data", "Data"),
        ("support", "name of platform", "Data Platform"),
        ("support", "cost center name of data", "Web"),
    }
    assert {row["medium"] for row in found} == set(MEDIA)
    assert len(found) == 4 * len(MEDIA)


def test_another_units_total_is_no_leak_where_it_is_the_units_own_figure(tmp_path):
    """Two units that were charged the same: each must be able to show its total."""
    params = business({"one": ("First", ["Left"]), "two": ("Second", ["Right"])})
    inputs = estate(params, periods=())
    total = Decimal("321.09")
    rows = [
        row | {"amount": total, "exact_amount": total}
        for row in inputs.postings.to_pylist()
        if row["kind"] == "rounding" or row["product_code"] == "AmazonS3"
    ]
    by_unit = {row["business_unit_id"]: row for row in rows}
    same = replace(inputs, postings=inputs.postings.from_pylist(
        [by_unit["one"], by_unit["two"]], schema=inputs.postings.schema
    ))  # fmt: skip
    folder = hand_made(tmp_path, {"one": shown(total), "two": f"{total}"})
    assert find_leaks(folder, same).to_pylist() == []
    other = by_unit["two"] | {"amount": total + 1, "exact_amount": total + 1}
    different = replace(inputs, postings=inputs.postings.from_pylist(
        [by_unit["one"], other], schema=inputs.postings.schema
    ))  # fmt: skip
    assert {row["leaked_what"] for row in find_leaks(folder, different).to_pylist()} == {
        "total of one"
    }
