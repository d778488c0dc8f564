"""Provider deliveries in S3: the files of the needed periods, fetched once, as reports of AWS are.

In: the address of a provider's deliveries, and periods. Out: a folder under build/ with the same names, in
which what is gone from S3 is gone too. What always holds: nothing is written to the bucket, an object that
changes while it is fetched is noticed, and a name that would be a file outside of the folder is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from chargeback.aws.bucket import s3_place
from chargeback.aws.calls import AwsClients, patience
from chargeback.core.progress import Progress
from chargeback.params.providers import AZURE_EXPORT, MONTHLY_FILES, Provider
from chargeback.sources.provider_deliveries import (
    MANIFEST,
    ProviderFolder,
    azure_deliveries,
    is_data_file,
    month_in,
    period_of,
)
from chargeback.sources.s3_copy import S3Report


def fetch_provider(provider: Provider, periods: Sequence[str], progress: Progress) -> Path:
    """The folder with a provider's deliveries of these periods.

    Raises:
        Refusal: (exit 2) the place is not valid; (exit 6) S3 does not answer, or a delivery changed
            while it was fetched.
    """
    place = s3_place(provider.folder, f"sources.toml, [[provider]] {provider.name}, folder")
    copy = S3Report(place, AwsClients(None, patience()).client("s3"))
    return ProviderCopy(copy, provider).fetch(periods, progress)


class ProviderCopy:
    """A provider's deliveries in a bucket and the folder that they are fetched into."""

    def __init__(self, copy: S3Report, provider: Provider) -> None:
        self.copy, self.provider = copy, provider

    def fetch(self, periods: Sequence[str], progress: Progress) -> Path:
        """Bring the folder up to date."""
        there = self.copy.listed("")
        folder = self.copy.folder
        folder.mkdir(parents=True, exist_ok=True)
        self.forget(folder, there)
        etags = self.copy.known_etags()
        if self.provider.layout == AZURE_EXPORT:
            manifests = {
                name: one for name, one in there.items() if name.rpartition("/")[2] == MANIFEST
            }
            for name, one in manifests.items():
                self.copy.require_manifest(name, one)
            self.copy.fetch_files(manifests, etags)
        for period in periods:
            if not self.provider.delivers(period):
                continue
            wanted = {
                name: there[name] for name in self.names(folder, there, period) if name in there
            }
            for name in wanted:
                self.copy.require_confined(name)
            new = {
                name: one for name, one in wanted.items() if not self.copy.is_here(name, one, etags)
            }
            if new:
                size = sum(one.size for one in new.values())
                progress(
                    f"  {period}  fetching {len(new)} files, {size:,} bytes, from {self.copy.place}"
                )
            self.copy.fetch_files(new, etags)
        return folder

    def names(self, folder: Path, there: Iterable[str], period: str) -> list[str]:
        """The names of a period's data files."""
        layout = self.provider.layout
        if layout == AZURE_EXPORT:
            # The folder that was fetched, as if a report's were the one above it.
            one = ProviderFolder(folder.name, self.provider.name, layout, period, period)
            found = azure_deliveries(folder.parent, one, period)
            return [path.removeprefix(f"{folder.name}/") for run in found for path in run.paths]
        data = [one for one in there if is_data_file(one.rpartition("/")[2])]
        if layout == MONTHLY_FILES:
            return [one for one in data if "/" not in one and month_in(one) == period]
        return [one for one in data if "/" in one and period_of(one.partition("/")[0]) == period]

    def forget(self, folder: Path, there: Iterable[str]) -> None:
        """Remove the files here that are not in S3 any more, and folders without any, which S3 has not."""
        known = set(there)
        for path in sorted(folder.rglob("*"), reverse=True):
            name = path.relative_to(folder).as_posix()
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif not path.name.startswith(".") and name not in known:
                path.unlink()
