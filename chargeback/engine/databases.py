"""The databases that SQL runs in: closed to the machine, and locked.

What always holds, whatever a statement says: it reads and writes no file, opens no connection, loads no
extension, sees no Python variable and no other engine's tables, and changes no setting. One kind has exactly
the files that it is given, which DuckDB may read and, because it knows one permission for both, also write:
that statements only select is checked before they run (chargeback/engine/select_only.py). It alone may spill
to disk what does not fit into memory, into a folder that it is given for that.

To start a database takes longer than most queries here, so all small tables share the one of their process.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Sequence
from pathlib import Path

import duckdb
from sqlglot import exp

MEMORY_LIMIT = "1200MB"  # of DuckDB's own; a rollup needs far less, joins of small tables too

_PATTERN = re.compile(r"[*?\[]")

#: Files are not kept in memory between queries: they may change.
SETTINGS: dict[str, str | int | float | list[str]] = {
    "memory_limit": MEMORY_LIMIT,
    "preserve_insertion_order": False,
    "enable_external_file_cache": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
}


@functools.cache
def small_tables(threads: int) -> duckdb.DuckDBPyConnection:
    """The database of this process that works with so many threads, in memory: it has no file at all.

    Each engine is a connection of its own to it, and sees neither tables nor views of another.
    """
    return locked(duckdb.connect(config={"threads": threads, **SETTINGS, "temp_directory": ""}))


def with_files(threads: int, files: Sequence[Path], spill: Path) -> duckdb.DuckDBPyConnection:
    """A database of its own, in memory, in which these files can be read and no others.

    DuckDB asks first for the name as a statement has it, in which signs of patterns are escaped, and then for
    the file that it found.
    """
    connection = duckdb.connect(
        config={"threads": threads, **SETTINGS, "temp_directory": str(spill)}
    )
    names = dict.fromkeys(name for one in files for name in (str(one), pattern_of(one)))
    named = ", ".join(exp.Literal.string(one).sql(dialect="duckdb") for one in names)
    connection.execute(f"set allowed_paths = [{named}]")
    return locked(connection)


def pattern_of(path: Path) -> str:
    """The name of one file for DuckDB, which takes `*`, `?` and `[` for a pattern.

    >>> pattern_of(Path("/data/[1]/a.parquet"))
    '/data/[[]1]/a.parquet'
    """
    return _PATTERN.sub(r"[\g<0>]", str(path))


def locked(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A database that cannot be opened again: no external access, days of UTC wherever this runs.

    It shows no progress, which DuckDB does where it takes a process for a notebook's, into the notebook. In a
    kernel of Jupyter without ipywidgets it shows none, and takes no setting of that.
    """
    with contextlib.suppress(duckdb.InvalidInputException):
        connection.execute("set enable_progress_bar = false")
    for setting in (
        "global timezone = 'UTC'",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"set {setting}")
    return connection
