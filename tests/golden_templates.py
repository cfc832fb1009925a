"""Golden files of template loading: an input, how to load it, and the text that has to come out.

The first line of an input may say how it is loaded: ``# load: {"stage": "dev"}`` (fields of LoadOptions, and ``path``).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

from gateway.model.errors import DefinitionError
from gateway.template.load import load
from gateway.template.options import LoadOptions

GOLDEN: Final = Path(__file__).parent / "golden"
INPUTS: Final = GOLDEN / "inputs"
OUTPUTS: Final = GOLDEN / "outputs"
_PREFIX: Final = "# load: "


def outcome(name: str) -> str:
    """What loading an input gives, as text: the Definition as JSON, or the error."""
    text = (INPUTS / name).read_text(encoding="utf-8")
    first = text.partition("\n")[0]
    settings: dict[str, Any] = json.loads(first.removeprefix(_PREFIX)) if first.startswith(_PREFIX) else {}
    path = settings.pop("path", name)
    options = LoadOptions(**{"stack_name": "app", "region": "us-east-1", **settings})
    try:
        definition = load(text, path=path, options=options)
    except DefinitionError as error:
        return f"{error}\n"
    return json.dumps(plain(definition), indent=2, ensure_ascii=False) + "\n"


def expected(name: str) -> Path:
    """Where the text that has to come out of an input is kept."""
    suffix = "txt" if name.startswith("error_") else "json"
    return OUTPUTS / f"{name.partition('.')[0]}.{suffix}"


def plain(value: Any) -> Any:
    """Values of the model as JSON knows them: fields that say more than their default, unions by the type's name."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        if len(fields) == 1:
            return {type(value).__name__: plain(next(iter(fields.values())))}
        return {
            field.name: plain(fields[field.name]) for field in dataclasses.fields(value) if _says_more(field, fields)
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return [plain(item) for item in sorted(value)]
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def _says_more(field: dataclasses.Field[Any], fields: Mapping[str, Any]) -> bool:
    make = field.default_factory
    default = field.default if make is dataclasses.MISSING else make()
    return bool(fields[field.name] != default)
