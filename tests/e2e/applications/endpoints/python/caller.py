"""Posts to its client, and uses other services the way handlers do: clients made from nothing."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

Document = dict[str, Any]

HARD_CODED = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/prod"  # of no API that runs here


def handler(event: Document, context: object) -> Document:
    request, asked = event["requestContext"], json.loads(event["body"])
    match request["routeKey"]:
        case "python":
            post(request, asked["form"], asked["form"])
        case "services":
            post(request, "E1", json.dumps(services(request["connectionId"])))
        case "invoke":
            post(request, "E1", json.dumps(invoke(request)))
    return {"statusCode": 200}


def other(event: Document, context: Any) -> Document:
    """Invoked by the handler above: posts to the connection it is told of, and answers."""
    post(event["request"], "E1", "other was invoked")
    return {"name": context.function_name}


def endpoint(form: str, request: Document) -> str:
    match form:
        case "E1":
            return f"https://{request['domainName']}/{request['stage']}"
        case "E3":
            return HARD_CODED
        case _:
            return os.environ["ENDPOINT"]


def post(request: Document, form: str, text: str) -> None:
    connections = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint(form, request))
    connections.post_to_connection(ConnectionId=request["connectionId"], Data=text.encode())


def services(text: str) -> Document:
    table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
    table.put_item(Item={"id": "python", "text": text})
    queue, url = boto3.client("sqs"), os.environ["QUEUE_URL"]
    queue.send_message(QueueUrl=url, MessageBody=text)
    received = queue.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    return {
        "dynamodb": table.get_item(Key={"id": "python"}, ConsistentRead=True)["Item"]["text"],
        "sqs": [message["Body"] for message in received],
    }


def invoke(request: Document) -> Document:
    function = boto3.client("lambda")
    name, payload = os.environ["OTHER"], json.dumps({"request": request})
    answer = function.invoke(FunctionName=name, Payload=payload)
    started = function.invoke(FunctionName=name, InvocationType="Event", Payload=payload)
    return {"answer": json.loads(answer["Payload"].read()), "started": started["StatusCode"]}
