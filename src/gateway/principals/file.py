"""A file of principals read with everything that it refers to: policies, secrets in files, variables and at AWS.

file ──▶ TOML ──▶ entries ──▶ policies, secrets ──▶ keys and grants, or every problem with file and key
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from gateway.access.grant import Grant, account_of
from gateway.access.keyring import Keyring
from gateway.access.policy_check import doubts, faults
from gateway.access.principal import Principal
from gateway.model.errors import CapacityError
from gateway.model.json_text import NotJson, read
from gateway.model.problem import Problem
from gateway.principals.document import Reader, secret_fault
from gateway.principals.entries import (
    Entries,
    InFile,
    InManager,
    InVariable,
    KeyEntry,
    OnTheSpot,
    Policy,
    PrincipalEntry,
)
from gateway.principals.files import Look, Text, Unreadable, look_at, read_text

AskManager = Callable[[str], Awaitable[str]]
"""The text of a secret of AWS Secrets Manager, by ARN. Raises CapacityError."""
THREADS: Final = 1


@dataclass(frozen=True, slots=True)
class Known:
    """Whoever the file names: by key, and by what IAM says of them."""

    keys: Keyring = field(default_factory=Keyring)
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """The keys and ARNs of IAM that a file names at all, however wrong the rest of it may be."""

    keys: frozenset[str] = frozenset()
    arns: frozenset[str] = frozenset()

    def left_of(self, known: Known) -> Known:
        """``known`` without whoever is not named any more: to take somebody out is safe whatever else is wrong."""
        keys = Keyring({key: each for key, each in known.keys.items() if key in self.keys})
        return Known(keys, tuple(grant for grant in known.grants if grant.arn in self.arns))


@dataclass(frozen=True, slots=True)
class Reading:
    """``known`` is None when there are problems; ``named`` then says who is named all the same, None when that cannot
    be told. ``looks`` are of every file that was read, or would have been;
    ``asks_manager`` when secrets are where no file tells of a change."""

    known: Known | None
    problems: tuple[Problem, ...] = ()
    doubts: tuple[str, ...] = ()
    looks: Mapping[Path, Look] = field(default_factory=dict)
    asks_manager: bool = False
    named: Named | None = None


class PrincipalsFile:
    """``environ`` is where variables are looked up, ``ask_manager`` None where there is no Secrets Manager."""

    def __init__(self, path: Path, environ: Mapping[str, str], ask_manager: AskManager | None = None) -> None:
        self.path = path
        self._environ = environ
        self._ask_manager = ask_manager
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="principals")

    async def read(self) -> Reading:
        """Everything anew. Never raises."""
        loop = asyncio.get_running_loop()
        draft = await loop.run_in_executor(self._threads, _Draft, self.path, self._environ)
        if not draft.problems:
            for key, place in draft.managed:
                await self._ask(draft, key, place)
        known = None if draft.problems else draft.known()
        problems, doubts_ = tuple(draft.problems), tuple(draft.doubts)
        return Reading(known, problems, doubts_, draft.looks, bool(draft.managed), draft.named)

    async def looks(self, paths: Iterator[Path]) -> Mapping[Path, Look]:
        """What these files look like now."""
        look = partial(_looks, tuple(paths))
        return await asyncio.get_running_loop().run_in_executor(self._threads, look)

    def close(self) -> None:
        """End the thread."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, draft: _Draft, key: KeyEntry, place: InManager) -> None:
        if self._ask_manager is None:
            draft.say(f"key {key.access_key}: there is no Secrets Manager to ask")
            return
        try:
            text = await self._ask_manager(place.arn)
        except CapacityError as error:
            draft.say(f"key {key.access_key}: {place} cannot be had: {error}")
            return
        draft.take(key, str(place), text if place.member is None else _member(text, place.member))


def problems_of(path: Path) -> tuple[Problem, ...]:
    """Why a node would not take the file over; what only the node can see, variables and Secrets Manager, apart."""
    return tuple(_Draft(path, None).problems)


def policy_faults(path: Path) -> list[str]:
    """Why the file is no policy that a node would take; each the end of a sentence that begins with its name."""
    try:
        text = read_text(path)
        return ["can be changed by others: chmod go-w"] if text.is_others else faults(read(text.text))
    except Unreadable as error:
        return [str(error)]
    except NotJson as error:
        return [f"is not JSON: {error}"]


def _named(document: Mapping[str, Any]) -> Named:
    tables = [each for each in _list(document.get("principal")) if isinstance(each, dict)]
    keys = [key.get("id") for each in tables for key in _list(each.get("key")) if isinstance(key, dict)]
    arns = [each.get("arn") for each in _list(document.get("iam")) if isinstance(each, dict)]
    return Named(_texts(keys), _texts(arns))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(values: list[Any]) -> frozenset[str]:
    return frozenset(value for value in values if isinstance(value, str))


def _looks(paths: tuple[Path, ...]) -> dict[Path, Look]:
    return {path: look_at(path) for path in paths}


def _member(text: str, name: str) -> str | None:
    """Of a secret that is a JSON object; None where there is no such text."""
    try:
        document = read(text)
    except NotJson:
        return None
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else None


