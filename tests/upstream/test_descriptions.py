from __future__ import annotations

import pytest

from gateway.model.integration import ServiceTarget
from gateway.upstream.descriptions import Descriptions, UnknownService
from gateway.upstream.service_names import DESCRIPTIONS


@pytest.fixture(scope="module")
def descriptions() -> Descriptions:
    return Descriptions()


@pytest.mark.parametrize(
    ("target", "region", "signing_name", "host"),
    [
        (ServiceTarget("", "dynamodb", action="PutItem"), "eu-west-1", "dynamodb", "dynamodb.eu-west-1.amazonaws.com"),
        (ServiceTarget("", "states", path="x"), "cn-north-1", "states", "states.cn-north-1.amazonaws.com.cn"),
        (ServiceTarget("", "stepfunctions", path="x"), "us-east-1", "states", "states.us-east-1.amazonaws.com"),
        (ServiceTarget("", "email", action="SendEmail"), "us-east-1", "ses", "email.us-east-1.amazonaws.com"),
        (ServiceTarget("", "email", action="ListContacts"), "us-east-1", "ses", "email.us-east-1.amazonaws.com"),
        (ServiceTarget("", "email", path="v2"), "us-east-1", "ses", "email.us-east-1.amazonaws.com"),
        (
            ServiceTarget("", "sagemaker", path="endpoints/e/invocations", subdomain="runtime"),
            "us-east-1", "sagemaker", "runtime.sagemaker.us-east-1.amazonaws.com",
        ),
        (
            ServiceTarget("", "iot", path="topics/t", subdomain="data-ats"),
            "us-east-1", "iotdata", "data-ats.iot.us-east-1.amazonaws.com",
        ),
        (ServiceTarget("", "s3", path="k", subdomain="bucket"), "us-east-1", "s3", "bucket.s3.us-east-1.amazonaws.com"),
        (ServiceTarget("", "unheard-of", path="x"), "us-east-1", "unheard-of", "unheard-of.us-east-1.amazonaws.com"),
    ],
)  # fmt: skip
def test_where_a_service_is(
    descriptions: Descriptions, target: ServiceTarget, region: str, signing_name: str, host: str
) -> None:
    found = descriptions.find(target, region)
    assert (found.signing_name, found.region, found.host) == (signing_name, region, host)
    assert (found.operation is not None) == (target.action is not None)


def test_a_service_without_regions_signs_for_its_own(descriptions: Descriptions) -> None:
    found = descriptions.find(ServiceTarget("", "iam", action="ListUsers"), "us-west-2")
    assert (found.host, found.region) == ("iam.amazonaws.com", "us-east-1")


@pytest.mark.parametrize(
    ("target", "region", "why"),
    [
        (ServiceTarget("", "sqs", action="Send"), "us-east-1", "sqs has no action Send"),
        (ServiceTarget("", "sqz", action="SendMessage"), "us-east-1", "there is no AWS service sqz"),
        (ServiceTarget("", "sqs", path="x"), "us-east", "there is no AWS region 'us-east'"),
    ],
)
def test_what_aws_does_not_have(descriptions: Descriptions, target: ServiceTarget, region: str, why: str) -> None:
    with pytest.raises(UnknownService, match=f"^{why}$"):
        descriptions.find(target, region)


@pytest.mark.parametrize("name", ["states", "monitoring", "email", "runtime.sagemaker", "api.ecr", "es", "rds"])
def test_hosts_and_descriptions_agree(descriptions: Descriptions, name: str) -> None:
    for described in DESCRIPTIONS[name]:
        found = descriptions.find(ServiceTarget("", described, path="x"), "us-east-1")
        assert found.host.startswith(f"{name}.us-east-1.")
