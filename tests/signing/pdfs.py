"""Small PDFs, set by Typst as statements are."""

from __future__ import annotations

import json

import typst


def small_pdf(text: str) -> bytes:
    """One page with a text; the same text gives the same bytes."""
    source = f"#set document(date: none)\n#text({json.dumps(text)})"
    return bytes(typst.compile(source.encode(), ignore_system_fonts=True))
