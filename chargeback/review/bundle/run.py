"""The verb `bundle`: put a bundle into a folder or a ZIP, whole or not at all.

What lies at the place is never written over: the same bundle is there already, or the verb stops.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params
from chargeback.core.files import bytes_of, replace_folder, sync
from chargeback.core.paths import BUILD
from chargeback.core.progress import Progress, show_path
from chargeback.delivery.released import ClosedForDelivery, require_released
from chargeback.review.bundle.contents import README, SUMS, Bundled, bundled, sums
from chargeback.review.bundle.readme import readme

ZIP = ".zip"

#: The time of every file in a ZIP: the first that the format knows, so that bytes do not depend on a clock.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_bundle(
    books: Books, period: str, unit: str, params_folder: Path, to: Path | None, progress: Progress
) -> None:
    """Write the bundle of a unit's statement.

    Args:
        to: a folder, or a file that ends with .zip; None is a ZIP in build/bundles.

    Raises:
        Refusal: (exit 2) the period is not closed, the unit has no statement of it, or something else lies
            at the place; (exit 4) a file is not what was closed, or nobody has approved the period yet.
    """
    bundle = bundled(books, period, unit)
    require_released(ClosedForDelivery(books, period, params_folder))
    files = {**bundle.files, README: readme(bundle)}
    files[SUMS] = sums(files)
    place = to or BUILD / "bundles" / f"{bundle.name}{ZIP}"
    if place.suffix.casefold() == ZIP:
        put_zip(place, zipped(bundle.name, files))
    else:
        put_folder(place, files)
    tell(bundle, place, files, progress)


def zipped(name: str, files: dict[str, bytes]) -> bytes:
    """Files as a ZIP, below a folder of the bundle's name; stored, so that no compressor decides its bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for one in sorted(files):
            entry = zipfile.ZipInfo(f"{name}/{one}", NO_TIME)
            entry.create_system = 3  # so that it is the same on every system
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[one])
    return stream.getvalue()


def put_zip(place: Path, content: bytes) -> None:
    """Put a ZIP at its place, where nothing else lies (exit 2)."""
    if place.exists():
        if not place.is_file() or bytes_of(place) != content:
            raise taken(place, "another file, or a folder")
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    made = place.with_name(f".{place.name}.making")
    made.write_bytes(content)
    sync(made)
    made.rename(place)


def put_folder(place: Path, files: dict[str, bytes]) -> None:
    """Put files into a folder that is not there, is empty, or has just these (exit 2 for any other)."""
    if place.exists():
        if not place.is_dir():
            raise taken(place, "a file")
        there = sorted(one.relative_to(place).as_posix() for one in place.rglob("*"))
        if there == sorted(files) and all(bytes_of(place / one) == files[one] for one in files):
            return
        if there:
            raise taken(place, f"{len(there)} other files, {there[0]} among them")
    place.parent.mkdir(parents=True, exist_ok=True)
    made = place.with_name(f".{place.name}.making")
    made.mkdir(exist_ok=True)
    for one, content in files.items():
        (made / one).write_bytes(content)
    replace_folder(made, place)


def taken(place: Path, found: str) -> Exception:
    """That something else lies where the bundle should (exit 2)."""
    return bad_params(
        "something else lies where the bundle should", "nothing, or this bundle as it was made before",
        found, [str(place)], ["name another place with TO=, or move away what lies there"],
    )  # fmt: skip


def tell(bundle: Bundled, place: Path, files: dict[str, bytes], progress: Progress) -> None:
    """Where it is, and what to do with it."""
    progress(
        f"The statement of {bundle.unit_name} for {bundle.period}, with what checks it: {len(files)} files"
    )
    progress(f"  bundle      {show_path(place)}")
    progress(f"  how         {README} in it has the commands, for pdfsig, openssl and sha256sum")
    if bundle.head:
        progress(f"  head        {bundle.head}")
