"""The name a caller gives a function by: plain, partial ARN or full ARN, each with or without a qualifier."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.model.ids import FunctionName

LATEST: Final = "$LATEST"
MAX_LENGTH: Final = 256  # Lambda's NamespacedFunctionName; a plain name is limited to 64
MAX_NAME_LENGTH: Final = 64
_FORM: Final = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?"
    r"(?:[a-z]{2,4}(?:-[a-z]+)+-\d:)?"
    r"(?:\d{12}:)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_-]+)"
    r"(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?"
)
_QUALIFIER: Final = re.compile(r"\$LATEST|[a-zA-Z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """``qualifier`` is a version or alias; None stands for ``$LATEST``, said or not."""

    name: FunctionName
    qualifier: str | None = None

    @property
    def executed_version(self) -> str:
        return self.qualifier or LATEST

    def arn(self, region: str, account_id: str) -> str:
        suffix = f":{self.qualifier}" if self.qualifier else ""
        return f"arn:aws:lambda:{region}:{account_id}:function:{self.name}{suffix}"


def is_qualifier(text: str) -> bool:
    return _QUALIFIER.fullmatch(text) is not None


def parse(text: str, qualifier: str | None) -> FunctionReference | None:
    """The function meant, None when the text is no function name or says another qualifier than ``qualifier``.

    ``qualifier`` is the one given beside the name, None for none; an empty one counts as none. The name alone decides:
    an ARN's region and account may be those of the account the application comes from.
    """
    form = _FORM.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if form is None or len(form["name"]) > MAX_NAME_LENGTH:
        return None
    if qualifier and not is_qualifier(qualifier):
        return None
    said = form["qualifier"]
    if said and qualifier and said != qualifier:
        return None
    chosen = said or qualifier or LATEST
    return FunctionReference(FunctionName(form["name"]), None if chosen == LATEST else chosen)
