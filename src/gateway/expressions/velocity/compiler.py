"""A template's tree to functions of a frame, made once so that a message only runs them.

``Weight`` is what one run of a block costs in steps besides its loops; loops and macros charge it again each time, so
a template without them is charged nothing while it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.expressions.velocity import tree
from gateway.expressions.velocity.execution import Frame, LeftLoop, RunFailed, Stopped
from gateway.expressions.velocity.methods import call, element, member
from gateway.expressions.velocity.values import (
    UNDEFINED,
    ArrayList,
    Value,
    add,
    calculate,
    compare,
    equal,
    is_true,
    text_of,
    whole,
)
from gateway.model.limits import MAX_FOREACH_ITERATIONS

Run: TypeAlias = Callable[[Frame], None]
Evaluate: TypeAlias = Callable[[Frame], Value]
Step: TypeAlias = Callable[[Value, Frame], Value]
_LOOP_VARIABLES: Final = ("foreach", "velocityCount", "velocityHasNext")


@dataclass(frozen=True, slots=True)
class Defined:
    """What ``#define`` leaves in its variable."""

    run: Run
    weight: int


@dataclass(frozen=True, slots=True)
class Macro:
    parameters: tuple[str, ...]
    run: Run
    weight: int


def compile_block(block: tree.Block) -> Run:
    """A function that runs the block. It raises Stopped, LeftLoop, RunFailed and RecursionError, nothing else."""
    statements = tuple(map(_statement, block))
    if len(statements) == 1:
        return statements[0]

    def run(frame: Frame) -> None:
        for statement in statements:
            statement(frame)

    return run


def weight(node: object) -> int:
    """How many nodes there are below and with ``node``."""
    if isinstance(node, tuple):
        return sum(map(weight, node))
    names = getattr(type(node), "__slots__", ())
    return 1 + sum(weight(getattr(node, name)) for name in names) if names else 0


def references(node: object) -> Iterator[str]:
    """The names of all variables that ``node`` refers to, with repetitions."""
    if isinstance(node, tuple):
        for item in node:
            yield from references(item)
        return
    if isinstance(node, tree.Reference | tree.Assignment):
        yield node.name
    for name in getattr(type(node), "__slots__", ()):
        yield from references(getattr(node, name))


def _statement(node: tree.Statement) -> Run:
    match node:
        case tree.Text(text):
            return lambda frame: frame.write(text)
        case tree.Reference():
            return _written(node)
        case tree.Assignment():
            return _assignment(node)
        case tree.If():
            return _if(node)
        case tree.Foreach():
            return _foreach(node)
        case tree.Break():
            return _break
        case tree.Stop():
            return _stop
        case _:
            return _reusable(node)


def _reusable(node: tree.Define | tree.MacroDefinition | tree.MacroCall) -> Run:
    match node:
        case tree.Define(name, block):
            return _define(name, Defined(compile_block(block), weight(block)))
        case tree.MacroDefinition(name, parameters, block):
            return _macro_definition(name, Macro(parameters, compile_block(block), weight(block)))
        case tree.MacroCall():
            return _macro_call(node)


def _break(frame: Frame) -> None:
    raise LeftLoop


def _stop(frame: Frame) -> None:
    raise Stopped


def _written(node: tree.Reference) -> Run:
    evaluate, line = _reference(node), node.line

    def run(frame: Frame) -> None:
        frame.line = line
        value = evaluate(frame)
        frame.write(value if type(value) is str else text_of(value, frame))

    return run


def _assignment(node: tree.Assignment) -> Run:
    evaluate, line, name = _expression(node.value), node.line, node.name

    def run(frame: Frame) -> None:
        frame.line = line
        value = evaluate(frame)
        if value is not None:  # Velocity keeps what was there
            frame.variables[name] = value

    return _place_assignment(node, evaluate) if node.accesses else run


def _place_assignment(node: tree.Assignment, evaluate: Evaluate) -> Run:
    """Into a map or list; where the way to it is unknown nothing happens."""
    line, name = node.line, node.name
    steps, key = tuple(map(_step, node.accesses[:-1])), _key(node.accesses[-1])

    def run(frame: Frame) -> None:
        frame.line = line
        value, place = evaluate(frame), frame.variables.get(name, UNDEFINED)
        for step in steps:
            place = step(place, frame)
        if isinstance(place, dict):
            place[text_of(key(frame), frame)] = value
        elif isinstance(place, list):
            position = whole(key(frame))
            if not 0 <= position < len(place):
                raise RunFailed(f"index {position} is out of bounds for length {len(place)}")
            place[position] = value

    return run


