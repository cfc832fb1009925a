"""Resources of a template, created at the embedded AWS and looked at with boto3."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import pytest

from gateway.emulation.resources import CREATED_TYPES, Creation, ResourceCreator
from gateway.model.aws import AwsEndpoint
from gateway.model.definition import Resource
from gateway.model.errors import UserError
from gateway.template.resources import CREATED
from served_aws import ACCOUNT, REGION, Served

HASH = [{"AttributeName": "id", "KeyType": "HASH"}]
ID = {"AttributeName": "id", "AttributeType": "S"}


@pytest.fixture
async def creator(aws: Served) -> AsyncIterator[ResourceCreator]:
    made = ResourceCreator(aws.endpoint)
    yield made
    await made.close()


def fresh(prefix: str) -> str:
    return f"{prefix}-{uuid4().hex[:10]}"


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def table(name: str, **properties: Any) -> Resource:
    values = {"KeySchema": HASH, "AttributeDefinitions": [ID], "BillingMode": "PAY_PER_REQUEST", **properties}
    return Resource("Table", "AWS::DynamoDB::Table", name, values)


def queue(name: str, logical_id: str = "Queue", **properties: Any) -> Resource:
    return Resource(logical_id, "AWS::SQS::Queue", f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}", properties)


def topic(name: str, **properties: Any) -> Resource:
    return Resource("Topic", "AWS::SNS::Topic", arn("sns", name), properties)


def index(name: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": "room", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }


def ids(resources: tuple[Resource, ...]) -> list[str]:
    return [resource.logical_id for resource in resources]


def queue_attributes(aws: Served, name: str) -> Mapping[str, str]:
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    attributes: Mapping[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return attributes


def messages(aws: Served, name: str) -> list[str]:
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return [m["Body"] for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]


async def once_and_again(creator: ResourceCreator, *resources: Resource) -> Creation:
    """Creates twice: the second time nothing is new and nothing fails."""
    first = await creator.create(resources)
    assert first.failures == ()
    assert set(ids(first.created)) == {resource.logical_id for resource in resources}
    again = await creator.create(resources)
    assert again.failures == ()
    assert again.created == ()
    assert set(ids(again.existing)) == {resource.logical_id for resource in resources}
    return first


def test_what_the_template_promises_is_what_is_created() -> None:
    assert CREATED <= CREATED_TYPES


async def test_a_table_with_everything(aws: Served, creator: ResourceCreator) -> None:
    name = fresh("table")
    await once_and_again(
        creator,
        table(
            name,
            AttributeDefinitions=[
                ID,
                {"AttributeName": "at", "AttributeType": "N"},
                {"AttributeName": "room", "AttributeType": "S"},
            ],
            KeySchema=[*HASH, {"AttributeName": "at", "KeyType": "RANGE"}],
            BillingMode="PROVISIONED",
            ProvisionedThroughput={"ReadCapacityUnits": "5", "WriteCapacityUnits": "6"},
            GlobalSecondaryIndexes=[
                {**index("by-room"), "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}
            ],
            LocalSecondaryIndexes=[
                {
                    "IndexName": "local",
                    "KeySchema": [*HASH, {"AttributeName": "room", "KeyType": "RANGE"}],
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
                }
            ],
            StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"},
            TimeToLiveSpecification={"AttributeName": "expires", "Enabled": "true"},
            SSESpecification={"SSEEnabled": True},
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            Tags=[{"Key": "team", "Value": 7}],
        ),
    )
    dynamodb = aws.client("dynamodb")
    there = dynamodb.describe_table(TableName=name)["Table"]
    assert [key["AttributeName"] for key in there["KeySchema"]] == ["id", "at"]
    assert there["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    assert [i["IndexName"] for i in there["GlobalSecondaryIndexes"]] == ["by-room"]
    assert there["LocalSecondaryIndexes"][0]["Projection"]["NonKeyAttributes"] == ["x"]
    assert there["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert dynamodb.list_tags_of_resource(ResourceArn=there["TableArn"])["Tags"] == [{"Key": "team", "Value": "7"}]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


async def test_a_table_is_named_by_its_property_or_else_by_its_reference(aws: Served, creator: ResourceCreator) -> None:
    name, referred = fresh("named"), fresh("referred")
    await once_and_again(creator, table("ignored", TableName=name))
    await once_and_again(creator, table(referred))
    assert {name, referred} <= set(aws.client("dynamodb").list_tables()["TableNames"])


async def test_a_global_table_is_a_table_here(aws: Served, creator: ResourceCreator) -> None:
    name = fresh("global")
    properties = {
        "AttributeDefinitions": [ID],
        "KeySchema": HASH,
        "Replicas": [{"Region": REGION}, {"Region": "us-east-1"}],
        "WriteProvisionedThroughputSettings": {"WriteCapacityAutoScalingSettings": {"MinCapacity": 1}},
    }
    await once_and_again(creator, Resource("Table", "AWS::DynamoDB::GlobalTable", name, properties))
    billing = aws.client("dynamodb").describe_table(TableName=name)["Table"]["BillingModeSummary"]["BillingMode"]
    assert billing == "PAY_PER_REQUEST"


async def test_an_existing_table_gets_its_new_index_and_keeps_its_items(aws: Served, creator: ResourceCreator) -> None:
    name = fresh("grown")
    await creator.create([table(name)])
    dynamodb = aws.client("dynamodb")
    dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}, "room": {"S": "r"}})
    attributes = [ID, {"AttributeName": "room", "AttributeType": "S"}]
    grown = table(name, AttributeDefinitions=attributes, GlobalSecondaryIndexes=[index("by-room")])
    made = await creator.create([grown])
    assert [note.message for note in made.notes] == [f"the table {name} got its new index by-room"]
    found = dynamodb.query(
        TableName=name,
        IndexName="by-room",
        KeyConditionExpression="room = :r",
        ExpressionAttributeValues={":r": {"S": "r"}},
    )
    assert found["Count"] == 1
    assert (await creator.create([grown])).notes == ()


async def test_an_existing_table_with_other_keys_is_left_alone_and_named(creator: ResourceCreator) -> None:
    name = fresh("other-keys")
    await creator.create([table(name)])
    other = table(
        name,
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    made = await creator.create([other])
    assert [str(note) for note in made.notes] == [
        f"Table: the table {name} exists with other keys and is used as it is"
    ]


async def test_a_queue_and_its_dead_letter_queue_in_any_order(aws: Served, creator: ResourceCreator) -> None:
    name, dead = fresh("queue"), fresh("dead")
    redrive = {"deadLetterTargetArn": arn("sqs", dead), "maxReceiveCount": 3}
    first = queue(
        name,
        VisibilityTimeout="60",
        DelaySeconds=0,
        RedrivePolicy=redrive,
        Tags=[{"Key": "a", "Value": "b"}],
    )
    await once_and_again(creator, first, queue(dead, "Dead"))
    attributes = queue_attributes(aws, name)
    assert attributes["VisibilityTimeout"] == "60"
    assert json.loads(attributes["RedrivePolicy"]) == redrive


async def test_fifo_queues_and_topics(aws: Served, creator: ResourceCreator) -> None:
    name, news, plain = fresh("q") + ".fifo", fresh("t") + ".fifo", fresh("plain")
    await once_and_again(
        creator,
        queue(name, FifoQueue="true", ContentBasedDeduplication=True),
        queue(plain, "Plain", FifoQueue=False),
        topic(news, FifoTopic=True, ContentBasedDeduplication="true"),
    )
    assert queue_attributes(aws, name)["FifoQueue"] == "true"
    assert "FifoQueue" not in queue_attributes(aws, plain)
    attributes = aws.client("sns").get_topic_attributes(TopicArn=arn("sns", news))["Attributes"]
    assert attributes["FifoTopic"] == "true"


async def test_a_changed_attribute_reaches_an_existing_queue(aws: Served, creator: ResourceCreator) -> None:
    name = fresh("changed")
    await creator.create([queue(name, VisibilityTimeout=30)])
    await creator.create([queue(name, VisibilityTimeout=45)])
    assert queue_attributes(aws, name)["VisibilityTimeout"] == "45"


async def test_topics_reach_queues_by_either_kind_of_subscription(aws: Served, creator: ResourceCreator) -> None:
    listed, filtered, news = fresh("listed"), fresh("filtered"), fresh("news")
    subscription = Resource(
        "Subscription",
        "AWS::SNS::Subscription",
        "whatever",
        {
            "TopicArn": arn("sns", news),
            "Protocol": "sqs",
            "Endpoint": arn("sqs", filtered),
            "RawMessageDelivery": "true",
            "FilterPolicy": {"kind": ["wanted"]},
        },
    )
    await once_and_again(
        creator,
        subscription,
        topic(news, DisplayName="News", Subscription=[{"Protocol": "sqs", "Endpoint": arn("sqs", listed)}]),
        queue(listed, "Listed"),
        queue(filtered, "Filtered"),
    )
    sns = aws.client("sns")
    sns.publish(TopicArn=arn("sns", news), Message="unwanted")
    kind = {"kind": {"DataType": "String", "StringValue": "wanted"}}
    sns.publish(TopicArn=arn("sns", news), Message="wanted", MessageAttributes=kind)
    assert messages(aws, filtered) == ["wanted"]
    assert sorted(json.loads(body)["Message"] for body in messages(aws, listed)) == ["unwanted", "wanted"]


async def test_what_would_call_a_function_is_said_not_to(creator: ResourceCreator) -> None:
    function = arn("lambda", "function:Worker")
    news, bucket = fresh("news"), fresh("bucket")
    notifications = {"LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": function}]}
    made = await creator.create(
        [
            topic(news, Subscription=[{"Protocol": "lambda", "Endpoint": function}]),
            Resource("Bucket", "AWS::S3::Bucket", bucket, {"NotificationConfiguration": notifications}),
        ]
    )
    assert made.failures == ()
    assert sorted(str(note) for note in made.notes) == [
        f"Bucket: events of bucket {bucket} do not reach the function Worker",
        f"Topic: messages of {news} do not reach the function Worker here",
    ]


async def test_a_bucket_with_everything(aws: Served, creator: ResourceCreator) -> None:
    name, target = fresh("bucket"), fresh("events")
    properties = {
        "VersioningConfiguration": {"Status": "Enabled"},
        "CorsConfiguration": {
            "CorsRules": [
                {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposedHeaders": ["ETag"], "MaxAge": "60"}
            ]
        },
        "WebsiteConfiguration": {"IndexDocument": "index.html", "ErrorDocument": "error.html"},
        "NotificationConfiguration": {
            "QueueConfigurations": [
                {
                    "Event": "s3:ObjectCreated:*",
                    "Queue": arn("sqs", target),
                    "Filter": {"S3Key": {"Rules": [{"Name": "Prefix", "Value": "in-"}]}},
                }
            ]
        },
        "BucketEncryption": {"ServerSideEncryptionConfiguration": []},
    }
    await once_and_again(creator, Resource("Bucket", "AWS::S3::Bucket", name, properties), queue(target))
    s3 = aws.client("s3")
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == REGION
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    rule = s3.get_bucket_cors(Bucket=name)["CORSRules"][0]
    assert (rule["ExposeHeaders"], rule["MaxAgeSeconds"]) == (["ETag"], 60)
    assert s3.get_bucket_website(Bucket=name)["IndexDocument"] == {"Suffix": "index.html"}
    s3.put_object(Bucket=name, Key="out-1", Body=b"")
    s3.put_object(Bucket=name, Key="in-1", Body=b"")
    bodies = [json.loads(body) for body in messages(aws, target)]
    assert [body.get("Event") for body in bodies].count("s3:TestEvent") == 1, "not again for the second creation"
    assert [r["s3"]["object"]["key"] for body in bodies for r in body.get("Records", ())] == ["in-1"]


async def test_a_bucket_in_the_region_without_a_location(aws: Served) -> None:
    creator = ResourceCreator(AwsEndpoint(aws.endpoint.url, "us-east-1"))
    await once_and_again(creator, Resource("Bucket", "AWS::S3::Bucket", fresh("classic"), {}))
    await creator.close()


async def test_a_parameter_keeps_what_somebody_changed(aws: Served, creator: ResourceCreator) -> None:
    name = f"/app/{fresh('parameter')}"
    properties = {"Type": "String", "Value": 5, "Description": "d", "Tags": {"a": "b"}}
    await once_and_again(creator, Resource("Parameter", "AWS::SSM::Parameter", name, properties))
    ssm = aws.client("ssm")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "5"
    ssm.put_parameter(Name=name, Value="changed", Overwrite=True)
    await creator.create([Resource("Parameter", "AWS::SSM::Parameter", name, properties)])
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "changed"


async def test_a_secret_is_found_by_the_arn_the_template_gave_it(aws: Served, creator: ResourceCreator) -> None:
    name = fresh("secret")
    secret_arn = arn("secretsmanager", f"secret:{name}-a1B2c3")
    made = await once_and_again(
        creator, Resource("Secret", "AWS::SecretsManager::Secret", secret_arn, {"SecretString": "s3cret"})
    )
    assert made.notes == ()
    secrets = aws.client("secretsmanager")
    for secret_id in (name, secret_arn):
        assert secrets.get_secret_value(SecretId=secret_id)["SecretString"] == "s3cret"


@pytest.mark.parametrize("template", ['{"user": "me"}', None])
async def test_a_secret_is_made_up_as_asked(aws: Served, creator: ResourceCreator, template: str | None) -> None:
    name = fresh("generated")
    generate: dict[str, Any] = {"PasswordLength": "20", "ExcludePunctuation": "true", "ExcludeCharacters": "abc"}
    if template is not None:
        generate |= {"SecretStringTemplate": template, "GenerateStringKey": "password"}
    properties = {"Name": name, "GenerateSecretString": generate}
    secret_arn = arn("secretsmanager", f"secret:{name}-a1B2c3")
    await once_and_again(creator, Resource("Secret", "AWS::SecretsManager::Secret", secret_arn, properties))
    value = aws.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    password = value if template is None else json.loads(value)["password"]
    assert template is None or json.loads(value)["user"] == "me"
    assert len(password) == 20 and password.isalnum() and not set(password) & set("abc")


async def test_a_key_is_found_by_the_id_the_template_gave_it(aws: Served, creator: ResourceCreator) -> None:
    key_id = str(uuid4())
    properties = {
        "Description": "for tests",
        "EnableKeyRotation": "true",
        "KeyPolicy": {"Version": "2012-10-17", "Statement": []},
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    made = await once_and_again(creator, Resource("Key", "AWS::KMS::Key", key_id, properties))
    assert made.notes == ()
    kms = aws.client("kms")
    for name in (key_id, arn("kms", f"key/{key_id}")):
        box = kms.encrypt(KeyId=name, Plaintext=b"plain")
        assert box["KeyId"] == arn("kms", f"key/{key_id}")
        assert kms.decrypt(CiphertextBlob=box["CiphertextBlob"])["Plaintext"] == b"plain"
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is True
    assert {"TagKey": "a", "TagValue": "b"} in kms.list_resource_tags(KeyId=key_id)["Tags"]


async def test_an_endpoint_that_chooses_ids_itself_is_noted(moto_url: str) -> None:
    creator = ResourceCreator(AwsEndpoint(moto_url, REGION))
    made = await creator.create([Resource("Key", "AWS::KMS::Key", str(uuid4()), {})])
    await creator.close()
    assert len(made.notes) == 1
    assert "chose the ID" in made.notes[0].message


async def test_buses_streams_and_log_groups(aws: Served, creator: ResourceCreator) -> None:
    bus, stream, on_demand, group = fresh("bus"), fresh("stream"), fresh("demand"), f"/aws/{fresh('group')}"
    await once_and_again(
        creator,
        Resource("Bus", "AWS::Events::EventBus", bus, {"Name": bus, "Tags": [{"Key": "a", "Value": "b"}]}),
        Resource("Stream", "AWS::Kinesis::Stream", stream, {"ShardCount": "2", "RetentionPeriodHours": 24}),
        Resource("Demand", "AWS::Kinesis::Stream", on_demand, {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}),
        Resource("Group", "AWS::Logs::LogGroup", group, {"RetentionInDays": "7"}),
    )
    assert aws.client("events").describe_event_bus(Name=bus)["Name"] == bus
    kinesis = aws.client("kinesis")
    assert kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["OpenShardCount"] == 2
    mode = kinesis.describe_stream_summary(StreamName=on_demand)["StreamDescriptionSummary"]["StreamModeDetails"]
    assert mode["StreamMode"] == "ON_DEMAND"
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert groups[0]["retentionInDays"] == 7


async def test_failures_name_resource_type_and_reason_in_one_line_and_stop_nothing(creator: ResourceCreator) -> None:
    good = fresh("good")
    made = await creator.create(
        [
            Resource("NoKeys", "AWS::DynamoDB::Table", fresh("t"), {"KeySchema": "text"}),
            Resource("Odd", "AWS::DynamoDB::Table", fresh("t"), {"TimeToLiveSpecification": 5, "Tags": [5]}),
            Resource("TooLong", "AWS::SQS::Queue", f"https://x/1/{'x' * 81}", {"RedrivePolicy": {}}),
            Resource("Lost", "AWS::SNS::Subscription", "x", {"Protocol": "sqs", "TopicArn": arn("sns", "nowhere")}),
            queue(good),
        ]
    )
    assert ids(made.created) == ["Queue"]
    told = {str(failure).partition(":")[0]: str(failure) for failure in made.failures}
    assert set(told) == {"NoKeys", "Odd", "TooLong", "Lost"}
    assert told["NoKeys"].startswith("NoKeys: AWS::DynamoDB::Table could not be created: Parameter validation failed")
    assert "make no sense" in told["Odd"]
    assert "1 to 80 in length" in told["TooLong"]
    assert "AWS::SNS::Subscription could not be created" in told["Lost"]
    assert not any("\n" in line for line in told.values())


async def test_types_nobody_creates_are_handed_back(creator: ResourceCreator) -> None:
    unknown = Resource("Cluster", "AWS::ECS::Cluster", "c", {})
    made = await creator.create([unknown])
    assert made == Creation(unknown=(unknown,))


async def test_nothing_to_create_asks_nobody() -> None:
    creator = ResourceCreator(AwsEndpoint("http://127.0.0.1:9", REGION))
    assert await creator.create([]) == Creation()
    await creator.close()


async def test_an_endpoint_where_nobody_answers_is_one_clear_error() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        creator = ResourceCreator(AwsEndpoint(f"http://127.0.0.1:{held.getsockname()[1]}", REGION))
        with pytest.raises(UserError, match=r"no AWS endpoint answers at http://127\.0\.0\.1") as caught:
            await creator.create([table("a"), queue("b"), topic("c")])
        await creator.close()
    assert "--endpoint-url" in caught.value.hint


async def test_the_surroundings_have_no_say(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_PROFILE": "does-not-exist",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "AKIAREALLYREAL",
        "AWS_DEFAULT_REGION": "us-west-2",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    creator, name = ResourceCreator(aws.endpoint), fresh("hermetic")
    await once_and_again(creator, table(name))
    await creator.close()


def state_machine(name: str, **properties: Any) -> Resource:
    values = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", **properties}
    return Resource("Machine", "AWS::StepFunctions::StateMachine", arn("states", f"stateMachine:{name}"), values)


def pass_state(result: str) -> dict[str, Any]:
    return {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": result, "End": True}}}


async def test_a_state_machine(aws: Served, creator: ResourceCreator) -> None:
    name = fresh("machine")
    made = state_machine(
        name,
        DefinitionString=json.dumps(pass_state("${who}-${other}-${n}")),
        DefinitionSubstitutions={"who": "ann", "n": 3},
        StateMachineType="EXPRESS",
        Tags=[{"Key": "team", "Value": "a"}],
    )
    await once_and_again(creator, made)
    sfn = aws.client("stepfunctions")
    there = sfn.describe_state_machine(stateMachineArn=made.physical_id)
    assert (there["name"], there["type"]) == (name, "EXPRESS")
    assert json.loads(there["definition"]) == pass_state("ann-${other}-3")
    tags = sfn.list_tags_for_resource(resourceArn=made.physical_id)["tags"]
    assert tags == [{"key": "team", "value": "a"}]


async def test_a_changed_state_machine_is_updated_but_keeps_its_type(aws: Served, creator: ResourceCreator) -> None:
    name = fresh("machine")
    await creator.create([state_machine(name, Definition=pass_state("old"))])
    changed = state_machine(name, Definition=pass_state("new"), StateMachineType="EXPRESS")
    creation = await creator.create([changed])
    assert ids(creation.existing) == ["Machine"]
    assert [note.message for note in creation.notes] == [f"the state machine {name} exists as STANDARD and stays so"]
    there = aws.client("stepfunctions").describe_state_machine(stateMachineArn=changed.physical_id)
    assert json.loads(there["definition"]) == pass_state("new")


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({}, "neither DefinitionString nor Definition"),
        ({"DefinitionString": '{"StartAt": "A"}'}, "could not be created"),
    ],
)
async def test_a_definition_that_is_none(creator: ResourceCreator, properties: dict[str, Any], why: str) -> None:
    (failure,) = (await creator.create([state_machine(fresh("machine"), **properties)])).failures
    assert why in failure.message
