"""The schema of Datadog's provider, out of the npm package that is generated from it.

`@cdktf/provider-datadog` has a file a resource: what is required stands in its declarations, names and types
in what it writes as HCL. Of a block it is not known how often it may stand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

RESOURCES = {
    "monitor": "Monitor",
    "service-level-objective": "ServiceLevelObjective",
    "dashboard-json": "DashboardJson",
}
ENTRY = re.compile(
    r"(?P<name>\w+): \{\s+value: (?P<value>[^\n]+),\s+isBlock: (?P<is_block>true|false),\s+"
    r'type: "\w+",\s+storageClassType: "(?P<kind>\w+)",\s+\}'
)


def provider_schema(package: Path) -> dict[str, Any]:
    """Attributes and blocks of the provider and of the resources that are used here."""
    return {
        "provider": read(package, "provider", "DatadogProvider"),
        "resources": {
            f"datadog_{folder.replace('-', '_')}": read(package, folder, prefix)
            for folder, prefix in RESOURCES.items()
        },
    }


def read(package: Path, folder: str, prefix: str) -> dict[str, Any]:
    """One resource, or the provider."""
    script = (package / "lib" / folder / "index.js").read_text(encoding="utf-8")
    declared = (package / "lib" / folder / "index.d.ts").read_text(encoding="utf-8")
    entries = between(script, "    synthesizeHclAttributes() {", "// remove undefined attributes")
    return content(script, declared, entries, f"{prefix}Config")


def content(script: str, declared: str, entries: str, interface: str) -> dict[str, Any]:
    """Attributes and blocks of one level."""
    members = between(declared, f"export interface {interface} ", "\n}")
    required = {
        plain(name) for name, mark in re.findall(r"readonly (\w+)(\??):", members) if not mark
    }
    found: dict[str, Any] = {"attributes": {}, "blocks": {}}
    for one in ENTRY.finditer(entries):
        if one["is_block"] == "false":
            kind = one["kind"]
            found["attributes"][one["name"]] = {
                "type": kind,
                "required": plain(one["name"]) in required,
            }
            continue
        mapper = re.search(r"(\w+)ToHclTerraform", one["value"])
        if mapper is None:
            raise AssertionError(f"a block without a mapper: {one['value']}")
        inner = between(
            script, f"function {mapper[1]}ToHclTerraform(", "// remove undefined attributes"
        )
        name = mapper[1][0].upper() + mapper[1][1:]
        found["blocks"][one["name"]] = content(script, declared, inner, name)
    return found


def plain(name: str) -> str:
    """A name without what differs between the two languages."""
    return name.replace("_", "").lower()


def between(text: str, begin: str, end: str) -> str:
    """What stands between two texts."""
    start = text.index(begin)
    return text[start : text.index(end, start)]
