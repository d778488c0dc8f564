"""A small Data Exports for tests, which moto lacks: exports are made, read, changed and removed.

Requests and answers are held against botocore's own model of the service: a member that is unknown, missing or
of another type is refused, as AWS refuses it. Two things it does as AWS does: an export comes back with every
option of its table, whether it was named or not, and it lies in us-east-1 alone. It is no evidence of anything
else about AWS, and it delivers nothing.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

TARGET = "AWSBillingAndCostManagementDataExports"
TABLE = "COST_AND_USAGE_REPORT"

#: What an option is that nobody named.
OPTIONS = {
    "INCLUDE_MANUAL_DISCOUNT_COMPATIBILITY": "FALSE", "INCLUDE_RESOURCES": "FALSE",
    "INCLUDE_SPLIT_COST_ALLOCATION_DATA": "FALSE", "TIME_GRANULARITY": "HOURLY",
}  # fmt: skip


class NotTaken(Exception):
    """A request that is answered with an error: its code and words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class DataExports:
    """The exports of an account."""

    def __init__(self, account: str) -> None:
        self.account = account
        model = Loader().load_service_model("bcm-data-exports", "service-2")
        self.model = ServiceModel(model, "bcm-data-exports")
        self.exports: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}

    def call(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one request."""
        if action not in self.model.operation_names:
            raise NotTaken("UnknownOperationException", action)
        operation = self.model.operation_model(action)
        self.hold(body, operation.input_shape, "ValidationException")
        handler = getattr(self, f"do_{action}", None)
        if handler is None:
            raise NotTaken("InternalServerException", f"{action} is not simulated")
        answer: dict[str, Any] = handler(body)
        self.hold(answer, operation.output_shape, "InternalServerException")
        return answer

    @staticmethod
    def hold(content: dict[str, Any], shape: Any, code: str) -> None:
        """Refuse what is not as the model says, members that it does not know among it."""
        report = ParamValidator().validate(content, shape)
        unknown = sorted(set(content) - set(shape.members))
        if report.has_errors() or unknown:
            raise NotTaken(code, f"{report.generate_report()} {unknown}".strip())

    def do_CreateExport(self, body: dict[str, Any]) -> dict[str, Any]:
        export = body["Export"]
        if any(one["Name"] == export["Name"] for one in self.exports.values()):
            raise NotTaken("ValidationException", f"there is an export {export['Name']} already")
        arn = f"arn:aws:bcm-data-exports:us-east-1:{self.account}:export/{export['Name']}-{uuid.uuid4()}"
        self.exports[arn] = {**self.completed(export), "ExportArn": arn}
        self.tags[arn] = {one["Key"]: one["Value"] for one in body.get("ResourceTags", [])}
        return {"ExportArn": arn}

    def completed(self, export: dict[str, Any]) -> dict[str, Any]:
        """An export with all options of its table."""
        query = export["DataQuery"]
        if f" FROM {TABLE}" not in query["QueryStatement"] or "*" in query["QueryStatement"]:
            raise NotTaken("ValidationException", "columns are named, of one table")
        named = query.get("TableConfigurations", {}).get(TABLE, {})
        view = f"arn:aws:billing::{self.account}:billingview/primary"
        every = {"BILLING_VIEW_ARN": view, **OPTIONS}
        if set(named) - set(every):
            raise NotTaken("ValidationException", f"unknown options {set(named) - set(every)}")
        return {
            **export,
            "DataQuery": {**query, "TableConfigurations": {TABLE: {**every, **named}}},
        }

    def do_GetExport(self, body: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC)
        status = {"StatusCode": "HEALTHY", "CreatedAt": now, "LastUpdatedAt": now}
        return {"Export": self.known(body), "ExportStatus": status}

    def do_UpdateExport(self, body: dict[str, Any]) -> dict[str, Any]:
        self.known(body)
        arn = body["ExportArn"]
        self.exports[arn] = {**self.completed(body["Export"]), "ExportArn": arn}
        return {"ExportArn": arn}

    def do_DeleteExport(self, body: dict[str, Any]) -> dict[str, Any]:
        self.known(body)
        del self.exports[body["ExportArn"]]
        return {"ExportArn": body["ExportArn"]}

    def do_ListExports(self, body: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC)
        status = {"StatusCode": "HEALTHY", "CreatedAt": now, "LastUpdatedAt": now}
        return {
            "Exports": [
                {"ExportArn": arn, "ExportName": one["Name"], "ExportStatus": status}
                for arn, one in self.exports.items()
            ]
        }

    def do_ListTagsForResource(self, body: dict[str, Any]) -> dict[str, Any]:
        tags = self.tags[body["ResourceArn"]]
        return {"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def do_TagResource(self, body: dict[str, Any]) -> dict[str, Any]:
        new = {one["Key"]: one["Value"] for one in body["ResourceTags"]}
        self.tags[body["ResourceArn"]] |= new
        return {}

    def do_UntagResource(self, body: dict[str, Any]) -> dict[str, Any]:
        for key in body["ResourceTagKeys"]:
            self.tags[body["ResourceArn"]].pop(key, None)
        return {}

    def known(self, body: dict[str, Any]) -> dict[str, Any]:
        """An export that is there."""
        if body["ExportArn"] not in self.exports:
            raise NotTaken("ResourceNotFoundException", body["ExportArn"])
        return self.exports[body["ExportArn"]]
