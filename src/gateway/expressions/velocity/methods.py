"""The Java methods that templates call on strings, numbers, lists and maps, by name and number of arguments.

A method that is not here does not exist, and a call of it is an unknown reference. Arguments that a method cannot take
make it fail, as Java's would: ``call`` raises RunFailed then and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from gateway.expressions.pattern import Pattern, TookTooLong, compile_pattern
from gateway.expressions.velocity.execution import Frame, RunFailed
from gateway.expressions.velocity.values import (
    UNDEFINED,
    ArrayList,
    BuiltIn,
    Entry,
    Value,
    equal,
    text_of,
    whole,
)
from gateway.model.errors import ExpressionError
from gateway.model.limits import MAX_TEMPLATE_OUTPUT_CHARS

Method: TypeAlias = Callable[..., Value]
Methods: TypeAlias = Mapping[tuple[str, int], Method]
_REFUSALS: Final = (ArithmeticError, IndexError, TypeError, ValueError)
_JAVA_CLASSES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "java.lang.Boolean"),
    (str, "java.lang.String"),
    (float, "java.lang.Double"),
    (Decimal, "java.math.BigInteger"),
    (ArrayList, "java.util.ArrayList"),
    (list, "net.minidev.json.JSONArray"),
    (dict, "java.util.LinkedHashMap"),
)


def call(name: str, receiver: Value, arguments: list[Value], frame: Frame) -> Value:
    """The method's result; UNDEFINED when there is no such method. Raises RunFailed."""
    key = (name, len(arguments))
    if isinstance(receiver, BuiltIn):
        return _guarded(name, receiver.methods.get(key), frame, arguments)
    method = _methods_of(receiver).get(key) or _OF_ANY.get(key)
    frame.spend_on(_length(receiver) + sum(map(_length, arguments)))
    return _guarded(name, method, frame, [receiver, *arguments])


def _guarded(name: str, method: Method | None, frame: Frame, arguments: list[Value]) -> Value:
    if method is None:
        return UNDEFINED
    try:
        return method(frame, *arguments)
    except TookTooLong:
        raise RunFailed(f"{name}() takes too long on this text") from None
    except ExpressionError as error:
        raise RunFailed(f"{name}(): {error.message}") from None
    except _REFUSALS as error:
        raise RunFailed(f"{name}(): {error}") from None


def member(receiver: Value, name: str) -> Value:
    """A property: what a map holds under the name, or one of the few that Java objects have."""
    if isinstance(receiver, dict):
        value = receiver.get(name, UNDEFINED)
        return java_class(receiver) if value is UNDEFINED and name == "class" else value
    if isinstance(receiver, BuiltIn):
        return receiver.members.get(name, UNDEFINED)
    if isinstance(receiver, Entry) and name in ("key", "value"):
        return receiver.key if name == "key" else receiver.value
    if name == "empty" and isinstance(receiver, str | list):
        return not receiver
    return java_class(receiver) if name == "class" and receiver is not None else UNDEFINED


def element(receiver: Value, index: Value, frame: Frame) -> Value:
    """``receiver[index]``; unknown beyond the end."""
    if isinstance(receiver, dict):
        return receiver.get(text_of(index, frame), UNDEFINED)
    if isinstance(receiver, list):
        position = whole(index)
        return receiver[position] if 0 <= position < len(receiver) else UNDEFINED
    return UNDEFINED


def java_class(value: Value) -> Value:
    """``$x.class``, for templates that tell kinds of values apart by ``$x.class.name``."""
    name = next((name for kind, name in _JAVA_CLASSES if isinstance(value, kind)), "java.lang.Object")
    if isinstance(value, int) and not isinstance(value, bool):
        name = "java.lang.Integer" if -(2**31) <= value < 2**31 else "java.lang.Long"
    simple = name.rpartition(".")[2]
    names: dict[str, Value] = {"name": name, "simpleName": simple}
    methods: dict[tuple[str, int], Method] = {
        ("getName", 0): lambda frame: name,
        ("getSimpleName", 0): lambda frame: simple,
    }
    return BuiltIn(f"class {name}", names, methods)


def _length(value: Value) -> int:
    return len(value) if isinstance(value, str | list | dict) else 0


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise TypeError("a string is expected")
    return value


def _pattern(value: Value) -> Pattern:
    return compile_pattern(_text(value))


def _position(value: Value, length: int) -> int:
    position = whole(value)
    if not 0 <= position <= length:
        raise IndexError(f"{position} is out of range 0..{length}")
    return position


