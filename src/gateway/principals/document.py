"""A file of principals as TOML gives it to ``Entries``, or to everything that is wrong with it.

No message shows a value of the file but ARNs, names and key IDs: anything else may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gateway.access.grant import is_pattern
from gateway.principals.entries import (
    Entries,
    GrantEntry,
    InFile,
    InManager,
    InVariable,
    KeyEntry,
    OnTheSpot,
    Place,
    Policy,
    PrincipalEntry,
)

KEYS_AT_ONCE: Final = 2  # of one principal, as IAM has it: the new one and the one it replaces
MIN_SECRET_CHARS: Final = 16  # AWS's have 40
_ARN: Final = re.compile(r"arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:[a-z-]+/[^*?\s]+")
_ACCESS_KEY: Final = re.compile(r"\w{16,128}", re.ASCII)
_VARIABLE: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SECRET_ARN: Final = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:\S+")
_TIME: Final = re.compile(r"[0-9TZ:. +-]{0,40}")
_PLACES: Final = ("secret_file", "secret_env", "secret_arn", "secret")
_TOP: Final = ("principal", "iam")
_OF_PRINCIPAL: Final = ("arn", "id", "key", "policies", "tags")
_OF_GRANT: Final = ("arn", "policies", "tags")
_OF_KEY: Final = ("id", *_PLACES, "secret_member", "created")


class Reader:
    """One reading; ``problems`` are the ends of sentences that begin with the file's name. Relative paths of the file
    are of ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problems: list[str] = []

    def read(self, document: Mapping[str, object]) -> Entries:
        """What could be read; all of it only when there are no problems."""
        self._unknown("", document, _TOP)
        entries = Entries(
            tuple(self._principal(*each) for each in self._tables("", document, "principal")),
            tuple(self._grant(*each) for each in self._tables("", document, "iam")),
        )
        self._repeated("principal", [each.arn for each in entries.principals if each.arn])
        self._repeated("key", [key.access_key for each in entries.principals for key in each.keys])
        return entries

    def _principal(self, where: str, table: Mapping[str, object]) -> PrincipalEntry:
        arn = self._text(where, table, "arn", _ARN, "no ARN of a user or role such as arn:aws:iam::123456789012:user/x")
        where = f"{where} ({arn})" if arn else where
        self._unknown(where, table, _OF_PRINCIPAL)
        keys = tuple(self._key(*each) for each in self._tables(where, table, "key"))
        if len(keys) > KEYS_AT_ONCE:
            self._say(where, f"it has {len(keys)} keys, and {KEYS_AT_ONCE} are valid at once; revoke one")
        principal_id = self._text(where, table, "id", re.compile(r"\w{1,128}", re.ASCII), "no unique ID", None)
        return PrincipalEntry(
            arn or "", keys, self._policies(where, table), self._tags(where, table), principal_id=principal_id
        )

    def _grant(self, where: str, table: Mapping[str, object]) -> GrantEntry:
        self._unknown(where, table, _OF_GRANT)
        arn = self._text(where, table, "arn") or ""
        if arn and not is_pattern(arn):
            self._say(where, "arn is no pattern such as arn:aws:iam::123456789012:role/x-*: it must name the account")
        return GrantEntry(arn, self._policies(where, table), self._tags(where, table))

    def _key(self, where: str, table: Mapping[str, object]) -> KeyEntry:
        access_key = self._text(where, table, "id", _ACCESS_KEY, "no access key ID: 16 to 128 letters and digits")
        where = f"{where} ({access_key})" if access_key else where
        self._unknown(where, table, _OF_KEY)
        created = str(table.get("created", ""))
        if not _TIME.fullmatch(created):
            self._say(where, "created is no time")
        return KeyEntry(access_key or "", self._place(where, table), created)

    def _place(self, where: str, table: Mapping[str, object]) -> Place:
        given = [name for name in _PLACES if name in table]
        if len(given) != 1:
            self._say(where, f"one of {', '.join(_PLACES)} must be there")
            return InVariable("")
        if "secret_member" in table and given != ["secret_arn"]:
            self._say(where, "secret_member goes with secret_arn")
        match given[0]:
            case "secret_file":
                return InFile(self._folder / (self._text(where, table, "secret_file") or ""))
            case "secret_env":
                return InVariable(self._text(where, table, "secret_env", _VARIABLE, "no name of a variable") or "")
            case "secret_arn":
                arn = self._text(where, table, "secret_arn", _SECRET_ARN, "no ARN of Secrets Manager")
                return InManager(arn or "", self._text(where, table, "secret_member", default=None))
        secret = self._text(where, table, "secret") or ""
        if secret and (fault := secret_fault(secret)):
            self._say(where, f"secret {fault}")
        return OnTheSpot(secret)

    def _policies(self, where: str, table: Mapping[str, object]) -> tuple[Policy, ...]:
        value = table.get("policies", [])
        if not isinstance(value, list):
            self._say(where, "policies is no list")
            return ()
        found: list[Policy] = []
        for number, each in enumerate(value, 1):
            if isinstance(each, str) and each and "\0" not in each:
                found.append(self._folder / each)
            elif isinstance(each, dict):
                found.append(each)
            else:
                self._say(where, f"policy {number} is neither a path nor a table")
        return tuple(found)

    def _tags(self, where: str, table: Mapping[str, object]) -> Mapping[str, str]:
        value = table.get("tags", {})
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            self._say(where, "tags is no table of texts")
            return {}
        self._repeated(f"{where}: tag", [name.lower() for name in value])
        return value

    def _tables(self, where: str, table: Mapping[str, object], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        value = table.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self._say(where, f"{name} is no list of tables: write [[{'principal.' if where else ''}{name}]]")
            return
        for number, each in enumerate(value, 1):
            yield (f"{where}: " if where else "") + f"{name} {number}", each

    def _text(
        self,
        where: str,
        table: Mapping[str, object],
        name: str,
        form: re.Pattern[str] | None = None,
        otherwise: str = "no text",
        default: str | None = "",
    ) -> str | None:
        """The text, ``default`` and a problem where there is none; a ``default`` of None: it need not be there."""
        if name not in table and default is None:
            return None
        value = table.get(name)
        if not isinstance(value, str) or not value or "\0" in value or (form is not None and not form.fullmatch(value)):
            self._say(where, f"{name} is {otherwise}" if name in table else f"{name} is missing")
            return default
        return value

    def _unknown(self, where: str, table: Mapping[str, object], known: Collection[str]) -> None:
        for name in table:
            if name not in known:
                self._say(where, f"{name} is not known; there are {', '.join(known)}")

    def _repeated(self, what: str, names: list[str]) -> None:
        for name in sorted({name for name in names if name and names.count(name) > 1}):
            self.problems.append(f"{what} {name} is there more than once")

    def _say(self, where: str, what: str) -> None:
        self.problems.append(f"{where}: {what}" if where else what)


def secret_fault(secret: str) -> str | None:
    """Why a text is no secret, without showing it."""
    if len(secret) < MIN_SECRET_CHARS:
        return f"is shorter than {MIN_SECRET_CHARS} characters"
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        return "has blanks or other characters in it that no secret of AWS's has"
    return None
