"""AWS::DynamoDB::Table and GlobalTable.

Left out because nothing here can tell the difference: backups, encryption, contributor insights, replicas, imports.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.emulation.made import NEW, THERE, Made, created_unless, exists, name_of, tags_of
from gateway.emulation.session import Client, Clients
from gateway.emulation.shapes import fitted, truth
from gateway.model.definition import Resource

# Properties whose names CreateTable knows too.
_SAME: Final = (
    "AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "GlobalSecondaryIndexes", "KeySchema",
    "LocalSecondaryIndexes", "OnDemandThroughput", "ProvisionedThroughput", "TableClass",
)  # fmt: skip
_WAIT: Final = {"Delay": 1, "MaxAttempts": 30}


def make_table(clients: Clients, resource: Resource) -> Made:
    """The table with its indexes, stream and time to live; an existing one gets the indexes it lacks."""
    dynamodb, name = clients("dynamodb"), name_of(resource, "TableName")
    if exists(lambda: dynamodb.describe_table(TableName=name), "ResourceNotFoundException"):
        return _grow(dynamodb, resource, name)
    if not created_unless(lambda: dynamodb.create_table(**_parameters(dynamodb, resource)), "ResourceInUseException"):
        return THERE
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig=_WAIT)
    ttl = resource.properties.get("TimeToLiveSpecification") or {}
    if truth(ttl.get("Enabled")) and ttl.get("AttributeName"):
        dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": str(ttl["AttributeName"])}
        )
    return NEW


def _parameters(dynamodb: Client, resource: Resource) -> dict[str, Any]:
    properties = resource.properties
    values: dict[str, Any] = {key: properties[key] for key in _SAME if key in properties}
    values["TableName"] = name_of(resource, "TableName")
    if "ProvisionedThroughput" not in values or resource.type == "AWS::DynamoDB::GlobalTable":
        values["BillingMode"] = "PAY_PER_REQUEST"  # throughput is not limited here, and a global table names none
        values.pop("ProvisionedThroughput", None)
    stream = properties.get("StreamSpecification")
    if stream:
        values["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream.get("StreamViewType")}
    if tags := tags_of(resource):
        values["Tags"] = tags
    return fitted(dynamodb, "CreateTable", values)


def _grow(dynamodb: Client, resource: Resource, name: str) -> Made:
    there = dynamodb.describe_table(TableName=name)["Table"]
    wanted = _parameters(dynamodb, resource)
    if _keys(there) != _keys(wanted):
        return Made(created=False, notes=(f"the table {name} exists with other keys and is used as it is",))
    known = {index["IndexName"] for index in there.get("GlobalSecondaryIndexes", ())}
    missing = [index for index in wanted.get("GlobalSecondaryIndexes", ()) if index["IndexName"] not in known]
    for index in missing:
        dynamodb.update_table(
            TableName=name,
            AttributeDefinitions=wanted["AttributeDefinitions"],
            GlobalSecondaryIndexUpdates=[{"Create": index}],
        )
    return Made(created=False, notes=tuple(f"the table {name} got its new index {i['IndexName']}" for i in missing))


def _keys(table: dict[str, Any]) -> set[tuple[str, str]]:
    return {(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]}
