"""A provider of Terraform that has the schema of another and keeps whatever it is given:

    CHARGEBACK_STUB_SCHEMA=schema.json python stub_provider.py

Terraform runs it as a process, in a Python that has the package `tf`; nothing of ours is imported.
"""

from __future__ import annotations

import json
import os
import uuid

from tf import blocks, iface, runner, schema, types

TYPES = {
    "string": types.String, "number": types.Number, "boolean": types.Bool,
    "stringList": lambda: types.Set(types.String()), "numberList": lambda: types.Set(types.Number()),
    "stringMap": lambda: types.Map(types.String()),
}  # fmt: skip


def attributes_of(content):
    """The attributes of a resource or block."""
    found = []
    for name, one in content["attributes"].items():
        computed = name == "id"
        required = one["required"]
        found.append(schema.Attribute(
            name, TYPES[one["type"]](), required=required, optional=not required, computed=computed,
        ))  # fmt: skip
    return found


def blocks_of(content):
    """The blocks of a resource or block, each any number of times."""
    return [
        blocks.SetNestedBlock(name, schema.Block(attributes_of(one), blocks_of(one)))
        for name, one in content["blocks"].items()
    ]


class Resource(iface.Resource):
    """Keeps what it is given, under an id."""

    content: dict
    name: str

    def __init__(self, provider):
        """Nothing is kept of the provider."""

    @classmethod
    def get_name(cls):
        return cls.name

    @classmethod
    def get_schema(cls):
        return schema.Schema(attributes_of(cls.content), block_types=blocks_of(cls.content))

    def create(self, ctx, planned):
        return {**planned, "id": uuid.uuid4().hex}

    def read(self, ctx, current):
        return current

    def update(self, ctx, current, planned):
        return planned

    def delete(self, ctx, current):
        return None


class Provider(iface.Provider):
    """The provider of the schema that the environment names."""

    def __init__(self, content):
        self.content = content

    def get_model_prefix(self):
        return "datadog_"

    def full_name(self):
        return "datadog/datadog"

    def get_provider_schema(self, diags):
        content = self.content["provider"]
        return schema.Schema(attributes_of(content), block_types=blocks_of(content))

    def validate_config(self, diags, config):
        """Terraform itself compares with the schema."""

    def configure_provider(self, diags, config):
        """There is nobody to sign in to."""

    def get_data_sources(self):
        return []

    def get_resources(self):
        return [
            type(name, (Resource,), {"name": name.removeprefix("datadog_"), "content": content})
            for name, content in self.content["resources"].items()
        ]


if __name__ == "__main__":
    with open(os.environ["CHARGEBACK_STUB_SCHEMA"], encoding="utf-8") as file:
        runner.run_provider(Provider(json.load(file)))
