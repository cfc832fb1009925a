"""Keys made, listed and revoked in a file of principals: each change whole or not at all, for its owner's eyes only."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
import tomllib
from base64 import b32encode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gateway.model.errors import SettingsError, UserError
from gateway.model.problem import Problem
from gateway.principals.document import KEYS_AT_ONCE, Reader
from gateway.principals.edit import with_key, without_key
from gateway.principals.entries import Entries, InFile, InManager, InVariable, KeyEntry, OnTheSpot, PrincipalEntry
from gateway.principals.file import policy_faults, problems_of
from gateway.principals.files import Unreadable, read_text

ID_PREFIX: Final = "WSFK"  # not AWS's AKIA: nobody shall take it for a key of AWS
FOLDER: Final = "secrets"  # beside the file of principals
_OWNER: Final = 0o600
_KEPT: Final = 0o750  # of the permissions that the file had


@dataclass(frozen=True, slots=True)
class Wish:
    """A key for ``arn``. ``place`` says where its secret shall stand, None: in a file of its own; ``policies`` (paths)
    and ``tags`` are for a principal that is new."""

    arn: str
    place: InFile | InVariable | InManager | OnTheSpot | None = None
    policies: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Created:
    """``is_new``: the principal was not there before."""

    access_key: str
    secret: str = field(repr=False)
    place: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Revoked:
    """``left`` is where the secret still stands, None when nowhere."""

    key: KeyEntry
    holder: PrincipalEntry
    left: str | None


class KeyStore:
    """``path`` need not exist."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    def entries(self) -> Entries:
        """Nobody where there is no file. Raises UserError."""
        return self._read()[1]

    def create(self, wish: Wish, created: str) -> Created:
        """``created`` is the time that the file shall tell. Raises UserError, and then nothing has changed."""
        with self._locked():
            text, entries = self._read()
            holder = next((each for each in entries.principals if each.arn == wish.arn), None)
            self._check(wish, holder)
            access_key, secret = _fresh(ID_PREFIX)
            place = wish.place or InFile(self._path.parent / FOLDER / access_key)
            key = {"id": access_key, **self._said_of(place, secret), "created": created}
            about: dict[str, Any] = {"policies": list(wish.policies)} if wish.policies else {}
            if wish.tags:
                about["tags"] = dict(wish.tags)
            changed = with_key(text, wish.arn, key, about)
            self._parsed(changed)
            if isinstance(place, InFile):
                _write_new(place.path, secret + "\n")
            try:
                self._replace(changed)
            except UserError:
                if isinstance(place, InFile):
                    place.path.unlink()
                raise
        shown = OnTheSpot(secret) if isinstance(place, OnTheSpot) else place
        return Created(access_key, secret, str(shown), holder is None)

    def problems(self) -> tuple[Problem, ...]:
        """Why nodes would not take the file over as it is now, as far as can be told from here."""
        return problems_of(self._path)

    def revoke(self, access_key: str) -> Revoked | None:
        """None when there is no such key. Raises UserError, and then nothing has changed."""
        with self._locked():
            text, entries = self._read()
            holder = entries.holder_of(access_key)
            if holder is None:
                return None
            self._replace(without_key(text, access_key))
        key = next(each for each in holder.keys if each.access_key == access_key)
        return Revoked(key, holder, self._left(key))

    def _check(self, wish: Wish, holder: PrincipalEntry | None) -> None:
        if holder is None:
            wrong = ((path, fault) for path in wish.policies for fault in policy_faults(Path(path)))
            problems = [Problem(f"policy {path} {fault}") for path, fault in wrong]
            if problems:
                raise SettingsError(problems)
            return
        if len(holder.keys) >= KEYS_AT_ONCE:
            raise UserError(
                f"{wish.arn} has {len(holder.keys)} keys, and {KEYS_AT_ONCE} are valid at once",
                "revoke the one that is not used any more: wsfleet keys list, wsfleet keys revoke ID",
            )
        if wish.policies or wish.tags:
            raise UserError(
                f"{wish.arn} is there already, with policies and tags of its own", f"change them in {self._path}"
            )

    def _said_of(self, place: object, secret: str) -> dict[str, str]:
        match place:
            case InFile(path):
                return {"secret_file": self._relative(path)}
            case InVariable(name):
                return {"secret_env": name}
            case InManager(arn):
                return {"secret_arn": arn}
        return {"secret": secret}

    def _relative(self, path: Path) -> str:
        """As the file shall name it: with the folder it is in, if that is below the file's own."""
        whole = path.absolute()
        return str(whole.relative_to(self._path.parent) if whole.is_relative_to(self._path.parent) else whole)

    def _left(self, key: KeyEntry) -> str | None:
        """A file that ``create`` has made for this key alone goes with it."""
        match key.place:
            case InFile(path) if path.name == key.access_key:
                with suppress(OSError):
                    path.unlink()
                    return None
            case OnTheSpot():
                return None
        return str(key.place)

    def _read(self) -> tuple[str, Entries]:
        if not self._path.exists():
            return "", Entries()
        try:
            text = read_text(self._path).text
        except Unreadable as error:
            raise UserError(f"{self._path} {error}", "name another file: --principals-file") from error
        return text, self._parsed(text)

    def _parsed(self, text: str) -> Entries:
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UserError(f"{self._path}: the TOML is broken: {error}", "mend it first") from error
        reader = Reader(self._path.parent)
        entries = reader.read(document)
        if reader.problems:
            raise SettingsError([Problem(problem, str(self._path)) for problem in reader.problems])
        return entries

    def _replace(self, text: str) -> None:
        """The file with its owner and permissions, those for everybody taken off. Raises UserError."""
        path = self._path.resolve()
        try:
            known = path.stat() if path.exists() else None
            descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            try:
                with open(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
                    if known is not None:
                        if (known.st_uid, known.st_gid) != (os.geteuid(), os.getegid()):
                            os.fchown(file.fileno(), known.st_uid, known.st_gid)
                        os.fchmod(file.fileno(), known.st_mode & _KEPT)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(draft, path)
            except BaseException:
                os.unlink(draft)
                raise
        except OSError as error:
            raise UserError(
                f"{self._path} cannot be written: {error.strerror}", "run it as the owner of the file"
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One command at a time changes files of this folder."""
        try:
            descriptor = os.open(self._path.parent, os.O_RDONLY)
        except OSError as error:
            raise UserError(f"{self._path.parent} cannot be used: {error.strerror}", "make the folder first") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _fresh(prefix: str) -> tuple[str, str]:
    """Access key ID and secret, of AWS's lengths."""
    access_key = prefix + b32encode(secrets.token_bytes(10)).decode("ascii")
    return access_key, b64encode(secrets.token_bytes(30)).decode("ascii")


def _write_new(path: Path, text: str) -> None:
    """For its owner only, whole, never over another. Raises UserError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", "choose another --secret-file") from error
