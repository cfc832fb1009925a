r"""Template text to tree, by ``airspeed-ext``: the one module that knows the library.

Only its parser is used: its evaluator reaches Python attributes and cannot be bounded. What its reading of text does
not share with Velocity is set right here: backslashes before ``$`` and ``#``, signs before a reference (``KEY#$id``,
``$$price``), ``#break``, the line end after a block comment. ``#evaluate``, ``#parse``, ``#include`` and ``#return``
stay text, as on AWS.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Final

from airspeed import operators as velocity

from gateway.expressions.velocity import tree
from gateway.model.errors import ExpressionError

# Everything that the library's parser lets out for a text that is no template.
_REFUSALS: Final = (
    velocity.TemplateError,
    velocity.NoMatch,
    AttributeError,
    IndexError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)
_BREAK: Final = re.compile(r"(?<!\\)#(?:break\b|\{break\})")
_DIRECTIVES: Final = "set|if|elseif|else|end|foreach|stop|break|macro|define|include|parse|evaluate"
_ESCAPED: Final = re.compile(rf"(\\+)(?=\$!?\{{?[A-Za-z_]|#\{{?(?:{_DIRECTIVES})\b)")
_TRAILING_BACKSLASHES: Final = re.compile(r"\\+\Z")
# A sign that begins nothing, for the library would take what follows for text too. Lone surrogates stand for it while
# the library reads: no template that was decoded holds one.
_LONE_SIGN: Final = re.compile(r"\$(?=[$#\\])|(?<![#*])#(?=[^A-Za-z0-9{}#*])")
_HIDDEN: Final = {"$": "\udc24", "#": "\udc23"}
_SHOWN: Final = {ord(hidden): sign for sign, hidden in _HIDDEN.items()}
_EXPECTED: Final = re.compile(r"expected (.*) in [a-z ]+, got: ", re.DOTALL)
_WITH_PARENTHESES: Final = re.compile(r"#\{?(?:if|elseif|foreach|set)\}?[ \t]*\(.{0,20}")
_TEXT: Final = (
    velocity.Text,
    velocity.FallthroughHashText,
    velocity.EvaluateDirective,  # ReturnDirective is one
    velocity.IncludeDirective,
    velocity.ParseDirective,
)
_SIGNS: Final = {
    "and": "&&",
    "or": "||",
    "eq": "==",
    "ne": "!=",
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
}
_PRECEDENCE: Final = {
    **dict.fromkeys(("*", "/", "%"), 6),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("<", "<=", ">", ">="), 4),
    **dict.fromkeys(("==", "!="), 3),
    "&&": 2,
    "||": 1,
}


def parse(text: str) -> tree.Block:
    """The template's tree. Raises ExpressionError, whose message begins with the line where one is known."""
    hidden = _LONE_SIGN.sub(lambda sign: _HIDDEN[sign[0]], text)
    try:
        body = velocity.TemplateBody("", hidden)
        return _Reader(hidden, 1).block(body.block)
    except velocity.TemplateSyntaxError as error:
        raise _syntax_error(error) from None
    except ExpressionError:
        raise
    except _REFUSALS as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else "this is no Velocity template"
        raise ExpressionError(reason, 0) from None


def _syntax_error(error: Any) -> ExpressionError:
    found = _EXPECTED.search(error.args[0])
    expected = found[1] if found else "something else"
    rest = error.element.next_text().split("\n")[0].translate(_SHOWN)
    got = f"{rest[:30]!r}" if rest else "the end"
    reason = f"unexpected {got}" if expected in ("block", "block element") else f"expected {expected}, got {got}"
    return ExpressionError(f"line {error.line}: {reason}", len(error.text_understood))


