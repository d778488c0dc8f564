"""Where the report's table is on a Trino, from sources.toml and the environment."""

from __future__ import annotations

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.params.trino_settings import USUAL_LIMIT, TrinoSettings, read_settings
from tests.params_folder import write_params

SETTINGS = (
    'cur = "trino"\n[trino]\nurl = "https://trino.example.com/"\ncatalog = "lake"\nschema = "billing"\n'
    'table = "cur2"\nuser = "finops"\n'
)


def test_settings_come_from_the_file_and_the_environment_goes_first(tmp_path):
    params = write_params(tmp_path, sources_toml=SETTINGS)
    usual = TrinoSettings("https://trino.example.com", "lake", "billing", "cur2", "finops")
    assert read_settings(params, {}) == usual and usual.bytes_scanned_limit == USUAL_LIMIT
    found = read_settings(
        params, {"CHARGEBACK_TRINO_TABLE": "other", "CHARGEBACK_TRINO_BYTES_SCANNED_LIMIT": "1000"}
    )
    assert (found.table, found.bytes_scanned_limit, found.user) == ("other", 1000, "finops")
    more = 'bytes_scanned_limit = 5_000\nlocation = "s3a://b/data/"\nobjects = "/mnt/lake/data"\n'
    found = read_settings(write_params(tmp_path / "more", sources_toml=SETTINGS + more), {})
    assert (found.bytes_scanned_limit, found.location, found.objects) == (
        5000, "s3a://b/data/", "/mnt/lake/data",
    )  # fmt: skip


BAD_SETTINGS = {
    "unknown": (SETTINGS + 'pasword = "x"\n', "unknown key 'pasword'"),
    "a password": (SETTINGS + 'password = "x"\n', "unknown key 'password'"),
    "missing": (SETTINGS.replace('table = "cur2"\n', ""), "reading with Trino needs the table"),
    "quoted": (SETTINGS.replace('"cur2"', "'c\"; drop'"), "the Trino table is not valid"),
    "dotted": (SETTINGS.replace('"cur2"', '"a.b"'), "the Trino table is not valid"),
    "no url": (SETTINGS.replace("https://", "trino://"), "the Trino url is not valid"),
    "credentials in it": (
        SETTINGS.replace("https://", "https://a:b@"),
        "the Trino url is not valid",
    ),
    "a header": (
        SETTINGS.replace('"finops"', '"a\\r\\nX-Trino-User: b"'),
        "the Trino user is not valid",
    ),
    "no limit": (
        SETTINGS + "bytes_scanned_limit = 0\n",
        "the Trino bytes_scanned_limit is not valid",
    ),
    "another digit": (SETTINGS + 'bytes_scanned_limit = "٣"\n', "a number of bytes above 0"),
    "truth": (SETTINGS + "bytes_scanned_limit = true\n", "bytes_scanned_limit"),
    "no table": ("trino = 1\n", "trino in sources.toml must be a table"),
}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_settings_that_cannot_be(name, tmp_path):
    text, words = BAD_SETTINGS[name]
    with pytest.raises(Refusal) as raised:
        read_settings(write_params(tmp_path, sources_toml=text), {})
    assert raised.value.exit_code == BAD_USAGE and words in raised.value.block()