class _Draft:
    """One reading under way; made in a thread, for it reads files. ``environ`` None: variables are not looked at."""

    def __init__(self, path: Path, environ: Mapping[str, str] | None) -> None:
        self._path = path
        self._environ = environ
        self._secrets: dict[str, str] = {}
        self._policies: dict[Path, Mapping[str, Any]] = {}
        self.problems: list[Problem] = []
        self.doubts: list[str] = []
        self.looks: dict[Path, Look] = {}
        self.managed: list[tuple[KeyEntry, InManager]] = []
        self.named: Named | None = None
        self._entries = self._read()
        if not self.problems:
            self._resolve()

    def _resolve(self) -> None:
        for principal in self._entries.principals:
            self._check_policies(principal.arn, principal.policies)
            for key in principal.keys:
                self._find(key)
        for grant in self._entries.grants:
            self._check_policies(grant.arn, grant.policies)

    def say(self, what: str, path: Path | None = None) -> None:
        self.problems.append(Problem(what, str(path or self._path)))

    def take(self, key: KeyEntry, where: str, secret: str | None) -> None:
        """Keep a key's secret, or tell that it is none."""
        fault = "is not there" if secret is None else secret_fault(secret)
        if secret is None or fault is not None:
            self.say(f"key {key.access_key}: the secret in {where} {fault}")
        else:
            self._secrets[key.access_key] = secret

    def known(self) -> Known:
        """Only when there are no problems."""
        keys = Keyring()
        for each in self._entries.principals:
            for key in each.keys:
                keys[key.access_key] = self._principal(each, self._secrets[key.access_key])
        grants = [Grant(each.arn, self._all(each.policies), each.tags) for each in self._entries.grants]
        return Known(keys, tuple(grants))

    def _principal(self, entry: PrincipalEntry, secret: str) -> Principal:
        return Principal(
            account_of(entry.arn),
            entry.arn,
            secret,
            principal_id=entry.principal_id,
            policies=self._all(entry.policies),
            tags=entry.tags,
        )

    def _all(self, policies: tuple[Policy, ...]) -> tuple[Mapping[str, Any], ...]:
        return tuple(self._policies[each] if isinstance(each, Path) else each for each in policies)

    def _read(self) -> Entries:
        text = self._text(self._path)
        if text is None:
            return Entries()
        try:
            document = tomllib.loads(text.text)
        except tomllib.TOMLDecodeError as error:
            self.say(f"the TOML is broken: {error}")
            return Entries()
        self.named = _named(document)
        reader = Reader(self._path.parent)
        entries = reader.read(document)
        for problem in reader.problems:
            self.say(problem)
        here = [key for each in entries.principals for key in each.keys if isinstance(key.place, OnTheSpot)]
        if here and text.fault is not None:
            self.say(f"secrets stand in it, and {text.fault} {self._path}")
        return entries

    def _find(self, key: KeyEntry) -> None:
        match key.place:
            case OnTheSpot(secret):
                self._secrets[key.access_key] = secret  # looked at already
            case InVariable(name) if self._environ is None:
                pass
            case InVariable(name):
                assert self._environ is not None
                self.take(key, f"variable {name}", self._environ.get(name) or None)
            case InFile(path):
                self._find_in_file(key, path)
            case InManager() as place:
                self.managed.append((key, place))

    def _find_in_file(self, key: KeyEntry, path: Path) -> None:
        text = self._text(path, f"key {key.access_key}: its secret_file {path}")
        if text is None:
            return
        if text.fault is not None:
            self.say(f"key {key.access_key}: its secret_file {path}: {text.fault} {path}")
            return
        self.take(key, f"file {path}", text.text.removesuffix("\n"))

    def _check_policies(self, whose: str, policies: tuple[Policy, ...]) -> None:
        for number, policy in enumerate(policies, 1):
            name = f"{whose}: policy {number}"
            document: object = policy
            if isinstance(policy, Path):
                name = f"{whose}: policy {policy}"
                document = self._policy(policy, name)
                if document is None:
                    continue
            wrong = faults(document)
            for fault in wrong:
                self.say(f"{name}: {fault}")
            if not wrong and isinstance(document, dict):
                self.doubts += [f"{self._path}: {name}: {doubt}" for doubt in doubts(document)]
                if isinstance(policy, Path):
                    self._policies[policy] = document

    def _policy(self, path: Path, name: str) -> object:
        """Parsed; None and a problem for what cannot be."""
        text = self._text(path, name)
        if text is None:
            return None
        try:
            document = read(text.text)
        except NotJson as error:
            self.say(f"{name}: it is not JSON: {error}")
            return None
        return document if document is not None else "null"

    def _text(self, path: Path, name: str = "") -> Text | None:
        self.looks[path] = look_at(path)  # before it is read: a change in between is seen as one later
        try:
            text = read_text(path)
        except Unreadable as error:
            self.say(f"{name} {error}" if name else f"it {error}")
            return None
        if text.is_others:
            self.say(f"{name or 'it'} can be changed by others (mode {text.mode:04o}): chmod go-w {path}")
            return None
        return text
