"""Provider folders: AWS's report and the deliveries of other providers, read through one folder below build/.

In: the folder of AWS's report, and the providers of sources.toml. Out: a folder with a link to whatever lies
in the report's folder, under the same name, and `providers/<name>` beside it, a link for each provider,
declared in `providers.json` (chargeback/sources/provider_deliveries.py). What always holds: what a close
recorded of AWS has the same path with other providers and without, so that a period can be audited before and
after one joins.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from chargeback.aws.report_location import READ_THROUGH
from chargeback.core.errors import bad_params, unreachable
from chargeback.core.paths import BUILD
from chargeback.core.progress import Progress
from chargeback.params.providers import Provider, read_providers
from chargeback.sources.provider_deliveries import DECLARED, FORMS, ProviderFolder, declared_text

ROOM = "providers"


def with_providers(
    report: Path, providers: Sequence[Provider], periods: Sequence[str], progress: Progress
) -> Path:
    """The folder that a report and other providers' deliveries are read through; the report's own without any.

    Args:
        periods: those whose deliveries are fetched where they are in S3.

    Raises:
        Refusal: (exit 6) the folder of a provider is not there.
    """
    if not providers:
        return report
    places = {one: place_of(one, periods, progress) for one in providers}
    folders = list(named_folders(providers))
    told = json.dumps(
        [str(report), *(f"{one.name} {places[one]}" for one in providers)]
    )  # fmt: skip
    made = BUILD / "reports" / hashlib.sha256(told.encode()).hexdigest()[:16]
    (made / ROOM).mkdir(parents=True, exist_ok=True)
    declared = json.dumps(list(declared_text(folders)), indent=1) + "\n"
    beside = made / f".{DECLARED}.{os.getpid()}"
    beside.write_text(declared, encoding="utf-8")
    beside.rename(made / DECLARED)
    named = "\n".join([str(report), *dict.fromkeys(one.name for one in providers)])
    (made / READ_THROUGH).write_text(named + "\n", encoding="utf-8")
    for one, folder in zip(providers, folders, strict=True):
        link(made / folder.folder, places[one])
    link_all(made, report)
    return made


def place_of(provider: Provider, periods: Sequence[str], progress: Progress) -> Path:
    """The folder of a provider's deliveries on this machine.

    Raises:
        Refusal: (exit 6) it is not there.
    """
    if provider.folder.startswith("s3://"):
        from chargeback.sources.provider_copy import fetch_provider

        return fetch_provider(provider, periods, progress)
    place = Path(provider.folder).resolve()
    if not place.is_dir():
        raise unreachable(
            f"the folder of the provider {provider.name} does not exist", FORMS[provider.layout],
            "a file" if place.exists() else f"no {place}", [provider.where],
            ["correct folder in sources.toml, or mount or copy the deliveries there first"],
        )  # fmt: skip
    return place


def named_folders(providers: Iterable[Provider]) -> Iterable[ProviderFolder]:
    """Each provider with a folder of its own below ROOM; a later entry of one name says from when it is."""
    taken: set[str] = set()
    for one in providers:
        folder = f"{ROOM}/" + re.sub(r"[^A-Za-z0-9.]+", "-", one.name).strip("-.")
        if folder in taken:
            folder += f"-from-{one.valid_from}"
        taken.add(folder)
        yield ProviderFolder(folder, one.name, one.layout, one.valid_from, one.valid_to)


def link_all(made: Path, report: Path) -> None:
    """Link whatever lies in a report's folder, and nothing that lay there before."""
    names = {one.name for one in report.iterdir() if not one.name.startswith(".")}
    for name in sorted(names - {ROOM, DECLARED}):
        link(made / name, report / name)
    for one in made.iterdir():
        if one.is_symlink() and one.name not in names:
            one.unlink(missing_ok=True)


def link(at: Path, to: Path) -> None:
    """A link, made where it is not there; nobody else's is replaced by the same."""
    if at.is_symlink() and os.readlink(at) != str(to):
        at.unlink(missing_ok=True)
    with contextlib.suppress(FileExistsError):
        at.symlink_to(to)


def require_none(params: Path, engine: str, periods: Sequence[str]) -> None:
    """Stop where an engine reads AWS's report and there are other providers, which it cannot read (exit 2)."""
    there = [
        one for one in read_providers(params) if any(one.delivers(period) for period in periods)
    ]  # fmt: skip
    if there:
        raise bad_params(
            "other providers are read beside a report in a folder or in S3, not beside an engine",
            "cur as a folder or s3://bucket/prefix where there is a [[provider]]", f"CUR={engine}",
            [one.where for one in there],
            ["name the folder or the address of AWS's report with CUR=, or date the providers so that they "
             "deliver none of these periods"],
        )  # fmt: skip
