"""File answers: a file of the library as it is sent: a page to look at, all else to keep under its name."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from chargeback.portal.headers import page
from chargeback.portal.library import Document

MEDIA = {
    "html": "text/html; charset=utf-8", "pdf": "application/pdf", "csv": "text/csv; charset=utf-8",
    "json": "application/json", "eml": "message/rfc822", "parquet": "application/vnd.apache.parquet",
}  # fmt: skip
OTHER = "application/octet-stream"


def file_answer(found: Document) -> Response:
    """A file as an answer."""
    if found.is_page:
        # Statements may mark what they are with a style of an element; our dashboards have none.
        return page(
            found.content.decode("utf-8"), found.scripts, style_attributes=not found.is_dashboard
        )
    kind = MEDIA.get(found.ending, OTHER)
    headers = {"content-disposition": kept_as(found.name)}
    return Response(found.content, media_type=kind, headers=headers)


def kept_as(name: str) -> str:
    """The header that says under which name a file is kept, for browsers old and new."""
    plain = "".join(one if " " <= one <= "~" and one not in '"\\%;' else "_" for one in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
