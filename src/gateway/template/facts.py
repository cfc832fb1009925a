"""What is known about the deployment itself, and the identifiers that follow from it.

Everything here is a pure function of the stack's name, region and account, so that a value can be referred to before
anything exists, and is the same in every run.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from gateway.template.options import LoadOptions

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_MAX_NAME = 63  # the shortest limit of any kind of resource (buckets)


@dataclass(frozen=True, slots=True)
class Facts:
    """``endpoint`` is where queue URLs point, without a trailing slash."""

    stack_name: str
    region: str
    account_id: str
    partition: str
    url_suffix: str
    endpoint: str

    def digest(self, what: str) -> bytes:
        """32 bytes that belong to this stack and ``what``."""
        return hashlib.sha256(f"{self.stack_name}/{what}".encode("utf-8", "replace")).digest()

    def identifier(self, what: str, length: int) -> str:
        """Letters and digits, as API Gateway makes its IDs; the first is a letter. ``length`` up to 32."""
        raw = self.digest(what)
        return _ALPHABET[raw[0] % 26] + "".join(_ALPHABET[byte % 36] for byte in raw[1:length])

    def uuid(self, what: str) -> str:
        """A UUID in text form."""
        text = self.digest(what)[:16].hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def name(self, logical_id: str) -> str:
        """The physical name of a resource that declares none."""
        name = f"{self.stack_name}-{logical_id}"
        return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 9]}-{self.digest(logical_id).hex()[:8]}"

    def pseudo_parameters(self) -> dict[str, str | list[str]]:
        """``AWS::Region`` and the like, ``AWS::NoValue`` excepted."""
        arn = f"arn:{self.partition}:cloudformation:{self.region}:{self.account_id}:stack/{self.stack_name}"
        return {
            "AWS::AccountId": self.account_id,
            "AWS::NotificationARNs": [],
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::StackId": f"{arn}/{self.uuid('AWS::StackId')}",
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": self.url_suffix,
        }


def facts_of(options: LoadOptions) -> Facts:
    """The facts of a deployment with these options."""
    endpoint = options.aws_endpoint_url or f"https://sqs.{options.region}.{options.url_suffix}"
    return Facts(
        stack_name=options.stack_name,
        region=options.region,
        account_id=options.account_id,
        partition=_partition(options.region),
        url_suffix=options.url_suffix,
        endpoint=endpoint.rstrip("/"),
    )


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
