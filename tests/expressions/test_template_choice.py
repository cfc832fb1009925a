"""Which template a request or response gets, by table."""

from __future__ import annotations

import pytest

from gateway.expressions.selection import RESPONSE_TEMPLATE, TEMPLATE, Root, Variable
from gateway.expressions.template_choice import body_resolver, compile_choice
from gateway.model.errors import ExpressionError

BODY = '{"kind": "a", "n": 1}'


@pytest.mark.parity("P-155", "P-277")
@pytest.mark.parametrize(
    ("keys", "expression", "body", "chosen"),
    [
        (["a", "$default"], "${request.body.kind}", BODY, "a"),
        (["b", "$default"], "${request.body.kind}", BODY, "$default"),
        (["b"], "${request.body.kind}", BODY, None),
        (["b", "application/json"], "${request.body.kind}", BODY, None),
        (["1"], "$request.body.n", BODY, "1"),
        (["x"], "x", "", "x"),
        (["200"], "200", "not JSON", "200"),
        (["$default"], r"\$default", "", "$default"),
        (["application/json"], r"\$default", "", "application/json"),
        (["application/json"], None, BODY, "application/json"),
        (["$default", "application/json"], None, BODY, "$default"),
        (["a"], None, BODY, None),
        ([""], "${request.body.kind}", "not JSON", ""),
        ([], "${request.body.kind}", BODY, None),
    ],
)
def test_choice(keys: list[str], expression: str | None, body: str, chosen: str | None) -> None:
    choice = compile_choice({key: key for key in keys}, expression, TEMPLATE, "Post RequestTemplates")
    template = choice.choose(body_resolver(body))
    assert (None if template is None else template.name) == (
        None if chosen is None else f"Post RequestTemplates {chosen}"
    )


@pytest.mark.parity("P-157")
def test_an_answer_chooses_by_status_and_headers() -> None:
    def resolve(variable: Variable) -> str:
        return {Root.INTEGRATION_STATUS: "404", Root.INTEGRATION_HEADER: f"<{variable.name}>"}[variable.root]

    expression = "${integration.response.statuscode}-${integration.response.header.X-Kind}"
    choice = compile_choice({"404-<X-Kind>": "t"}, expression, RESPONSE_TEMPLATE, "")
    assert choice.choose(resolve) is not None


@pytest.mark.parametrize("expression", ["$integration.response.statuscode.x", "$integration.response.header", "$"])
def test_what_no_answer_can_be_chosen_by_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        compile_choice({}, expression, RESPONSE_TEMPLATE, "")
