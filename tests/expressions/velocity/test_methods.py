"""Java's methods by table, and that nothing of Python can be reached."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.expressions.vtl import TemplateFailed
from template_variables import rendered

BODY = '{"s":"  Some, text,, ","l":[3,"x",{"a":1}],"m":{"k":"v","n":null},"i":7,"f":2.5,"t":true,"e":""}'


def shown(expression: str) -> str:
    """What ``$d.`` and the expression render; ``$d`` is the body."""
    return rendered(f"#set($d = $input.path('$'))$d.{expression}", BODY)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("s.length()", "15"),
        ("s.trim()", "Some, text,,"),
        ("s.strip().toUpperCase()", "SOME, TEXT,,"),
        ("s.toLowerCase()", "  some, text,, "),
        ("e.isEmpty()", "true"),
        ("s.isBlank()", "false"),
        ("s.contains('text')", "true"),
        ("s.startsWith('  S')", "true"),
        ("s.endsWith('x')", "false"),
        ("s.indexOf('t')", "8"),
        ("s.indexOf('t', 9)", "11"),
        ("s.lastIndexOf('zz')", "-1"),
        ("s.substring(2, 6)", "Some"),
        ("s.substring(13)", ", "),
        ("s.charAt(2)", "S"),
        ("s.split(',')", "[  Some,  text, ,  ]"),
        ("s.trim().split(',')", "[Some,  text]"),
        ("s.split('[ ,]+').size()", "3"),
        ("e.split(',').size()", "1"),
        ("s.replace(',', ';')", "  Some; text;; "),
        ("s.replaceAll('([a-z])e', '<$1>')", "  So<m>, <t>xt,, "),
        (r"s.replaceAll('\s', '\\$')", r"\$\$Some,\$text,,\$"),
        ("s.replaceFirst('t', 'T')", "  Some, Text,, "),
        ("s.matches('.*text.*')", "true"),
        ("s.matches('text')", "false"),
        ("s.concat('!')", "  Some, text,, !"),
        ("s.trim().equals('Some, text,,')", "true"),
        ("e.equalsIgnoreCase('')", "true"),
        ("e.compareTo('a')", "-1"),
        ("s.empty", "false"),
        ("l.size()", "3"),
        ("l.isEmpty()", "false"),
        ("l.get(0)", "3"),
        ("l[1]", "x"),
        ("l[9]", ""),
        ("l.contains('x')", "true"),
        ("l.containsAll([3, 'y'])", "false"),
        ("l.indexOf('x')", "1"),
        ("l.add('y')$d.l", 'true[3,"x",{"a":1},"y"]'),
        ("l.add(0, 'y')$d.l", '["y",3,"x",{"a":1}]'),
        ("l.addAll([1, 2])$d.l.size()", "true5"),
        ("l.set(0, 4)$d.l[0]", "34"),
        ("l.remove(0)$d.l.size()", "32"),
        ("l.remove('x')$d.l.size()", "true2"),
        ("l.remove('nope')", "false"),
        ("l.subList(0, 2)", "[3, x]"),
        ("l.clear()$d.l", "[]"),
        ("l.toString()", '[3,"x",{"a":1}]'),
        ("m.size()", "2"),
        ("m.k", "v"),
        ("m['k']", "v"),
        ("m.get('k')", "v"),
        ("m.get('nope')", ""),
        ("m.n", ""),
        ("m.getOrDefault('nope', 'x')", "x"),
        ("m.put('k', 1)$d.m", "v{k=1, n=null}"),
        ("m.putIfAbsent('k', 1)$d.m.k", "vv"),
        ("m.putAll({'q': 1})$d.m.q", "1"),
        ("m.remove('k')$d.m", "v{n=null}"),
        ("m.containsKey('n')", "true"),
        ("m.containsValue('v')", "true"),
        ("m.keySet()", "[k, n]"),
        ("m.values()", "[v, null]"),
        ("m.entrySet()", "[k=v, n=null]"),
        ("m.entrySet().get(0).getKey()", "k"),
        ("m.entrySet().get(0).value", "v"),
        ("m.isEmpty()", "false"),
        ("m.clear()$d.m", "{}"),
        ("i.parseInt('-12')", "-12"),
        ("i.parseDouble('1.5')", "1.5"),
        ("f.intValue()", "2"),
        ("i.doubleValue()", "7.0"),
        ("i.toString()", "7"),
        ("i.toString(12)", "12"),
        ("i.compareTo(8)", "-1"),
        ("t.toString()", "true"),
        ("i.equals(7.0)", "false"),
        ("e.equals($nope)", "true"),
        ("i.class.name", "java.lang.Integer"),
        ("s.getClass().getSimpleName()", "String"),
        ("m.class.name", "java.util.LinkedHashMap"),
        ("l.class.simpleName", "JSONArray"),
        ("s.nope()", ""),
        ("s.substring()", ""),
        ("nope.substring(1, 2).x", "!"),
    ],
)
def test_methods(expression: str, text: str) -> None:
    if text == "!":  # an unknown reference is an empty string, and its methods are a string's
        with pytest.raises(TemplateFailed, match="out of range"):
            shown(expression)
    else:
        assert shown(expression) == text


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("s.substring(5, 2)", "substring(): 5 is out of range 0..2"),
        ("s.substring('a')", "an index must be a whole number"),
        ("s.split('(')", "split(): not a regular expression"),
        ("s.contains(1)", "contains(): a string is expected"),
        ("l.get(3)", "get(): index 3 is out of bounds for length 3"),
        ("l.set(-1, 2)", "out of bounds"),
        ("l.addAll(1)", "a list is expected"),
        ("m.putAll([])", "a map is expected"),
        ("i.parseInt('7.5')", "parseInt(): '7.5' is no whole number"),
        ("i.parseDouble('x')", "parseDouble()"),
        ("i.compareTo('x')", "compareTo()"),
    ],
)
def test_arguments_that_a_method_cannot_take(expression: str, why: str) -> None:
    with pytest.raises(TemplateFailed) as failure:
        shown(expression)
    assert why in failure.value.message


def test_a_pattern_that_would_try_for_ever_is_given_up() -> None:
    with pytest.raises(TemplateFailed, match=r"matches\(\) takes too long"):
        rendered("$input.body.matches('(a|aa)+')", "a" * 4000 + "!")


NAMES = ["__class__", "__init__", "__dict__", "__globals__", "__subclasses__", "__getattribute__", "__len__", "__doc__"]
NAMES += [
    "append",
    "format",
    "format_map",
    "encode",
    "func",
    "methods",
    "members",
    "_document",
    "__call__",
    "mro",
    "name",
]
RECEIVERS: list[Any] = [
    "$input",
    "$util",
    "$context",
    "$stageVariables",
    "$input.body",
    "$input.path",
    "$input.path('$')",
]
RECEIVERS += [
    "$input.path('$.l')",
    "$input.path('$.i')",
    "$input.path('$.s')",
    "$list",
    "$map",
    "$list.class",
    "$foreach",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_nothing_of_python_is_reached(receiver: str, name: str) -> None:
    setting = "#set($list = [1])#set($map = {})"
    text = rendered(f"{setting}{receiver}.{name}|{receiver}.{name}()", BODY)
    assert text == ("java.util.ArrayList|" if (receiver, name) == ("$list.class", "name") else "|")


@pytest.mark.parametrize("receiver", ["$input", "$util", "$context", "$input.body", "$input.path('$.i')", "$nope"])
def test_an_index_reaches_nothing_of_python_either(receiver: str) -> None:
    assert rendered(f"{receiver}['__class__']{receiver}[0]", BODY) == ""


def test_a_list_has_numbers_for_indexes() -> None:
    with pytest.raises(TemplateFailed, match="whole number"):
        rendered("$input.path('$.l')['__class__']", BODY)