class _Reader:
    """Turns the library's elements of one text into ours; a string inside it is a text of its own."""

    def __init__(self, text: str, first_line: int) -> None:
        self._first_line = first_line
        self._ends = [position for position, character in enumerate(text) if character == "\n"]

    def _line(self, element: Any) -> int:
        return self._first_line + bisect_right(self._ends, element.start - 1)

    def block(self, block: Any) -> tree.Block:
        return tuple(self._statements(block.children))

    def _statements(self, elements: list[Any]) -> Iterator[tree.Statement]:
        run = ""
        for element in elements:
            if isinstance(element, _TEXT) or (
                isinstance(element, velocity.FormalReference) and element.expression is None
            ):
                self._check_directive(element)
                run += element.my_text()
                continue
            yield from _texts(run, before_reference=not isinstance(element, velocity.Comment))
            run = ""
            if isinstance(element, velocity.Comment):
                run = _after_comment(element.my_text())
            else:
                yield self._statement(element)
        yield from _texts(run, before_reference=False)

    def _check_directive(self, element: Any) -> None:
        """The library takes a directive for text whose parentheses it cannot read."""
        if isinstance(element, velocity.FallthroughHashText):
            found = _WITH_PARENTHESES.match(element.full_text(), element.start)
            if found:
                raise ExpressionError(f"line {self._line(element)}: {found[0]} cannot be read", element.start)

    def _statement(self, element: Any) -> tree.Statement:
        match element:
            case velocity.FormalReference():
                return self._reference(element)
            case velocity.SetDirective():
                return self._assignment(element)
            case velocity.IfDirective():
                return self._if(element)
            case velocity.ForeachDirective():
                source, block = self._expression(element.value), self.block(element.block)
                return tree.Foreach(self._line(element), element.loop_var_name, source, block)
            case velocity.StopDirective():
                return tree.Stop()
            case velocity.MacroDefinition():
                return tree.MacroDefinition(
                    element.function_name.lower(), tuple(element.arg_names), self.block(element.block)
                )
            case velocity.DefineDefinition():
                return tree.Define(element.function_name, self.block(element.block))
            case velocity.MacroCall():
                arguments = tuple(map(self._expression, element.args))
                return tree.MacroCall(self._line(element), element.macro_name, arguments, _source(element))
        raise ValueError(f"{element.my_text()} has no meaning")

    def _assignment(self, element: Any) -> tree.Assignment:
        assignment = element.assignment
        accesses = tuple(map(self._place, assignment.terms))
        value = self._expression(assignment.value)
        return tree.Assignment(self._line(element), assignment.root_term, accesses, value)

    def _place(self, term: Any) -> tree.Access:
        if isinstance(term.term, velocity.DotDictAccessTerm):
            return tree.Member(term.term.value)
        return tree.Index(self._expression(term.term.value))

    def _if(self, element: Any) -> tree.If:
        branches = [(element.condition, element.block)]
        branches += [(branch.condition, branch.block) for branch in element.elseifs]
        otherwise = element.else_block
        return tree.If(
            self._line(element),
            tuple((self._expression(condition.expression), self.block(block)) for condition, block in branches),
            self.block(otherwise.block) if isinstance(otherwise, velocity.ElseBlock) else (),
        )

    def _expression(self, element: Any) -> tree.Expression:
        match element:
            case velocity.Value():
                return self._expression(element.expression)
            case velocity.Expression():
                return self._operations(element.expression)
            case velocity.ParenthesizedExpression():
                return self._expression(element.calculate.__self__)  # it keeps nothing else of what it holds
            case velocity.FormalReference():
                return self._operand(element)
            case velocity.InterpolatedStringLiteral():
                return self._string(element)
            case velocity.ArrayLiteral():
                return self._list(element.values)
            case velocity.DictionaryLiteral():
                pairs = element.local_data.items()
                return tree.MapLiteral(tuple((self._expression(key), self._expression(value)) for key, value in pairs))
            case velocity.UnaryOperatorValue():
                return tree.Not(self._expression(element.value))
            case velocity.StringLiteral():
                return tree.Literal(element.value.translate(_SHOWN))
        return tree.Literal(element.value)

    def _operand(self, element: Any) -> tree.Expression:
        if element.expression is None:
            raise ExpressionError(f"line {self._line(element)}: {_source(element)} is no reference", element.start)
        return self._reference(element)

    def _string(self, element: Any) -> tree.Expression:
        block = _Reader(element.value, self._line(element)).block(element.block)
        if not block:
            return tree.Literal("")
        if len(block) == 1 and isinstance(block[0], tree.Text):
            return tree.Literal(block[0].text)
        return tree.Interpolated(block)

    def _list(self, values: Any) -> tree.Expression:
        if isinstance(values, velocity.Range):
            return tree.RangeLiteral(self._expression(values.value1), self._expression(values.value2))
        return tree.ListLiteral(tuple(map(self._expression, getattr(values, "values", ()))))

    def _operations(self, terms: list[Any]) -> tree.Expression:
        """Operands and operators in turn, grouped by precedence, equal ones from the left."""
        operands = [self._expression(terms[0])]
        waiting: list[str] = []

        def reduce() -> None:
            right, left = operands.pop(), operands.pop()
            operands.append(tree.Binary(waiting.pop(), left, right))

        for operator, operand in zip(terms[1::2], terms[2::2], strict=True):
            word = operator.my_text().strip()
            sign = _SIGNS.get(word, word)
            while waiting and _PRECEDENCE[waiting[-1]] >= _PRECEDENCE[sign]:
                reduce()
            waiting.append(sign)
            operands.append(self._expression(operand))
        while waiting:
            reduce()
        return operands[0]

    def _reference(self, element: Any) -> tree.Reference:
        part, accesses = element.expression.part, list(self._chain(element.expression))
        alternate = None if element.alternate is None else self._expression(element.alternate.expression)
        return tree.Reference(self._line(element), part.name, tuple(accesses), alternate)

    def _chain(self, variable: Any) -> Iterator[tree.Access]:
        """What follows the name: the library nests it to the right, with a call or index beside each name."""
        part, root = variable.part, True
        while True:
            if not root and part.parameters is None:
                yield tree.Member(part.name)
            if part.parameters is not None:
                arguments = tuple(map(self._expression, getattr(part.parameters.values, "values", ())))
                yield tree.Call("" if root else part.name, arguments, _source(part.parameters))
            elif part.index is not None:
                yield tree.Index(self._expression(part.index.index))
            further = variable.subexpression
            while further is not None and isinstance(further.expression, velocity.ArrayIndex):
                yield tree.Index(self._expression(further.expression.index))
                further = further.subexpression
            if further is None:
                return
            variable = further.expression
            part, root = variable.part, False


def _texts(raw: str, before_reference: bool) -> Iterator[tree.Statement]:
    """Literal text with its breaks; half of the backslashes before what they escape are gone."""
    pieces = _BREAK.split(raw)
    for number, piece in enumerate(pieces):
        if number:
            yield tree.Break()
        text = _ESCAPED.sub(lambda found: "\\" * (len(found[1]) // 2), piece)
        if before_reference and number == len(pieces) - 1:
            text = _TRAILING_BACKSLASHES.sub(lambda found: "\\" * (len(found[0]) // 2), text)
        if text:
            yield tree.Text(text.translate(_SHOWN))


def _source(element: Any) -> str:
    text: str = element.my_text()
    return text.translate(_SHOWN)


def _after_comment(raw: str) -> str:
    """The library takes the line end after ``*#`` for part of the comment, Velocity does not."""
    return raw.rpartition("*#")[2] if raw.startswith("#*") else ""
