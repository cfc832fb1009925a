"""``wsfleet keys``: access keys in the file of principals, made, listed, revoked."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from gateway.cli.fleet import JSON, now_ms
from gateway.cli.list_first import ListFirst
from gateway.cli.setting_options import effective, settings_options
from gateway.cli.telling import FAILURE, tell
from gateway.model.errors import UserError
from gateway.principals.entries import InFile, InManager, InVariable, KeyEntry, OnTheSpot, Place, PrincipalEntry
from gateway.principals.store import KeyStore, Wish
from gateway.report.columns import columns
from gateway.settings.pairs import pairs_of

FILE: Final = settings_options(("principals_file",))


@click.group(cls=ListFirst, short_help="Make, list or revoke access keys.")
def keys() -> None:
    """Access keys that callers of the fleet sign with, in its file of principals. Without a command: list.

    Nodes take a change over by themselves. Two keys of one principal are valid at once, so that one can take the
    other's place.
    """


@keys.command("list")
@FILE
@JSON
def list_(config: Path | None, as_json: bool, **flags: Any) -> None:
    """List all keys, by principal; never a secret. --json prints one object."""
    entries = _store(config, flags)[0].entries()
    found = [(holder, key) for holder in entries.principals for key in holder.keys]
    if as_json:
        click.echo(json.dumps({"keys": [_document(*each) for each in found]}, indent=2))
        return
    rows = [(key.access_key, holder.arn, key.created or "-", str(key.place)) for holder, key in found]
    click.echo("\n".join(columns([("KEY", "PRINCIPAL", "CREATED", "SECRET"), *rows])))


@keys.command()
@click.argument("arn")
@click.option("--policy", "policies", metavar="FILE", multiple=True, help="A policy (JSON) of a new principal.")
@click.option("--tag", "tags", metavar="K=V", multiple=True, help="A tag of a new principal.")
@click.option("--secret-file", metavar="FILE", type=click.Path(path_type=Path), help="Write the secret to this file.")
@click.option("--secret-env", metavar="NAME", help="The secret will be in this variable of the nodes.")
@click.option("--secret-arn", metavar="ARN", help="The secret will be in AWS Secrets Manager.")
@click.option("--inline", is_flag=True, help="Write the secret into the file of principals itself.")
@click.option("--show/--no-show", default=True, show_default=True, help="Print the secret, this once.")
@FILE
@JSON
def create(config: Path | None, arn: str, show: bool, as_json: bool, **options: Any) -> None:
    """Make a key for ARN, which becomes a principal unless it is one.

    The secret is written to a file of its own beside the file of principals, for its owner only, and shown once.
    Exit status 2: ARN has two keys already, or a file cannot be written.
    """
    wish = _wish(arn, show, options)
    store, path = _store(config, options)
    made = store.create(wish, datetime.fromtimestamp(now_ms() // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    if as_json:
        document = {
            "arn": arn,
            "access_key_id": made.access_key,
            "secret_access_key": made.secret if show else None,
            "secret": made.place,
            "new_principal": made.is_new,
            "principals_file": str(path),
        }
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(f"key     {made.access_key}\nof      {arn}{' (new)' if made.is_new else ''}")
        if show:
            click.echo(f"secret  {made.secret}")
        click.echo(f"kept    {'in the file of principals' if made.place == 'here' else made.place}")
    _tell_problems(store)
    if made.is_new and not wish.policies:
        tell(f"warning: {arn} has no policies, so it may do nothing\n  hint: add policies = [...] to it in {path}")


@keys.command()
@click.argument("access_key", metavar="ID")
@FILE
@JSON
def revoke(config: Path | None, access_key: str, as_json: bool, **flags: Any) -> None:
    """Take out the key ID. Exit status 1: there is none. --json prints one object."""
    store, path = _store(config, flags)
    revoked = store.revoke(access_key)
    if revoked is None:
        tell(f"error: there is no key {access_key}\n  hint: wsfleet keys lists them")
        raise click.exceptions.Exit(FAILURE)
    if as_json:
        click.echo(json.dumps({**_document(revoked.holder, revoked.key), "secret_left": revoked.left}, indent=2))
    else:
        click.echo(f"key {access_key} of {revoked.holder.arn} is taken out of {path}")
        if revoked.left is not None:
            click.echo(f"its secret stays in {revoked.left}")
    _tell_problems(store)


def _store(config: Path | None, flags: dict[str, Any]) -> tuple[KeyStore, Path]:
    settings = effective(config, {"principals_file": flags["principals_file"]}).settings
    if settings.principals_file is None:
        raise UserError(
            "there is no file of principals", "name one: --principals-file, or principals_file in a setting"
        )
    return KeyStore(settings.principals_file), settings.principals_file


def _tell_problems(store: KeyStore) -> None:
    """Nodes drop whoever is not named any more; anything new they take over only when all of it is right."""
    problems = store.problems()
    if problems:
        found = "\n".join(f"  {problem}" for problem in problems)
        tell(f"warning: nodes take nothing new over from this file until it is mended\n{found}")


def _wish(arn: str, show: bool, options: dict[str, Any]) -> Wish:
    places: list[Place] = []
    if options["secret_file"] is not None:
        places.append(InFile(options["secret_file"].absolute()))
    if options["secret_env"] is not None:
        places.append(InVariable(options["secret_env"]))
    if options["secret_arn"] is not None:
        places.append(InManager(options["secret_arn"]))
    if options["inline"]:
        places.append(OnTheSpot(""))
    if len(places) > 1:
        raise click.UsageError("the secret can be kept in one place only")
    if places and isinstance(places[0], InVariable | InManager) and not show:
        raise click.UsageError("--no-show would leave nobody with the secret")
    policies = tuple(os.path.abspath(each) for each in options["policies"])
    return Wish(arn, places[0] if places else None, policies, _tags(options["tags"]))


def _tags(words: tuple[str, ...]) -> dict[str, str]:
    try:
        return dict(pair for word in words for pair in pairs_of(word))
    except ValueError as error:
        raise click.UsageError(f"--tag: {error}") from error


def _document(holder: PrincipalEntry, key: KeyEntry) -> dict[str, Any]:
    return {
        "access_key_id": key.access_key,
        "arn": holder.arn,
        "created": key.created or None,
        "secret": str(key.place),
    }
