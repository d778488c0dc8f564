"""Forms: what somebody sends, taken only where they sent it from a page of this portal.

What always holds: a form counts when the browser says that one of our own pages sent it, when it brings the
token of the very session that it comes with, and when it is in a form's own encoding. Whatever lacks one of
these is answered 403 before a field of it is read by anybody else.
"""

from __future__ import annotations

import hmac

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from chargeback.portal.settings import Settings

ENCODINGS = ("application/x-www-form-urlencoded", "multipart/form-data")
MOST_FIELDS = 50

#: The name of the field that a form of the portal brings its session's token in.
FIELD = "form_token"


async def read_form(request: Request) -> FormData:
    """The fields of a form of somebody who is signed in; files are not taken.

    Raises:
        HTTPException: (403) it is not from a page of ours; (400) it cannot be read.
    """
    settings: Settings = request.app.state.settings
    if not is_from_here(request, settings.origin) or encoding(request) not in ENCODINGS:
        raise HTTPException(403)
    form = await request.form(
        max_files=0, max_fields=MOST_FIELDS, max_part_size=settings.limits.body_bytes
    )
    token = form.get(FIELD)
    expected: str = request.state.visit.form_token
    if not isinstance(token, str) or not hmac.compare_digest(token.encode(), expected.encode()):
        raise HTTPException(403)
    return form


def encoding(request: Request) -> str:
    """What a request says that its content is."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_from_here(request: Request, origin: str) -> bool:
    """Whether a browser says that a page of this origin sent a request; silence is no yes."""
    site, sender = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and sender is None:
        return False
    return site in (None, "same-origin") and sender in (None, origin)
