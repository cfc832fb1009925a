from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions_of_laptop import function
from gateway.invoke.env_vars import EnvVars, parse_env_vars
from gateway.model.errors import UserError

CHAT = function(logical_id="Chat")  # its name is app-Chat
OTHER = function(logical_id="Other")


def parse(document: object) -> EnvVars:
    return parse_env_vars(json.dumps(document), "env.json")


def test_a_function_s_own_section_wins() -> None:
    found = parse({"Parameters": {"A": "all", "B": "all"}, "app-Chat": {"B": "name", "C": "name"}, "Chat": {"C": "id"}})
    assert found.of(CHAT) == {"A": "all", "B": "name", "C": "id"}
    assert found.of(OTHER) == {"A": "all", "B": "all"}


def test_values_become_the_text_that_sam_makes_of_them() -> None:
    found = parse({"Chat": {"N": 1, "F": 1.5, "T": True, "F2": False, "Z": None, "S": "ü"}})
    assert found.of(CHAT) == {"N": "1", "F": "1.5", "T": "true", "F2": "false", "Z": "", "S": "ü"}


def test_sections_of_no_function_are_told() -> None:
    found = parse({"Parameters": {}, "Chat": {}, "app-Other": {}, "Chta": {}})
    assert found.unknown([CHAT, OTHER]) == ("Chta",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "env.json is not valid JSON: Expecting value"),
        ("{'Chat': {}}", "env.json is not valid JSON"),
        ("[]", "env.json must hold a JSON object"),
        ('{"KEY": "value"}', "env.json: 'KEY' must be an object of variables"),
        ('{"Chat": {"A": []}}', "env.json: Chat.A must be a string, a number or a boolean"),
    ],
)
def test_other_formats_are_clear_errors(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_env_vars(text, "env.json")
    assert caught.value.message.startswith(message)
    assert '{"FunctionLogicalId": {"NAME": "value"}' in caught.value.hint


@given(st.text())
def test_any_text_gives_variables_or_a_user_error(text: str) -> None:
    with suppress(UserError):
        assert isinstance(parse_env_vars(text, "x"), EnvVars)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON))
def test_any_document_gives_text_or_a_user_error(document: dict[str, object]) -> None:
    try:
        found = parse(document)
    except UserError:
        return
    assert all(isinstance(value, str) for section in found.sections.values() for value in section.values())
