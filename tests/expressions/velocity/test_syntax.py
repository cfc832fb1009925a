"""Velocity texts by table: what is a reference, a directive, an escape, and what is refused at which line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions.velocity.syntax import parse
from gateway.expressions.velocity.tree import (
    Assignment,
    Binary,
    Break,
    Call,
    Foreach,
    If,
    Index,
    Literal,
    Member,
    Not,
    Reference,
    Text,
)
from gateway.model.errors import ExpressionError


def reference(text: str) -> Reference:
    (found,) = parse(text)
    assert isinstance(found, Reference)
    return found


@pytest.mark.parametrize("text", ["$a.b", "${a.b}", "$!a.b", "$!{a.b}"])
def test_the_four_spellings_of_a_reference_are_one(text: str) -> None:
    assert reference(text) == Reference(1, "a", (Member("b"),))


def test_a_reference_goes_through_members_calls_and_indexes_in_turn() -> None:
    call = Call("c", (Literal(1), Literal("x")), "(1, 'x')")
    expected = (Member("b"), call, Index(Literal(0)), Index(Literal("k")), Member("d"))
    assert reference("$a.b.c(1, 'x')[0]['k'].d").accesses == expected
    assert reference("$a[1].b").accesses == (Index(Literal(1)), Member("b"))
    assert reference("$a()").accesses == (Call("", (), "()"),)


def test_hyphens_belong_to_names_and_a_last_dot_does_not() -> None:
    assert parse("$a-b.c-d.") == (Reference(1, "a-b", (Member("c-d"),)), Text("."))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("costs $5 or $ and 50$", "costs $5 or $ and 50$"),
        ("#13ff93 # x", "#13ff93 # x"),
        (r"\$email", "$email"),
        (r"\${email}", "${email}"),
        (r"\\ \# \$ \x", r"\\ \# \$ \x"),
        (r"\#end \#foreach \# end", r"#end #foreach \# end"),
        ("#evaluate($x) #unknown", "#evaluate($x) #unknown"),
        ("a}b{c", "a}b{c"),
    ],
)
def test_text_that_is_no_directive_stays(text: str, plain: str) -> None:
    assert parse(text) == (Text(plain),)


@pytest.mark.parametrize(
    ("text", "before"),
    [("KEY#$id", "KEY#"), ("$$id", "$"), ("#$id", "#"), ("a##$id", None), (r"\\$id", "\\"), (r"\\\\$id", r"\\")],
)
def test_signs_before_a_reference_do_not_hide_it(text: str, before: str | None) -> None:
    assert parse(text) == ((Text("a"),) if before is None else (Text(before), Reference(1, "id")))


@pytest.mark.parametrize(
    ("text", "plain"),
    [("a## b\nc", "ac"), ("a#* b\n c *#d", "ad"), ("a#* b *#\nc", "a\nc"), ("## only", "")],
)
def test_comments_leave_nothing(text: str, plain: str) -> None:
    assert "".join(each.text for each in parse(text) if isinstance(each, Text)) == plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a\"b'", 'a"b'),
        (r"'it\ns'", r"it\ns"),
        ('"{""a"": 1}"', '{"a": 1}'),
        ("'#$x'", "#$x"),
        ("-12", -12),
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
    ],
)
def test_literals(text: str, value: object) -> None:
    (assignment,) = parse(f"#set($x = {text})")
    assert getattr(assignment, "value") == Literal(value)  # type: ignore[arg-type]  # noqa: B009


def test_operators_bind_as_in_java_and_have_words() -> None:
    (assignment,) = parse("#set($x = !$a && 1 + 2 * 3 ge 7 or $b ne 'c')")
    product = Binary("+", Literal(1), Binary("*", Literal(2), Literal(3)))
    left = Binary("&&", Not(Reference(1, "a")), Binary(">=", product, Literal(7)))
    right = Binary("!=", Reference(1, "b"), Literal("c"))
    assert getattr(assignment, "value") == Binary("||", left, right)  # noqa: B009


def test_equal_operators_group_from_the_left() -> None:
    (assignment,) = parse("#set($x = 9 - 3 - 2)")
    assert getattr(assignment, "value") == Binary("-", Binary("-", Literal(9), Literal(3)), Literal(2))  # noqa: B009


def test_break_leaves_a_loop_unless_it_is_escaped() -> None:
    (loop,) = parse(r"#foreach($x in $y)a#break b#{break}\#break#end")
    assert isinstance(loop, Foreach)
    assert loop.block == (Text("a"), Break(), Text(" b"), Break(), Text("#break"))


def test_lines_are_counted_also_inside_strings() -> None:
    text = '\n$a\n#set($x = "one\n$two")\n#if($b)\n\n$c#end'
    lines = [each.line for each in parse(text) if isinstance(each, Reference | Assignment | If)]
    assert lines == [2, 3, 5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#if($a)\nx", "line 2: expected #else, #elseif or #end, got the end"),
        ("a\n\n#else b", "line 3: unexpected '#else b'"),
        ("#end", "line 1: unexpected '#end'"),
        ("a\n${b", "line 2: expected }, got the end"),
        ("#set(x = 1)", "line 1: expected assignment, got '(x = 1)'"),
        ('#set($x = "a)', "line 1: expected expression, got '\"a)'"),
        ("$a.b(1", "line 1: expected ), got the end"),
        ("#foreach($x in $y)", "line 1: expected #end, got the end"),
        ("a\n#if() b", "line 2: #if() b cannot be read"),
        ("#foreach(x in $y)", "line 1: expected loop var name, got 'x in $y)'"),
        ("#set($x = $)", "line 1: $ is no reference"),
        ("#if(1 not 2)#end", "this is no Velocity template"),
        (f"#set($x = {'(' * 5000}1{')' * 5000})", "nested too deeply"),
    ],
)
def test_what_is_no_template_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as refusal:
        parse(text)
    assert refusal.value.message == message


PIECES = ["$a", "${a.b", "}", ".c(", ")", "'", '"', "#if(", "#set(", "#foreach($x in ", "#end", "#else", "#", "\\", "$"]
PIECES += [
    " = ",
    "1",
    "[",
    "]",
    "..",
    ",",
    "{",
    "|",
    "\n",
    "x",
    "#*",
    "*#",
    "##",
    " && ",
    "not ",
    "#macro(m",
    "#define($d)",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join))
def test_any_text_is_a_template_or_refused(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as refusal:
        assert 0 <= refusal.position <= len(text)
