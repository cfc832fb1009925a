"""JSON as the gateway reads and writes it: strict in, and the texts a Java program would show out.

``read`` raises nothing but ``NotJson`` on any text: no NaN, no control characters in strings, no depth or number
that would break the reader. ``text_of`` is the string a value becomes where AWS makes one of it (parity 3.1).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final, NoReturn, TypeAlias

# Decimal stands for a whole number of more digits than Python converts to int (sys.int_info, 4,300 by default).
Scalar: TypeAlias = str | int | float | Decimal | bool | None
Json: TypeAlias = "Scalar | list[Json] | dict[str, Json]"


class NotJson(ValueError):
    """The text is not JSON, or nests deeper than this process can follow."""


def _no_constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)
_LONG_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, parse_int=Decimal)


def read(text: str) -> Json:
    """The value of ``text``; of a repeated key the last one counts. Raises NotJson."""
    try:
        try:
            return _DECODER.decode(text)  # type: ignore[no-any-return]
        except (json.JSONDecodeError, NotJson):
            raise
        except ValueError:  # a number too long for int
            return _LONG_DECODER.decode(text)  # type: ignore[no-any-return]
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise NotJson(str(error)) from None


def read_bytes(data: bytes) -> Json:
    """As ``read``, for UTF-8. Raises NotJson."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJson(str(error)) from None
    return read(text)


def text_of(value: Json) -> str:
    """A string as it is, an array as ``[a, b]``, an object as compact JSON, else the literal.

    Raises RecursionError for a value nested deeper than ``read`` returns at the same stack depth.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(map(text_of, value))}]"
    return write(value)


def write(value: Json) -> str:
    """Compact JSON in the order of the keys; fractions as in ``number_text``. Raises RecursionError as ``text_of``."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{_quoted(key)}:{write(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(write, value))}]"
    return _scalar(value)


def _scalar(value: Scalar) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value)


def number_text(value: int | float | Decimal) -> str:
    """Whole numbers digit by digit; others as Java's ``Double.toString``: 1.0, 1000.0 for 1e3, 1.0E7, 1.5E-4."""
    if not isinstance(value, float):
        return str(value)
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    head, tail = str(digits[0]), "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{head}.{tail}E{len(digits) - 1 + exponent}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