def _key(access: tree.Access) -> Evaluate:
    if isinstance(access, tree.Index):
        return _expression(access.index)
    name = access.name
    return lambda frame: name


def _if(node: tree.If) -> Run:
    branches = tuple((_expression(condition), compile_block(block)) for condition, block in node.branches)
    otherwise, line = compile_block(node.otherwise), node.line

    def run(frame: Frame) -> None:
        frame.line = line
        for condition, block in branches:
            if is_true(condition(frame)):
                return block(frame)
        return otherwise(frame)

    return run


def _foreach(node: tree.Foreach) -> Run:
    source, block, line = _expression(node.source), compile_block(node.block), node.line
    cost, changed = 1 + weight(node.block), (node.variable, *_LOOP_VARIABLES)

    def run(frame: Frame) -> None:
        frame.line = line
        items = _items(source(frame))
        variables = frame.variables
        before = {name: variables[name] for name in changed if name in variables}
        try:
            for index, item in enumerate(items):
                frame.spend(cost)
                _enter_iteration(frame, index, len(items), before.get("foreach", UNDEFINED))
                variables[node.variable] = item
                block(frame)
        except LeftLoop:
            pass
        finally:
            for name in changed:
                variables.pop(name, None)
            variables.update(before)

    return run


def _enter_iteration(frame: Frame, index: int, length: int, parent: Value) -> None:
    if index >= MAX_FOREACH_ITERATIONS:
        raise RunFailed(f"#foreach goes on for more than {MAX_FOREACH_ITERATIONS} iterations")
    has_next = index + 1 < length
    frame.variables["velocityCount"] = index + 1
    frame.variables["velocityHasNext"] = has_next
    frame.variables["foreach"] = {
        "index": index,
        "count": index + 1,
        "hasNext": has_next,
        "first": index == 0,
        "last": not has_next,
        "parent": parent,
    }


def _items(value: Value) -> list[Value]:
    """What ``#foreach`` goes over: a list, a map's values; nothing else has any."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _define(name: str, defined: Defined) -> Run:
    def run(frame: Frame) -> None:
        frame.variables[name] = defined

    return run


def _macro_definition(name: str, macro: Macro) -> Run:
    def run(frame: Frame) -> None:
        frame.macros.setdefault(name, macro)

    return run


def _macro_call(node: tree.MacroCall) -> Run:
    """An unknown macro's call is text. Parameters hide variables of their name while the macro runs."""
    arguments, line = tuple(map(_expression, node.arguments)), node.line

    def run(frame: Frame) -> None:
        frame.line = line
        macro: Macro | None = frame.macros.get(node.name)
        if macro is None:
            return frame.write(node.text)
        values = [argument(frame) for argument in arguments]
        values += [UNDEFINED] * (len(macro.parameters) - len(values))
        frame.spend(1 + macro.weight)
        return _with_variables(frame, dict(zip(macro.parameters, values, strict=False)), macro.run)

    return run


def _with_variables(frame: Frame, own: dict[str, Value], run: Run) -> None:
    variables = frame.variables
    before = {name: variables[name] for name in own if name in variables}
    variables.update(own)
    frame.enter()
    try:
        run(frame)
    finally:
        frame.depth -= 1
        for name in own:
            variables.pop(name, None)
        variables.update(before)


def _expression(node: tree.Expression) -> Evaluate:
    match node:
        case tree.Literal(value):
            return lambda frame: value
        case tree.Reference():
            return _reference(node)
        case tree.Interpolated(block):
            return _rendered(compile_block(block))
        case tree.Not(operand):
            return _not(_expression(operand))
        case tree.Binary(operator, left, right):
            return _binary(operator, _expression(left), _expression(right))
        case tree.ListLiteral(items):
            return _list(tuple(map(_expression, items)))
        case tree.MapLiteral(pairs):
            return _map(tuple((_expression(key), _expression(value)) for key, value in pairs))
        case tree.RangeLiteral(first, last):
            return _range(_expression(first), _expression(last))


