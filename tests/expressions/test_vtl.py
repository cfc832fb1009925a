"""Mapping templates: directives, variables, failures with their line, and that every rendering ends."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.expressions.vtl import TemplateFailed, compile_template
from gateway.model.errors import ExpressionError
from gateway.model.limits import MAX_FOREACH_ITERATIONS, MAX_TEMPLATE_BYTES, MAX_TEMPLATE_OUTPUT_CHARS
from template_variables import PlainVariables, rendered

BODY = '{"n":3,"name":"Ada","l":[1,2,3],"o":{"a":"x","b":"y"},"z":null,"f":false,"t":true}'


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("#set($x = 1)$x", "1"),
        ("#set($x = \"$input.path('$.name')!\")$x", "Ada!"),
        ("#set($x = '$name')$x", "$name"),
        ("#set($x = {'a': {'b': 1}})#set($x.a.b = 2)#set($x['c'] = 3)$x", "{a={b=2}, c=3}"),
        ("#set($x = [1, 2])#set($x[0] = 9)$x", "[9, 2]"),
        ("#set($x.y = 1)$x", ""),
        ("#set($x = 1)#set($x = null)$x", "1"),
        ("#set($x = $nope)$x|", "|"),
        ("#if($n)a#end", "a"),
        ("#set($d = $input.path('$'))#if($d.f)a#elseif($d.t)b#{else}c#end", "b"),
        ("#set($d = $input.path('$'))#if(!$d.t || $d.n < 3)a#{else}c#end", "c"),
        ("#set($d = $input.path('$'))#if($d.n > 2 && $d.name == 'Ada')a#end", "a"),
        ("#if($nope == '' and $nope == $null and $nope == null)a#end", "a"),
        ("#foreach($x in $input.path('$.l'))$x#if($foreach.hasNext),#end#end", "1,2,3"),
        ("#foreach($x in $input.path('$.l'))$foreach.index$foreach.count$velocityCount #end", "011 122 233 "),
        ("#foreach($x in [1..3])#if($foreach.first)<#end$x#if($foreach.last)>#end#end", "<123>"),
        ("#foreach($x in $input.path('$.o'))$x#end", "xy"),
        ("#foreach($k in $input.path('$.o').keySet())$k#end", "ab"),
        ("#foreach($e in $input.path('$.o').entrySet())$e.key=$e.value #end", "a=x b=y "),
        ("#foreach($x in [1, 2])#foreach($x in ['a', 'b'])$x#end$x$foreach.index#end$x$foreach", "ab10ab21"),
        ("#foreach($x in [1..2])#foreach($y in [1..2])$foreach.parent.count$y #end#end", "11 12 21 22 "),
        ("#foreach($x in $nope)a#end#foreach($x in 'text')a#end#foreach($x in 7)a#end", ""),
        ("#foreach($x in [3..1])$x#break#end.", "3."),
        ("#foreach($x in [1..3])#foreach($y in [1..3])$y#break#end#end", "111"),
        ("#set($s = 0)#foreach($x in [1..4])#set($s = $s + $x)#end$s", "10"),
        ("a#stop b", "a"),
        ("a#break b", "a"),
        ("#foreach($x in [1..3])$x#stop#end", "1"),
        ("#macro(m $a $b)<$a$b>#end#m('x' 'y')#M(1, 2)#m(1)$a", "<xy><12><1>"),
        ("#set($a = 1)#macro(m $a)$a#end#m(2)$a", "21"),
        ("#nope($x) #nope", "#nope($x) #nope"),
        ("#define($d)hi $n#end#set($n = 'Ada')$d $d()", "hi Ada hi Ada()"),
        ("${nope|'other'} ${x|$y}", "other "),
        ("$nope $!nope ${nope} $!{nope.a.b} $nope.call() $nope[0]", "     "),
        (r"\$input.body \\#set($x = 1)", "$input.body \\"),
        ('#set($x = "#foreach($i in [1..3])$i#end")$x', "123"),
        ('#set($x = "a#stop")b', ""),
    ],
)
def test_directives_and_references(text: str, result: str) -> None:
    assert rendered(text, BODY) == result


@pytest.mark.parity("P-265")
def test_the_gateways_variables() -> None:
    context = {
        "connectionId": "id==",
        "identity": {"sourceIp": "192.0.2.1"},
        "authorizer": {},
        "requestTimeEpoch": 1700,
    }
    text = "$context.connectionId $context.identity.sourceIp $context.authorizer.no $stageVariables.table"
    assert rendered(text, context=context, stage_variables={"table": "t"}) == "id== 192.0.2.1  t"
    assert rendered("#set($ttl = $context.requestTimeEpoch / 1000 + 60)$ttl", context=context) == "61"


def test_setting_a_variable_of_the_gateway_stays_in_the_rendering() -> None:
    variables = {"a": "1"}
    assert (
        rendered(
            "#set($stageVariables.a = 2)#set($context.x = 3)$stageVariables.a$context.x", stage_variables=variables
        )
        == "23"
    )
    assert variables == {"a": "1"}


@pytest.mark.parity("P-273")
@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a\n$input.path('nope')", 2, "path(): a JSONPath starts with $"),
        ("#if(true)\n#set($x = $util.parseJson('{'))#end", 2, "parseJson(): not JSON"),
        ("\n\n#foreach($i in [1..1001])x#end", 3, "#foreach goes on for more than 1000 iterations"),
        ("#foreach($i in [1..1000])\n#foreach($j in [1..1000])x#end#end", 2, "steps"),
        ("#set($x = [1..999999999])", 1, "steps"),
        ("#macro(m)\n#m()#end\n\n#m()", 2, "macros within each other more than 20 deep"),
        ("#define($d)$d#end$d", 1, "more than 20 deep"),
        ("#set($x = [])#set($y = $x.add($x))\n$x", 2, "nested too deeply"),
        ('#set($x = "abcdefghij")#foreach($i in [1..100])#set($x = "$x$x")#end', 1, "longer than"),
        ("#set($x = 'abcdefghij')#foreach($i in [1..100])#set($x = $x + $x)#end", 1, "steps"),
        ("#set($x = 'aa')#foreach($i in [1..100])#set($x = $x.replace('a', $x))#end", 1, "too long"),
        ("#set($x = [1])\n#set($x[7] = 1)", 2, "index 7 is out of bounds for length 1"),
    ],
)
def test_a_failure_names_template_and_line(text: str, line: int, why: str) -> None:
    template = compile_template(text, "Connect RequestTemplates $default")
    with pytest.raises(TemplateFailed) as failure:
        template.render(PlainVariables(BODY))
    assert failure.value.line == line
    assert why in failure.value.message
    assert str(failure.value) == f"Connect RequestTemplates $default, line {line}: {failure.value.message}"


@pytest.mark.parity("P-272")
def test_a_loop_may_take_as_many_turns_as_on_aws() -> None:
    assert rendered(f"#foreach($i in [1..{MAX_FOREACH_ITERATIONS}])x#end") == "x" * MAX_FOREACH_ITERATIONS


def test_output_is_bounded() -> None:
    text = "#foreach($i in [1..1000])$input.body#end"
    with pytest.raises(TemplateFailed, match=str(MAX_TEMPLATE_OUTPUT_CHARS)):
        rendered(text, "x" * 100_000)


@pytest.mark.parity("P-271")
def test_a_template_of_300_kb_is_taken_and_a_longer_one_refused() -> None:
    assert len(rendered("x" * MAX_TEMPLATE_BYTES)) == MAX_TEMPLATE_BYTES
    with pytest.raises(ExpressionError, match="300 KB"):
        compile_template("ü" * (MAX_TEMPLATE_BYTES // 2 + 1), "long")


def test_a_long_template_renders_without_loops_being_charged() -> None:
    assert rendered("$input.body " * 10_000, "x") == "x " * 10_000


def test_compiling_refuses_with_the_line() -> None:
    with pytest.raises(ExpressionError, match=r"line 2: expected #else, #elseif or #end"):
        compile_template("a\n#if(true)", "broken")


def test_only_variables_that_are_mentioned_are_asked_for() -> None:
    class Nothing:
        input = context = stage_variables = None

    assert compile_template('{"a": 1}', "static").render(Nothing()) == '{"a": 1}'  # type: ignore[arg-type]


STATEMENTS = st.sampled_from(
    [
        "text ",
        "$x",
        "$input.json('$')",
        "$input.path('$.a')",
        "$input.path('$..a')",
        "$context.a.b",
        "$util.escapeJavaScript($x)",
        "$util.parseJson($x)",
        "$util.base64Decode($x)",
        "#set($x = $input.path('$'))",
        "#set($x = [$x, $x])",
        "#set($x = {'a': $x})",
        "#set($x.a = $x)",
        "#set($x = $x + $x)",
        '#set($x = "$x$x")',
        "#set($x = $x * 3)",
        "#set($i = $x.add($x))",
        "$x.replaceAll('a', $x)",
        "$x.split($x)",
        "$x.substring(1)",
        "$x.get($x)",
        "$x.put($x, $x)",
        "$x[0]",
        "#stop",
        "#break",
        "#m($x)",
        "$d",
    ]
)
BLOCKS = st.recursive(
    STATEMENTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        .map("".join)
        .flatmap(
            lambda block: st.sampled_from(
                [
                    f"#foreach($y in $x){block}#end",
                    f"#foreach($y in [1..50]){block}#end",
                    f"#if($x == $y){block}#{{else}}{block}#end",
                    f"#macro(m $y){block}#end",
                    f"#define($d){block}#end",
                ]
            )
        )
    ),
    max_leaves=8,
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(BLOCKS, max_size=6).map("".join), DOCUMENTS.map(json.dumps) | st.text(max_size=10))
def test_any_template_on_any_body_renders_or_fails_by_name(text: str, body: str) -> None:
    try:
        template = compile_template(text, "any")
        assert isinstance(template.render(PlainVariables(body)), str)
    except (ExpressionError, TemplateFailed):
        pass
