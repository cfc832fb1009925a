"""A route that leaves its message in a queue or a table, and the functions these call."""

import os
from typing import Any

import boto3

connections = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["ENDPOINT"])


def asked(event: dict[str, Any], context: object) -> dict[str, int]:
    connection, number = event["requestContext"]["connectionId"], event["requestContext"]["requestId"]
    if event["requestContext"]["routeKey"] == "queue":
        attribute = {"DataType": "String", "StringValue": connection}
        boto3.client("sqs").send_message(
            QueueUrl=os.environ["QUEUE_URL"],
            MessageBody=event["body"],
            MessageGroupId=connection,
            MessageDeduplicationId=number,
            MessageAttributes={"connection": attribute},
        )
    else:
        item = {"id": number, "connection": connection, "body": event["body"]}
        boto3.resource("dynamodb").Table(os.environ["TABLE"]).put_item(Item=item)
    return {"statusCode": 200}


def from_queue(event: dict[str, Any], context: object) -> None:
    for record in event["Records"]:
        connection = record["messageAttributes"]["connection"]["stringValue"]
        connections.post_to_connection(ConnectionId=connection, Data=f"queue {record['body']}")


def from_table(event: dict[str, Any], context: object) -> None:
    for record in event["Records"]:
        item = record["dynamodb"]["NewImage"]
        connections.post_to_connection(ConnectionId=item["connection"]["S"], Data=f"table {item['body']['S']}")