def _rendered(run: Run) -> Evaluate:
    """What the block writes, as a value."""

    def evaluate(frame: Frame) -> Value:
        out, frame.out = frame.out, []
        try:
            run(frame)
            text = "".join(frame.out)
        finally:
            frame.out = out
        frame.room += len(text)  # it is not output yet
        frame.spend_on(len(text))
        return text

    return evaluate


def _not(operand: Evaluate) -> Evaluate:
    return lambda frame: not is_true(operand(frame))


def _binary(operator: str, left: Evaluate, right: Evaluate) -> Evaluate:
    match operator:
        case "&&":
            return lambda frame: is_true(left(frame)) and is_true(right(frame))
        case "||":
            return lambda frame: is_true(left(frame)) or is_true(right(frame))
        case "==":
            return lambda frame: equal(left(frame), right(frame), frame)
        case "!=":
            return lambda frame: not equal(left(frame), right(frame), frame)
        case "<" | "<=" | ">" | ">=":
            return lambda frame: compare(operator, left(frame), right(frame))
        case "+":
            return lambda frame: add(left(frame), right(frame), frame)
    return lambda frame: calculate(operator, left(frame), right(frame))


def _list(items: Sequence[Evaluate]) -> Evaluate:
    return lambda frame: ArrayList([item(frame) for item in items])


def _map(pairs: Sequence[tuple[Evaluate, Evaluate]]) -> Evaluate:
    return lambda frame: {text_of(key(frame), frame): value(frame) for key, value in pairs}


def _range(first: Evaluate, last: Evaluate) -> Evaluate:
    def evaluate(frame: Frame) -> Value:
        begin, end = whole(first(frame)), whole(last(frame))
        frame.spend(abs(end - begin))
        return ArrayList(range(begin, end + 1) if begin <= end else range(begin, end - 1, -1))

    return evaluate


def _reference(node: tree.Reference) -> Evaluate:
    """The value, never null: a reference to null is as unknown as one to nothing."""
    if node.accesses and isinstance(node.accesses[0], tree.Call) and not node.accesses[0].name:
        return _called_definition(node.name, node.accesses[0].text)
    name, steps = node.name, tuple(map(_step, node.accesses))
    alternate = None if node.alternate is None else _expression(node.alternate)

    def evaluate(frame: Frame) -> Value:
        value = frame.variables.get(name, UNDEFINED)
        if type(value) is Defined:
            value = _render_defined(value, frame)
        for step in steps:
            value = step(value, frame)
        return UNDEFINED if value is None else value

    if alternate is None:
        return evaluate
    other = alternate

    def with_alternate(frame: Frame) -> Value:
        value = evaluate(frame)
        return other(frame) if value is UNDEFINED else value

    return with_alternate


def _render_defined(defined: Defined, frame: Frame) -> Value:
    frame.spend(1 + defined.weight)
    frame.enter()
    try:
        return _rendered(defined.run)(frame)
    finally:
        frame.depth -= 1


def _called_definition(name: str, arguments: str) -> Evaluate:
    """``$name()``: only a ``#define`` renders anything, and on AWS the parentheses stay behind it."""

    def evaluate(frame: Frame) -> Value:
        value = frame.variables.get(name, UNDEFINED)
        return f"{_render_defined(value, frame)}{arguments}" if type(value) is Defined else UNDEFINED

    return evaluate


def _step(access: tree.Access) -> Step:
    match access:
        case tree.Member(name):
            return _member(name)
        case tree.Index(index):
            return _element(_expression(index))
        case tree.Call(name, arguments):
            return _call(name, tuple(map(_expression, arguments)))


def _member(name: str) -> Step:
    def step(value: Value, frame: Frame) -> Value:
        if type(value) is dict:
            found = value.get(name, UNDEFINED)
            if found is not UNDEFINED:
                return found
        return member(value, name)

    return step


def _element(index: Evaluate) -> Step:
    return lambda value, frame: element(value, index(frame), frame)


def _call(name: str, arguments: Sequence[Evaluate]) -> Step:
    def step(value: Value, frame: Frame) -> Value:
        return call(name, value, [argument(frame) for argument in arguments], frame)

    return step
