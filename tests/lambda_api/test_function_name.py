"""The forms of a function's name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lambda_api.function_name import FunctionReference, parse
from gateway.model.ids import FunctionName

ARN = "arn:aws:lambda:us-west-2:123456789012:function:chat-Join_1"
JOIN = FunctionName("chat-Join_1")


@pytest.mark.parametrize(
    ("text", "qualifier", "name", "chosen"),
    [
        ("chat-Join_1", None, JOIN, None),
        ("chat-Join_1:live", None, JOIN, "live"),
        ("chat-Join_1", "live", JOIN, "live"),
        ("chat-Join_1:live", "live", JOIN, "live"),
        ("chat-Join_1:7", None, JOIN, "7"),
        ("chat-Join_1:$LATEST", None, JOIN, None),
        ("chat-Join_1", "$LATEST", JOIN, None),
        ("chat-Join_1", "", JOIN, None),
        (ARN, None, JOIN, None),
        (f"{ARN}:live", None, JOIN, "live"),
        (f"{ARN}:$LATEST", None, JOIN, None),
        (ARN.replace("aws", "aws-us-gov").replace("us-west-2", "us-gov-west-1"), None, JOIN, None),
        ("123456789012:function:chat-Join_1", None, JOIN, None),
        ("123456789012:function:chat-Join_1:live", None, JOIN, "live"),
        ("123456789012:chat-Join_1", None, JOIN, None),
        ("us-west-2:123456789012:function:chat-Join_1", None, JOIN, None),
        ("function:chat-Join_1", None, JOIN, None),
        ("function", None, "function", None),
        ("x" * 64, None, "x" * 64, None),
    ],
)
def test_what_is_a_function(text: str, qualifier: str | None, name: str, chosen: str | None) -> None:
    assert parse(text, qualifier) == FunctionReference(FunctionName(name), chosen)


@pytest.mark.parametrize(
    ("text", "qualifier"),
    [
        ("", None),
        ("a b", None),
        ("a.b", None),
        ("ü", None),
        ("a:", None),
        ("a:b:c", None),
        ("a:live", "other"),
        ("a", "b c"),
        ("a", "v" * 129),
        ("a:live", "$LATEST"),
        ("arn:aws:sns:us-west-2:123456789012:topic", None),
        ("x" * 65, None),
        (ARN + ":" + "v" * 256, None),
        ("a\n", None),
    ],
)
def test_what_is_not(text: str, qualifier: str | None) -> None:
    assert parse(text, qualifier) is None


def test_texts_of_a_reference() -> None:
    latest, live = FunctionReference(JOIN), FunctionReference(JOIN, "live")
    assert (latest.executed_version, live.executed_version) == ("$LATEST", "live")
    assert latest.arn("us-west-2", "123456789012") == ARN
    assert live.arn("us-west-2", "123456789012") == f"{ARN}:live"


@given(st.text() | st.text(alphabet="arn:wslambd-function12$LATEST", max_size=80), st.none() | st.text(max_size=8))
def test_any_text_is_a_function_or_not(text: str, qualifier: str | None) -> None:
    reference = parse(text, qualifier)
    if reference is not None:
        assert parse(reference.arn("us-east-1", "123456789012"), None) == reference
