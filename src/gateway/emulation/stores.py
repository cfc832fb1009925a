"""AWS::S3::Bucket, AWS::SSM::Parameter, AWS::SecretsManager::Secret, AWS::KMS::Key.

What exists keeps its content: a parameter or secret that a person changed is not set back by a reload.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from gateway.emulation.chosen_ids import CHOSEN_ID_TAG
from gateway.emulation.made import NEW, THERE, Made, created_unless, exists, name_of, tags_of
from gateway.emulation.session import Client, Clients
from gateway.emulation.shapes import fitted, truth
from gateway.model.definition import Resource

_NO_LOCATION: Final = "us-east-1"  # CreateBucket refuses this region's own name
_CORS_NAMES: Final = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds", "Id": "ID"}


def make_bucket(clients: Clients, resource: Resource) -> Made:
    """The bucket with versioning, CORS and website settings; notifications come later."""
    s3, name, properties = clients("s3"), name_of(resource, "BucketName"), resource.properties
    there = exists(lambda: s3.head_bucket(Bucket=name), "404", "NoSuchBucket")
    if not there:
        region = clients.endpoint.region
        where = {} if region == _NO_LOCATION else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **where)
    if versioning := properties.get("VersioningConfiguration"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=dict(versioning))
    if cors := properties.get("CorsConfiguration"):
        rules = [_renamed(rule, _CORS_NAMES) for rule in cors.get("CorsRules", ())]
        s3.put_bucket_cors(**fitted(s3, "PutBucketCors", {"Bucket": name, "CORSConfiguration": {"CORSRules": rules}}))
    if website := properties.get("WebsiteConfiguration"):
        _put_website(s3, name, website)
    return THERE if there else NEW


def has_notifications(resource: Resource) -> bool:
    """Whether ``notify_from_bucket`` has anything to do."""
    return bool(resource.properties.get("NotificationConfiguration"))


def notify_from_bucket(clients: Clients, resource: Resource) -> Made:
    """Notifications to queues, topics and the event bus; functions are not called from here."""
    s3, name = clients("s3"), name_of(resource, "BucketName")
    wanted = resource.properties["NotificationConfiguration"]
    configuration: dict[str, Any] = {
        f"{target}Configurations": [_notification(each, target) for each in wanted[f"{target}Configurations"]]
        for target in ("Queue", "Topic")
        if wanted.get(f"{target}Configurations")
    }
    if "EventBridgeConfiguration" in wanted:
        configuration["EventBridgeConfiguration"] = {}
    if configuration and not _is_set(s3, name, configuration):  # setting it sends every target a test event
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)
    functions = [str(each.get("Function", "")).rpartition(":")[2] for each in wanted.get("LambdaConfigurations", ())]
    return Made(created=False, notes=tuple(f"events of bucket {name} do not reach the function {f}" for f in functions))


def make_parameter(clients: Clients, resource: Resource) -> Made:
    ssm = clients("ssm")
    values = {**resource.properties, "Name": name_of(resource, "Name"), "Tags": tags_of(resource)}
    values.setdefault("Type", "String")
    parameters = fitted(ssm, "PutParameter", values)
    return Made(created=created_unless(lambda: ssm.put_parameter(**parameters), "ParameterAlreadyExists"))


def make_secret(clients: Clients, resource: Resource) -> Made:
    """The secret under the ARN the template's references carry, where the endpoint lets one choose it."""
    secrets, arn = clients("secretsmanager"), resource.physical_id
    full_name = arn.partition(":secret:")[2]
    name = str(resource.properties.get("Name") or full_name.rpartition("-")[0] or arn)
    if exists(lambda: secrets.describe_secret(SecretId=name), "ResourceNotFoundException"):
        return THERE
    tags = tags_of(resource)
    if full_name:
        tags.append({"Key": CHOSEN_ID_TAG, "Value": full_name.rpartition("-")[2]})
    values = {**resource.properties, "Name": name, "Tags": tags, "SecretString": _secret_string(secrets, resource)}
    made = secrets.create_secret(**fitted(secrets, "CreateSecret", values))
    return Made(created=True, notes=_other_id(arn, made["ARN"]))


def make_key(clients: Clients, resource: Resource) -> Made:
    """The key under the ID the template's references carry, where the endpoint lets one choose it."""
    kms, key_id = clients("kms"), resource.physical_id
    if exists(lambda: kms.describe_key(KeyId=key_id), "NotFoundException"):
        return THERE
    tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags_of(resource)]
    values = {**resource.properties, "Tags": [*tags, {"TagKey": CHOSEN_ID_TAG, "TagValue": key_id}]}
    if "KeyPolicy" in values:
        values["Policy"] = json.dumps(values["KeyPolicy"])
    made = kms.create_key(**fitted(kms, "CreateKey", values))["KeyMetadata"]
    if truth(resource.properties.get("EnableKeyRotation")):
        kms.enable_key_rotation(KeyId=made["KeyId"])
    return Made(created=True, notes=_other_id(key_id, made["KeyId"]))


def _put_website(s3: Client, name: str, website: Mapping[str, Any]) -> None:
    configuration: dict[str, Any] = {}
    if "IndexDocument" in website:
        configuration["IndexDocument"] = {"Suffix": website["IndexDocument"]}
    if "ErrorDocument" in website:
        configuration["ErrorDocument"] = {"Key": website["ErrorDocument"]}
    if configuration:
        s3.put_bucket_website(Bucket=name, WebsiteConfiguration=configuration)


def _is_set(s3: Client, name: str, configuration: Mapping[str, Any]) -> bool:
    there = s3.get_bucket_notification_configuration(Bucket=name)
    if "EventBridgeConfiguration" in configuration and "EventBridgeConfiguration" not in there:
        return False
    return all(
        [{key: value for key, value in entry.items() if key != "Id"} for entry in there.get(kind) or ()] == entries
        for kind, entries in configuration.items()
        if kind != "EventBridgeConfiguration"
    )


def _notification(entry: Mapping[str, Any], target: str) -> dict[str, Any]:
    notification: dict[str, Any] = {f"{target}Arn": entry[target], "Events": [str(entry["Event"])]}
    rules = ((entry.get("Filter") or {}).get("S3Key") or {}).get("Rules")
    if rules:
        notification["Filter"] = {
            "Key": {"FilterRules": [{"Name": str(rule["Name"]).lower(), "Value": rule["Value"]} for rule in rules]}
        }
    return notification


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in values.items()}


def _secret_string(secrets: Client, resource: Resource) -> str:
    properties = resource.properties
    generate = properties.get("GenerateSecretString")
    if generate is None:
        return str(properties.get("SecretString", ""))
    options = fitted(secrets, "GetRandomPassword", generate)
    password: str = secrets.get_random_password(**options)["RandomPassword"]
    key = generate.get("GenerateStringKey")
    if not key:
        return password
    return json.dumps({**json.loads(generate.get("SecretStringTemplate") or "{}"), key: password})


def _other_id(wanted: str, got: str) -> tuple[str, ...]:
    if wanted == got:
        return ()
    return (f"this endpoint chose the ID {got}; the template's references say {wanted}",)
