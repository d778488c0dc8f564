"""QuickSight after a handout: rules first, then charges, once a period; what fails is said and done again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback import cli
from chargeback.aws import quicksight as adapter
from chargeback.aws.quicksight import QuickSightSettings, read_quicksight
from chargeback.books import shelf
from chargeback.books.delivery_log import REFRESHED
from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.delivery.quicksight import QuickSightTarget
from chargeback.delivery.released import closed_for_delivery
from chargeback.delivery.stage import targets
from tests.close.months import MAY
from tests.params_folder import write_params
from tests.s3_books.conftest import Place, closed, cloud, make_place, place
from tests.viewers.quicksight_service import QuickSightService, serving

__all__ = ["closed", "cloud", "make_place", "place"]

SETTINGS = (
    '[quicksight]\naccount_id = "012345678901"\nregion = "us-east-1"\n'
    'rules = "rules"\ncharges = "charges"\n'
)
POLICY = (
    '[[viewer]]\ngroup = "g"\nrole = "viewer"\nbusiness_units = ["shop"]\nvalid_from = "2026-01"\n'
    'approved = "CHG1"\n'
)
FAILED = {
    "IngestionStatus": "FAILED", "ErrorInfo": {"Type": "SQL_TABLE_NOT_FOUND", "Message": "no such view"},
}  # fmt: skip


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[QuickSightService]:
    """A QuickSight that boto3 finds; nobody waits long between two looks."""
    monkeypatch.setattr(adapter, "PAUSE_SECONDS", 0.01)
    with serving(QuickSightService()) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL_QUICKSIGHT", made.url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        yield made


@pytest.fixture
def params(tmp_path: Path) -> Path:
    """Params that name QuickSight and grant a group its unit."""
    return write_params(tmp_path / "params", sources_toml=SETTINGS, viewers_toml=POLICY)


@pytest.fixture
def shelved(place: Place, closed, monkeypatch, tmp_path) -> Place:
    """May in a bucket, as a close on another machine left it."""
    monkeypatch.setattr(shelf, "BUILD", tmp_path / "copies")
    books = place.open("one")
    for room in ("ledger", "evidence", "statements"):
        shutil.copytree(closed.root / room, books.root / room, dirs_exist_ok=True)
    books.shelf.put_period(books, MAY, lambda _: None)
    return place


def editions(place: Place) -> dict[str, list[tuple]]:
    """The rules in the bucket, by name."""
    return {
        name: [tuple(row.values()) for row in pq.read_table(pa.BufferReader(content)).to_pylist()]
        for name, content in place.objects().items() if name.startswith("viewer_rules/")
    }  # fmt: skip


def released(place: Place) -> list[list[str]]:
    """The months of each edition of those that are released."""
    found = {
        name: pq.read_table(pa.BufferReader(content))["billing_period"].to_pylist()
        for name, content in place.objects().items() if name.startswith("released_months/")
    }  # fmt: skip
    return [found[name] for name in sorted(found)]


MARK = (1, "(nobody)", "(nobody)", "(nobody)")
FIRST = [MARK, (1, "g", "shop", "CC-1,CC-2")]


@pytest.mark.slow
def test_rules_are_put_and_refreshed_before_charges_once_a_period(shelved, params, service):
    books, said = shelved.open("two"), []
    period = closed_for_delivery(books, MAY, params, "Ann")
    QuickSightTarget().deliver(period, said.append)
    assert service.refreshed == ["rules", "charges"]
    operations = [(name, one["DataSetId"]) for name, one in service.requests]
    assert operations.index(("CreateIngestion", "charges")) > max(
        at for at, one in enumerate(operations) if one == ("DescribeIngestion", "rules")
    )
    assert all(
        one["IngestionType"] == "FULL_REFRESH" and one["IngestionId"].startswith(f"chargeback-{MAY}-")
        for name, one in service.requests if name == "CreateIngestion"
    )  # fmt: skip
    assert editions(shelved) == {"viewer_rules/000001.parquet": FIRST}
    assert released(shelved) == [["(nobody)", MAY]]
    entry = period.done(REFRESHED)
    assert entry.by == "Ann"
    assert entry.details == {"rules_edition": 1, "rules": "rules", "charges": "charges"}
    before = shelved.objects()
    QuickSightTarget().deliver(closed_for_delivery(books, MAY, params, "Ann"), said.append)
    assert len(service.refreshed) == 2 and shelved.objects() == before
    assert any("QuickSight  refreshed" in one and "nothing to do" in one for one in said)
    assert shelved.verify()[-1]


@pytest.mark.slow
def test_what_fails_is_said_and_nothing_is_in_the_log_until_it_is_done(shelved, params, service):
    books = shelved.open("two")
    service.statuses["rules"] = [FAILED]
    with pytest.raises(Refusal) as found:
        QuickSightTarget().deliver(closed_for_delivery(books, MAY, params), lambda _: None)
    assert (found.value.exit_code, found.value.what) == (
        UNREACHABLE, "QuickSight has not refreshed a dataset",
    )  # fmt: skip
    assert found.value.found == "FAILED: SQL_TABLE_NOT_FOUND: no such view"
    assert service.refreshed == ["rules"], "charges never before their rules"
    assert closed_for_delivery(books, MAY, params).done(REFRESHED) is None
    service.statuses.clear()
    QuickSightTarget().deliver(closed_for_delivery(books, MAY, params), lambda _: None)
    assert service.refreshed == ["rules", "rules", "charges"]
    assert list(editions(shelved)) == ["viewer_rules/000001.parquet"]


@pytest.mark.slow
def test_a_change_of_the_policy_is_an_edition_and_a_withdrawn_one_too(
    shelved, params, service, capsys
):
    def run(policy: str) -> None:
        (params / "viewers.toml").write_text(policy)
        code = cli.main(["quicksight", "--params", str(params), "--books", shelved.uri])
        assert code == 0, capsys.readouterr().err

    run(POLICY)
    run(POLICY)
    run(POLICY.replace('business_units = ["shop"]', 'cost_centers = ["CC-9"]'))
    run("")
    assert editions(shelved) == {
        "viewer_rules/000001.parquet": FIRST,
        "viewer_rules/000002.parquet": [(2, *MARK[1:]), (2, "g", "core", "CC-9")],
        "viewer_rules/000003.parquet": [(3, *MARK[1:])],
    }
    assert service.refreshed == ["rules", "charges"] * 4


@pytest.mark.slow
def test_the_sql_for_athena_names_the_place_of_ledger_and_rules(shelved, params, tmp_path, capsys):
    options = ["--params", str(params), "--books", shelved.uri, "--to", str(tmp_path / "to")]
    assert cli.main(["viewers", "2026-05", *options]) == 0
    text = (tmp_path / "to" / "athena.sql").read_text()
    assert f"location '{shelved.uri}/postings/'" in text
    assert f"location '{shelved.uri}/viewer_rules/'" in text
    assert f"location '{shelved.uri}/released_months/'" in text
    statements = [one.strip() for one in text.split(";") if one.strip()]
    assert [one.split("\n")[0] for one in statements] == [
        "create external table if not exists `chargeback_ledger` (",
        "create external table if not exists `chargeback_released_months_editions` (",
        "create or replace view chargeback_released_months as",
        "create or replace view chargeback_charges as",
        "create external table if not exists `chargeback_metrics` (",
        "create or replace view chargeback_unit_costs as",
        "create external table if not exists `chargeback_viewer_rules_editions` (",
        "create or replace view chargeback_viewer_rules as",
    ]


@pytest.mark.slow
def test_a_handout_has_the_target_where_datasets_are_named(shelved, params, tmp_path):
    books = shelved.open("two")
    named = [one.name for one in targets(closed_for_delivery(books, MAY, params))]
    assert named.index("QuickSight") < named.index("mail")
    other = write_params(tmp_path / "other")
    assert "QuickSight" not in [one.name for one in targets(closed_for_delivery(books, MAY, other))]


@pytest.mark.slow
def test_a_request_whose_answer_is_lost_is_not_taken_for_a_failure(shelved, params, service):
    service.lost = 1
    period = closed_for_delivery(shelved.open("two"), MAY, params)
    QuickSightTarget().deliver(period, lambda _: None)
    assert service.refreshed == ["rules", "rules", "charges"]
    assert len(service.known) == 2, "one refresh of each"


def refused(capsys, *arguments: str) -> tuple[int, str]:
    """How a verb ends that is refused."""
    code = cli.main([*arguments])
    said = capsys.readouterr().err
    assert said.startswith("STOPPED  ") and "Traceback" not in said
    return code, said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data_sets", "statuses", "what"),
    [
        (("charges",), [], "AWS has nothing by this name"),
        (("rules", "charges"), [{"IngestionStatus": "CANCELLED"}], "QuickSight has not refreshed a dataset"),
        (("rules", "charges"), [{"IngestionStatus": "RUNNING"}], "QuickSight has not refreshed a dataset"),
        (("rules", "charges"), [{}], "AWS did not answer a request"),
    ],
)  # fmt: skip
def test_a_quicksight_that_does_not_do_it_is_one_block(
    data_sets, statuses, what, shelved, params, service, capsys, monkeypatch
):
    monkeypatch.setattr(adapter, "WAIT_SECONDS", 0.1)
    service.data_sets, service.statuses = data_sets, {"rules": statuses}
    code, said = refused(capsys, "quicksight", "--params", str(params), "--books", shelved.uri)
    assert (code, what in said) == (UNREACHABLE, True), said
    assert "charges" not in service.refreshed


def test_books_in_a_folder_are_refused_because_athena_reads_none(params, tmp_path, capsys):
    code, said = refused(capsys, "quicksight", "--params", str(params), "--books", str(tmp_path))
    assert code == BAD_USAGE and "Athena reads books in S3 only" in said


def test_without_settings_the_verb_says_what_is_missing(tmp_path, capsys):
    folder = write_params(tmp_path / "params")
    code, said = refused(capsys, "quicksight", "--params", str(folder), "--books", str(tmp_path))
    assert code == BAD_USAGE and "no QuickSight is named" in said


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("012345678901", "12345678901"), "the QuickSight account_id is not valid"),
        (("us-east-1", "Virginia"), "the QuickSight region is not valid"),
        (('"charges"', '"a/b"'), "the QuickSight charges is not valid"),
        (('"charges"', '"rules"'), "rules and charges are the same dataset"),
        (('rules = "rules"\n', ""), "the key 'rules' is missing"),
        (("region", "regoin"), "unknown key 'regoin'"),
        (("[quicksight]", "[[quicksight]]"), "quicksight must be a table"),
    ],
)
def test_settings_that_are_none_are_refused(change, what, tmp_path):
    with pytest.raises(Refusal) as found:
        read_quicksight(write_params(tmp_path, sources_toml=SETTINGS.replace(*change)))
    assert (found.value.exit_code, found.value.what) == (BAD_USAGE, what)


def test_settings_are_read(tmp_path):
    assert read_quicksight(write_params(tmp_path)) is None
    assert read_quicksight(write_params(tmp_path, sources_toml=SETTINGS)) == QuickSightSettings(
        "012345678901", "us-east-1", "rules", "charges"
    )
