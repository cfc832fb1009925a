"""``$input`` of mapping templates (parity 5.3): one body, read as JSON once and only when asked for.

What ``path`` returns is the document itself, so that what a template sets in it shows in a later ``json``. Assumed: a
body that is not JSON is a JSON string.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from gateway.expressions.jsonpath import MISSING, Path, compile_path
from gateway.expressions.velocity.execution import Frame
from gateway.expressions.velocity.values import UNDEFINED, BuiltIn, Value, containers, json_of, text_of
from gateway.model.json_text import NotJson, read

EMPTY_BODY: Final = "{}"  # what $input shows of no body at all, as REST APIs do
MISSING_JSON: Final = '""'  # $input.json of a path that leads nowhere

PARAMETER_PLACES: Final = ("path", "querystring", "header")  # in the order that $input.params('x') searches
Parameters: TypeAlias = Mapping[str, Mapping[str, str]]


def input_object(body: str, parameters: Callable[[], Parameters]) -> BuiltIn:
    """``parameters`` gives the request's by place, and is called only when the template asks for them."""
    return _Input(body or EMPTY_BODY, parameters).built_in()


class _Input:
    __slots__ = ("_body", "_document", "_is_read", "_parameters")

    def __init__(self, body: str, parameters: Callable[[], Parameters]) -> None:
        self._body = body
        self._parameters = parameters
        self._document: Value = None
        self._is_read = False

    def built_in(self) -> BuiltIn:
        methods: dict[tuple[str, int], Callable[..., Value]] = {
            ("json", 1): self._json,
            ("path", 1): self._path,
            ("params", 0): self._params,
            ("params", 1): self._parameter,
        }
        return BuiltIn("$input", {"body": self._body}, methods)

    def _found(self, frame: Frame, path: Value) -> Value:
        if not self._is_read:
            self._is_read = True
            try:
                self._document = read(self._body)  # type: ignore[assignment]
            except NotJson:
                self._document = self._body
        compiled = compiled_path(text_of(path, frame))
        if compiled.query is not None:  # it visits all of the document, which the template may have made endless
            for _ in containers(self._document, frame):
                pass
        found = compiled.find(self._document)  # type: ignore[arg-type]
        return UNDEFINED if found is MISSING else found  # type: ignore[return-value]

    def _path(self, frame: Frame, path: Value) -> Value:
        return self._found(frame, path)

    def _json(self, frame: Frame, path: Value) -> str:
        found = self._found(frame, path)
        return MISSING_JSON if found is UNDEFINED else json_of(found, frame)

    def _params(self, frame: Frame) -> Value:
        given = self._parameters()
        return {place: dict(given.get(place, {})) for place in PARAMETER_PLACES}

    def _parameter(self, frame: Frame, name: Value) -> Value:
        """A header by whatever case; no parameter is the empty string."""
        given, wanted = self._parameters(), text_of(name, frame)
        for place in PARAMETER_PLACES:
            if wanted in given.get(place, {}):
                return given[place][wanted]
        headers = given.get("header", {})
        return next((value for name, value in headers.items() if name.lower() == wanted.lower()), UNDEFINED)


@lru_cache(maxsize=512)
def compiled_path(text: str) -> Path:
    """Templates name few paths, mostly the same in every message. Raises ExpressionError."""
    return compile_path(text)
