"""Cost allocation tags of Cost Explorer, which moto lacks: requests and answers are held to its model."""

from __future__ import annotations

from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from tests.infra.data_exports import DataExports, NotTaken

#: What stands before the action in a request's target.
TARGET = "AWSInsightsIndexService"

#: Tags on a page, few so that there are several pages.
PAGE = 3


class AllocationTags:
    """The cost allocation tags of an account; a key is known once it was told the state of."""

    def __init__(self) -> None:
        self.model = ServiceModel(Loader().load_service_model("ce", "service-2"), "ce")
        self.states: dict[str, str] = {}

    def call(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one request."""
        handler = getattr(self, f"do_{action}", None)
        if action not in self.model.operation_names or handler is None:
            raise NotTaken("UnknownOperationException", f"{action} is not simulated")
        operation = self.model.operation_model(action)
        DataExports.hold(body, operation.input_shape, "ValidationException")
        answer: dict[str, Any] = handler(body)
        DataExports.hold(answer, operation.output_shape, "InternalServerException")
        return answer

    def do_UpdateCostAllocationTagsStatus(self, body: dict[str, Any]) -> dict[str, Any]:
        self.states |= {one["TagKey"]: one["Status"] for one in body["CostAllocationTagsStatus"]}
        return {"Errors": []}

    def do_ListCostAllocationTags(self, body: dict[str, Any]) -> dict[str, Any]:
        start = int(body.get("NextToken", "0"))
        tags = [
            {"TagKey": key, "Type": kind_of(key), "Status": state}
            for key, state in sorted(self.states.items())
        ]
        more = {"NextToken": str(start + PAGE)} if len(tags) > start + PAGE else {}
        return {"CostAllocationTags": tags[start : start + PAGE], **more}


def kind_of(key: str) -> str:
    """Whose a tag is, by its key."""
    return "AWSGenerated" if key.startswith("aws:") else "UserDefined"