def _index(value: Value, length: int) -> int:
    position = whole(value)
    if not 0 <= position < length:
        raise IndexError(f"index {position} is out of bounds for length {length}")
    return position


def _list(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise TypeError("a list is expected")
    return value


def _map(value: Value) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise TypeError("a map is expected")
    return value


def _substring(frame: Frame, text: str, begin: Value, end: Value | None = None) -> str:
    stop = len(text) if end is None else _position(end, len(text))
    start = _position(begin, stop)
    return text[start:stop]


def _replaced(frame: Frame, text: str, old: Value, new: Value) -> str:
    old_text, new_text = _text(old), _text(new)
    grown = len(text) + text.count(old_text) * len(new_text)
    if grown > MAX_TEMPLATE_OUTPUT_CHARS:
        raise ValueError("the result is too long")
    frame.spend_on(grown)
    return text.replace(old_text, new_text)


def _replaced_all(frame: Frame, text: str, pattern: Value, new: Value, count: int = 0) -> str:
    replacement = _text(new)
    frame.spend_on(len(text) * (1 + len(replacement)))
    return _pattern(pattern).replace(text, replacement, count)


def _split(frame: Frame, text: str, pattern: Value) -> Value:
    return ArrayList(_pattern(pattern).split(text))


def _matches(frame: Frame, text: str, pattern: Value) -> bool:
    return _pattern(pattern).matches(text)


def _char_at(frame: Frame, text: str, index: Value) -> str:
    return text[_index(index, len(text))]


def _compare_to(frame: Frame, text: str, other: Value) -> int:
    other_text = _text(other)
    return (text > other_text) - (text < other_text)


_OF_TEXT: Final[Methods] = {
    ("length", 0): lambda frame, text: len(text),
    ("isEmpty", 0): lambda frame, text: not text,
    ("isBlank", 0): lambda frame, text: not text.strip(),
    ("contains", 1): lambda frame, text, part: _text(part) in text,
    ("startsWith", 1): lambda frame, text, part: text.startswith(_text(part)),
    ("endsWith", 1): lambda frame, text, part: text.endswith(_text(part)),
    ("indexOf", 1): lambda frame, text, part: text.find(_text(part)),
    ("indexOf", 2): lambda frame, text, part, start: text.find(_text(part), max(whole(start), 0)),
    ("lastIndexOf", 1): lambda frame, text, part: text.rfind(_text(part)),
    ("substring", 1): _substring,
    ("substring", 2): _substring,
    ("charAt", 1): _char_at,
    ("split", 1): _split,
    ("replace", 2): _replaced,
    ("replaceAll", 2): _replaced_all,
    ("replaceFirst", 2): lambda frame, text, pattern, new: _replaced_all(frame, text, pattern, new, 1),
    ("matches", 1): _matches,
    ("toLowerCase", 0): lambda frame, text: text.lower(),
    ("toUpperCase", 0): lambda frame, text: text.upper(),
    ("trim", 0): lambda frame, text: text.strip("".join(map(chr, range(33)))),
    ("strip", 0): lambda frame, text: text.strip(),
    ("concat", 1): lambda frame, text, other: text + _text(other),
    ("equalsIgnoreCase", 1): lambda frame, text, other: text.casefold() == _text(other).casefold(),
    ("compareTo", 1): _compare_to,
}


def _parsed_whole(frame: Frame, number: Value, text: Value) -> int:
    digits = _text(text)
    if len(digits) > 20 or not digits.isascii() or not digits.lstrip("+-").isdigit():
        raise ValueError(f"{digits[:20]!r} is no whole number")
    return int(digits)


def _parsed_fraction(frame: Frame, number: Value, text: Value) -> float:
    return float(_text(text)[:400])


# Static methods come by way of any number: #set($Integer = 0)$Integer.parseInt("7").
_OF_NUMBER: Final[Methods] = {
    ("parseInt", 1): _parsed_whole,
    ("parseLong", 1): _parsed_whole,
    ("parseDouble", 1): _parsed_fraction,
    ("parseFloat", 1): _parsed_fraction,
    ("intValue", 0): lambda frame, number: int(number),
    ("longValue", 0): lambda frame, number: int(number),
    ("doubleValue", 0): lambda frame, number: float(number),
    ("toString", 1): lambda frame, number, value: text_of(value, frame),
    ("compareTo", 1): lambda frame, number, other: (number > other) - (number < other),
}


def _set(frame: Frame, items: list[Value], index: Value, value: Value) -> Value:
    position = _index(index, len(items))
    before, items[position] = items[position], value
    return before


def _add(frame: Frame, items: list[Value], value: Value) -> bool:
    items.append(value)
    return True


def _insert(frame: Frame, items: list[Value], index: Value, value: Value) -> Value:
    items.insert(_position(index, len(items)), value)
    return UNDEFINED


def _add_all(frame: Frame, items: list[Value], values: Value) -> bool:
    added = list(_list(values))
    frame.spend(len(added))
    items.extend(added)
    return bool(added)


def _found(frame: Frame, items: list[Value], value: Value) -> int:
    frame.spend(len(items))
    return next((position for position, item in enumerate(items) if equal(item, value, frame)), -1)


def _remove(frame: Frame, items: list[Value], value: Value) -> Value:
    """By index for a number, else the first that is equal."""
    if isinstance(value, int) and not isinstance(value, bool):
        return items.pop(_index(value, len(items)))
    position = _found(frame, items, value)
    if position >= 0:
        items.pop(position)
    return position >= 0


def _part(frame: Frame, items: list[Value], begin: Value, end: Value) -> Value:
    stop = _position(end, len(items))
    return ArrayList(items[_position(begin, stop) : stop])


def _kind(value: Value) -> type:
    return next((kind for kind in (bool, str, list, dict) if isinstance(value, kind)), type(value))


def _cleared(frame: Frame, items: Any) -> Value:
    items.clear()
    return UNDEFINED


_OF_LIST: Final[Methods] = {
    ("size", 0): lambda frame, items: len(items),
    ("isEmpty", 0): lambda frame, items: not items,
    ("get", 1): lambda frame, items, index: items[_index(index, len(items))],
    ("set", 2): _set,
    ("add", 1): _add,
    ("add", 2): _insert,
    ("addAll", 1): _add_all,
    ("contains", 1): lambda frame, items, value: _found(frame, items, value) >= 0,
    ("containsAll", 1): lambda frame, items, values: all(_found(frame, items, value) >= 0 for value in _list(values)),
    ("indexOf", 1): _found,
    ("remove", 1): _remove,
    ("subList", 2): _part,
    ("clear", 0): _cleared,
}


def _put(frame: Frame, entries: dict[str, Value], key: Value, value: Value) -> Value:
    name = text_of(key, frame)
    before = entries.get(name)
    entries[name] = value
    return before


def _put_if_absent(frame: Frame, entries: dict[str, Value], key: Value, value: Value) -> Value:
    return entries.setdefault(text_of(key, frame), value)


def _put_all(frame: Frame, entries: dict[str, Value], others: Value) -> Value:
    added = dict(_map(others))
    frame.spend(len(added))
    entries.update(added)
    return UNDEFINED


_OF_MAP: Final[Methods] = {
    ("size", 0): lambda frame, entries: len(entries),
    ("isEmpty", 0): lambda frame, entries: not entries,
    ("get", 1): lambda frame, entries, key: entries.get(text_of(key, frame)),
    ("getOrDefault", 2): lambda frame, entries, key, other: entries.get(text_of(key, frame), other),
    ("put", 2): _put,
    ("putIfAbsent", 2): _put_if_absent,
    ("putAll", 1): _put_all,
    ("remove", 1): lambda frame, entries, key: entries.pop(text_of(key, frame), None),
    ("containsKey", 1): lambda frame, entries, key: text_of(key, frame) in entries,
    ("containsValue", 1): lambda frame, entries, value: _found(frame, list(entries.values()), value) >= 0,
    ("keySet", 0): lambda frame, entries: ArrayList(entries),
    ("values", 0): lambda frame, entries: ArrayList(entries.values()),
    ("entrySet", 0): lambda frame, entries: ArrayList(Entry(key, value) for key, value in entries.items()),
    ("clear", 0): _cleared,
}
_OF_ENTRY: Final[Methods] = {
    ("getKey", 0): lambda frame, entry: entry.key,
    ("getValue", 0): lambda frame, entry: entry.value,
}
_OF_ANY: Final[Methods] = {
    ("toString", 0): lambda frame, value: text_of(value, frame),
    ("equals", 1): lambda frame, value, other: _kind(value) is _kind(other) and equal(value, other, frame),
    ("getClass", 0): lambda frame, value: java_class(value),
}
_NONE: Final[Methods] = {}


def _methods_of(value: Value) -> Methods:
    if isinstance(value, str):
        return _OF_TEXT
    if isinstance(value, dict):
        return _OF_MAP
    if isinstance(value, list):
        return _OF_LIST
    if isinstance(value, Entry):
        return _OF_ENTRY
    return _OF_NUMBER if isinstance(value, int | float) and not isinstance(value, bool) else _NONE
