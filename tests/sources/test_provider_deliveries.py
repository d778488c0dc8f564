"""Which files another provider delivered for a period: manifests, folders of a month, one file a month."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chargeback.aws.report_location import show_report
from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.params.providers import Provider, read_providers
from chargeback.sources.provider_deliveries import (
    ProviderFolder,
    delivered_by,
    periods_of,
    provider_folders,
)
from chargeback.sources.provider_folders import with_providers
from chargeback.sources.provider_rows import rows_delivered
from tests.params_folder import write_params
from tests.reports import line_item, write_report
from tests.sources.other_providers import (
    PERIOD,
    SUBSCRIPTION,
    azure_row,
    google_row,
    saas_row,
    sources_toml,
    write_azure,
    write_google,
    write_saas,
)

AZURE = ProviderFolder("azure", "Microsoft", "azure-export", PERIOD, "")
SAAS = ProviderFolder("saas", "Observa", "monthly-files", PERIOD, "")
GOOGLE = ProviderFolder("google", "Google Cloud", "period-folders", PERIOD, "")


def refusal(call, *arguments) -> Refusal:
    """What a call is refused with."""
    with pytest.raises(Refusal) as caught:
        call(*arguments)
    return caught.value


def test_an_azure_run_is_read_by_its_manifest_alone(tmp_path):
    manifest = write_azure(tmp_path / "azure", [[azure_row(1.0)], [azure_row(2.0)]])
    (manifest.parent / "part_9_0001.snappy.parquet").write_bytes(b"left from another run")
    [found] = delivered_by(tmp_path, AZURE, PERIOD)
    assert [Path(one).name for one in found.paths] == [
        "part_1_0001.snappy.parquet", "part_2_0001.snappy.parquet"
    ]  # fmt: skip
    assert (found.manifest, found.rows) == (manifest, 2)
    assert found.export_name == "Microsoft/focus-daily"


def test_of_two_azure_runs_the_one_that_was_submitted_last_is_read(tmp_path):
    write_azure(tmp_path / "azure", [[azure_row(1.0)]], run="a", submitted="2026-06-04T00:00:00.1Z")
    last = write_azure(
        tmp_path / "azure", [[azure_row(1.0)]], run="20260605/b", submitted="2026-06-05T00:00:00.1Z"
    )
    write_azure(tmp_path / "azure", [[azure_row(1.0)]], run="c", submitted="2026-06-01T00:00:00.1Z")
    [found] = delivered_by(tmp_path, AZURE, PERIOD)
    assert found.manifest == last


def test_exports_of_two_billing_accounts_may_have_one_name(tmp_path):
    """Both wrote the month, and each counts; of two runs of one of them the newer one."""
    scope = "/providers/Microsoft.Billing/billingAccounts/7654321"
    config = {"exportName": "focus-daily", "type": "FocusCost"}
    first = write_azure(tmp_path / "azure" / "a", [[azure_row(1.0)]])
    write_azure(
        tmp_path / "azure" / "b", [[azure_row(2.0)]], run="b", submitted="2026-06-01T00:00:00Z",
        exportConfig={**config, "resourceId": scope},
    )  # fmt: skip
    second = write_azure(
        tmp_path / "azure" / "b", [[azure_row(2.0)]], run="c", submitted="2026-06-09T00:00:00Z",
        exportConfig={**config, "resourceId": scope.upper()},
    )  # fmt: skip
    found = delivered_by(tmp_path, AZURE, PERIOD)
    assert {one.manifest for one in found} == {first, second}


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"exportConfig": {"exportName": "a", "type": "ActualCost"}},
         "the export of a provider is not FOCUS"),
        ({"runInfo": {"runId": "r", "startDate": "2026-04-01T00:00:00"}},
         "the manifest belongs to another period"),
        ({"blobs": []}, "the manifest names no data files"),
        ({"blobs": [{"blobName": "cost/elsewhere/part_1.parquet"}]},
         "the manifest of a provider names a file that is not beside it"),
        ({"blobs": "part_1.parquet"}, "the manifest of a provider cannot be read"),
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_taken_is_refused(changed, what, tmp_path):
    write_azure(tmp_path / "azure", [[azure_row(1.0)]], **changed)
    found = refusal(delivered_by, tmp_path, AZURE, PERIOD)
    assert (found.what, found.exit_code) == (what, UNREACHABLE)


def test_the_files_of_a_month_s_folder_are_read_and_no_others(tmp_path):
    write_google(tmp_path / "google", [[google_row("1")], [google_row("2")]], "20260501-20260531")
    write_google(tmp_path / "google", [[google_row("4")]], "2026-04")
    (tmp_path / "google" / "20260501-20260531" / "_SUCCESS").touch()
    [found] = delivered_by(tmp_path, GOOGLE, PERIOD)
    assert [Path(one).name for one in found.paths] == [
        "000000000000.parquet", "000000000001.parquet"
    ]  # fmt: skip
    assert periods_of(tmp_path / "google", "period-folders") == ["2026-04", "2026-05"]


def test_two_folders_of_a_month_are_refused(tmp_path):
    for name in ("2026-05", "BILLING_PERIOD=2026-05"):
        write_google(tmp_path / "google", [[google_row("1")]], name)
    found = refusal(delivered_by, tmp_path, GOOGLE, PERIOD)
    assert found.what == (
        "a provider has two folders for 2026-05, and none is known to be the newer one"
    )


def test_a_month_without_delivery_names_the_months_that_there_are(tmp_path):
    write_saas(tmp_path / "saas", [saas_row(1.0)], "2026-04")
    found = refusal(delivered_by, tmp_path, SAAS, PERIOD)
    assert found.what == "the provider Observa has no delivery for 2026-05"
    assert found.found == "periods there: 2026-04"


def accounts(tmp_path: Path, path: Path, provider: str, announced: int | None = None):
    """The accounts of one file, as a close asks for them."""
    name = path.relative_to(tmp_path).as_posix()
    found = rows_delivered(tmp_path, [name], provider, PERIOD, "manifest.json", announced)
    return found.account_ids


def test_accounts_are_what_is_behind_the_last_slash(tmp_path):
    manifest = write_azure(
        tmp_path / "azure", [[azure_row(1.0), azure_row(2.0, SubAccountId=None)]]
    )
    path = next(manifest.parent.glob("part_*"))
    assert accounts(tmp_path, path, "Microsoft", 2) == ("1234567", SUBSCRIPTION)
    found = refusal(accounts, tmp_path, path, "Microsoft", 3)
    assert found.what == (
        "the files of a provider do not have the rows that its manifest announces"
    )


def test_rows_of_another_month_or_provider_are_refused_by_name(tmp_path):
    late = saas_row(1.0, BillingPeriodStart="2026-04-01T00:00:00Z")
    path = write_saas(tmp_path / "saas", [saas_row(1.0), late])
    found = refusal(accounts, tmp_path, path, "Observa")
    assert found.what == "a provider's file has rows of another billing period than 2026-05"
    assert found.found == "1 of 2026-04"
    path = write_saas(tmp_path / "others", [saas_row(1.0), saas_row(1.0, ProviderName="Watchly")])
    found = refusal(accounts, tmp_path, path, "Observa")
    assert found.what == "a file of the provider Observa has rows of another"
    assert found.found == "1 of Watchly by Observa Inc."
    # Who sends the invoice may be what an entry is called by: a reseller's.
    assert accounts(tmp_path, path, "Observa Inc.") == ("ws-claims",)


def test_google_s_month_begins_in_california(tmp_path):
    own = write_google(tmp_path / "google", [[google_row("1")]])
    [path] = own.glob("*.parquet")
    assert accounts(tmp_path, path, "Google Cloud") == ("claims-lake",)


def provider(folder: Path, name: str = "Observa", layout: str = "monthly-files") -> Provider:
    """An entry of sources.toml."""
    return Provider(name, str(folder), layout, PERIOD, "")


def test_a_report_is_read_through_one_folder_in_which_its_own_paths_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("chargeback.sources.provider_folders.BUILD", tmp_path / "build")
    report = tmp_path / "cur"
    (report / "metadata").mkdir(parents=True)
    (report / "data").mkdir()
    path = write_saas(tmp_path / "saas", [saas_row(1.0)])
    made = with_providers(report, [provider(tmp_path / "saas")], [PERIOD], print)
    assert (made / "metadata").samefile(report / "metadata")
    [one] = provider_folders(made)
    [found] = delivered_by(made, one, PERIOD)
    assert found.paths == (f"providers/Observa/{path.name}",)
    # What lies there no more is linked no more; asked again, it is the same folder.
    (report / "data").rmdir()
    assert with_providers(report, [provider(tmp_path / "saas")], [PERIOD], print) == made
    assert not (made / "data").is_symlink()
    assert with_providers(report, [], [PERIOD], print) == report


def test_a_report_that_is_read_through_a_folder_is_named_as_its_reader_knows_it(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("chargeback.sources.provider_folders.BUILD", tmp_path / "build")
    monkeypatch.chdir(tmp_path)
    write_report(tmp_path / "cur", [line_item(1.0)])
    write_saas(tmp_path / "saas", [saas_row(1.0)])
    text = sources_toml([("Observa", "saas", "monthly-files")])
    params = write_params(tmp_path / "params", sources_toml=text)
    through = with_providers(tmp_path / "cur", read_providers(params), [PERIOD], print)
    assert show_report(through) == "cur, Observa"
    assert show_report(tmp_path / "cur") == "cur"


def test_the_folder_of_a_provider_must_be_there(tmp_path):
    found = refusal(with_providers, tmp_path, [provider(tmp_path / "none")], [PERIOD], print)
    assert found.what == "the folder of the provider Observa does not exist"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('layout = "azure"', "layout of a provider is not known"),
        ('format = "cur"', "format of a provider is not known"),
        ('name = "AWS"', "name is not the name of another provider"),
        ('folder = "gs://bucket/focus"', "a provider's deliveries are read from a folder or from S3"),
        ('folders = "x"', "unknown key 'folders'"),
    ],
)  # fmt: skip
def test_entries_of_sources_toml_are_checked(text, what, tmp_path):
    whole = sources_toml([("Observa", "deliveries", "monthly-files")])
    key = text.partition(" ")[0]
    lines = [text if one.startswith(f"{key} ") else one for one in whole.splitlines()]
    (tmp_path / "sources.toml").write_text(
        "\n".join([*lines, *([text] if text not in lines else [])])
    )
    found = refusal(read_providers, tmp_path)
    assert (found.what, found.exit_code) == (what, BAD_USAGE)


def test_entries_of_one_name_follow_each_other(tmp_path):
    text = sources_toml([("Observa", "a", "monthly-files"), ("Observa", "b", "monthly-files")])
    (tmp_path / "sources.toml").write_text(text)
    assert "overlap" in str(refusal(read_providers, tmp_path))


def test_a_manifest_without_row_counts_is_taken(tmp_path):
    manifest = write_azure(tmp_path / "azure", [[azure_row(1.0)]])
    content = json.loads(manifest.read_text())
    for one in content["blobs"]:
        del one["dataRowCount"]
    manifest.write_text(json.dumps(content))
    [found] = delivered_by(tmp_path, AZURE, PERIOD)
    assert found.rows is None
