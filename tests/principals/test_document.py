from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.principals.document import Reader, secret_fault
from gateway.principals.entries import (
    Entries,
    GrantEntry,
    InFile,
    InManager,
    InVariable,
    KeyEntry,
    OnTheSpot,
    PrincipalEntry,
)

FOLDER = Path("/etc/wsfleet")
ARN = "arn:aws:iam::123456789012:user/ada"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
MANAGED = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:fleet/ada-AbCdEf"
WHOLE = f"""
[[principal]]
arn = "{ARN}"
id = "AIDAEXAMPLE"
tags = {{ team = "support" }}
policies = ["policies/post.json", {{ Statement = [] }}]

[[principal.key]]
id = "WSFKAAAAAAAAAAAAAAA1"
secret_file = "secrets/1"
created = 2026-09-25T09:20:05Z

[[principal.key]]
id = "WSFKAAAAAAAAAAAAAAA2"
secret_env = "ADA_SECRET"

[[principal]]
arn = "arn:aws:iam::123456789012:role/x"

[[principal.key]]
id = "WSFKAAAAAAAAAAAAAAA3"
secret_arn = "{MANAGED}"
secret_member = "secret"

[[principal.key]]
id = "WSFKAAAAAAAAAAAAAAA4"
secret = "{SECRET}"

[[iam]]
arn = "arn:aws:iam::123456789012:role/ops-*"
policies = ["/absolute.json"]
"""


def read(text: str) -> tuple[Entries, list[str]]:
    reader = Reader(FOLDER)
    return reader.read(tomllib.loads(text)), reader.problems


def key(number: int) -> str:
    return f"WSFKAAAAAAAAAAAAAAA{number}"


def test_everything_that_can_be_said() -> None:
    entries, problems = read(WHOLE)
    assert problems == []
    ada = PrincipalEntry(
        ARN,
        (
            KeyEntry(key(1), InFile(FOLDER / "secrets/1"), "2026-09-25 09:20:05+00:00"),
            KeyEntry(key(2), InVariable("ADA_SECRET")),
        ),
        (FOLDER / "policies/post.json", {"Statement": []}),
        {"team": "support"},
        "AIDAEXAMPLE",
    )
    role = PrincipalEntry(
        "arn:aws:iam::123456789012:role/x",
        (KeyEntry(key(3), InManager(MANAGED, "secret")), KeyEntry(key(4), OnTheSpot(SECRET))),
        (),
        {},
    )
    grant = GrantEntry("arn:aws:iam::123456789012:role/ops-*", (Path("/absolute.json"),), {})
    assert entries == Entries((ada, role), (grant,))
    assert entries.holder_of(key(3)) == role and entries.holder_of("x") is None
    assert SECRET not in repr(entries)


def test_an_empty_file_names_nobody() -> None:
    assert read("") == (Entries(), [])


PRINCIPAL = f'[[principal]]\narn = "{ARN}"\n'
KEY = f'{PRINCIPAL}[[principal.key]]\nid = "{key(1)}"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("principals = []", "principals is not known; there are principal, iam"),
        ("principal = 7", "principal is no list of tables: write [[principal]]"),
        ("[principal]\narn = 'x'", "principal is no list of tables: write [[principal]]"),
        ("[[principal]]", "principal 1: arn is missing"),
        (
            "[[principal]]\narn = 'ada'",
            "principal 1: arn is no ARN of a user or role such as arn:aws:iam::123456789012:user/x",
        ),
        (
            "[[principal]]\narn = 'arn:aws:iam::123456789012:user/*'",
            "principal 1: arn is no ARN of a user or role such as arn:aws:iam::123456789012:user/x",
        ),
        (
            PRINCIPAL + "secret = 'x'",
            f"principal 1 ({ARN}): secret is not known; there are arn, id, key, policies, tags",
        ),
        (PRINCIPAL + "policies = 'x'", f"principal 1 ({ARN}): policies is no list"),
        (PRINCIPAL + "policies = [7]", f"principal 1 ({ARN}): policy 1 is neither a path nor a table"),
        (PRINCIPAL + "tags = {a = 1}", f"principal 1 ({ARN}): tags is no table of texts"),
        (PRINCIPAL + "tags = {a = '', A = ''}", f"principal 1 ({ARN}): tag a is there more than once"),
        (PRINCIPAL + "key = 'x'", f"principal 1 ({ARN}): key is no list of tables: write [[principal.key]]"),
        (PRINCIPAL + PRINCIPAL, f"principal {ARN} is there more than once"),
        (
            PRINCIPAL + "[[principal.key]]\nid = 'short'\nsecret_env = 'A'",
            f"principal 1 ({ARN}): key 1: id is no access key ID: 16 to 128 letters and digits",
        ),
        (
            KEY,
            f"principal 1 ({ARN}): key 1 ({key(1)}): one of secret_file, secret_env, secret_arn, secret must be there",
        ),
        (
            KEY + f"secret = '{SECRET}'\nsecret_env = 'A'",
            f"principal 1 ({ARN}): key 1 ({key(1)}): one of secret_file, secret_env, secret_arn, secret must be there",
        ),
        (KEY + "secret_env = 'A'\ncreated = 'then'", f"principal 1 ({ARN}): key 1 ({key(1)}): created is no time"),
        (KEY + "secret_env = 'a b'", f"principal 1 ({ARN}): key 1 ({key(1)}): secret_env is no name of a variable"),
        (KEY + "secret_arn = 'a'", f"principal 1 ({ARN}): key 1 ({key(1)}): secret_arn is no ARN of Secrets Manager"),
        (KEY + "secret_file = 7", f"principal 1 ({ARN}): key 1 ({key(1)}): secret_file is no text"),
        (KEY + "secret = 'short'", f"principal 1 ({ARN}): key 1 ({key(1)}): secret is shorter than 16 characters"),
        (
            KEY + "secret_env = 'A'\nsecret_member = 'x'",
            f"principal 1 ({ARN}): key 1 ({key(1)}): secret_member goes with secret_arn",
        ),
        (
            KEY + f"secret_env = 'A'\n[[principal.key]]\nid = '{key(1)}'\nsecret_env = 'A'",
            f"key {key(1)} is there more than once",
        ),
        (
            "[[iam]]\narn = 'arn:aws:iam::*:role/ops'",
            "iam 1: arn is no pattern such as arn:aws:iam::123456789012:role/x-*: it must name the account",
        ),
    ],
)
def test_what_is_wrong_is_told(text: str, problem: str) -> None:
    assert read(text)[1] == [problem]


def test_two_keys_are_valid_at_once() -> None:
    keys = "".join(f"[[principal.key]]\nid = '{key(number)}'\nsecret_env = 'A'\n" for number in range(3))
    assert read(PRINCIPAL + keys)[1] == [f"principal 1 ({ARN}): it has 3 keys, and 2 are valid at once; revoke one"]


NAMES = ["principal", "iam", "arn", "id", "key", "policies", "tags", "secret", "secret_env", "secret_file", "created"]
VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(ARN) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
def test_nothing_raises(document: dict[str, object]) -> None:
    reader = Reader(FOLDER)
    reader.read(document)
    assert reader.problems or not document.get("principal") or "arn" in str(document)


def test_no_problem_shows_a_secret() -> None:
    misplaced = f"""
    secret = "{SECRET}"
    [[principal]]
    arn = "{SECRET}"
    [[principal.key]]
    id = "{SECRET}"
    secret_env = "{SECRET}"
    [[principal.key]]
    id = "WSFKAAAAAAAAAAAAAAA1"
    secret = " {SECRET}"
    created = "{SECRET}"
    """
    problems = read(misplaced)[1]
    assert len(problems) >= 4
    assert not any(SECRET in problem for problem in problems)


@pytest.mark.parametrize(
    ("secret", "good"), [(SECRET, True), ("x" * 15, False), ("x" * 20 + "\n", False), ("é" * 20, False)]
)
def test_what_a_secret_is(secret: str, good: bool) -> None:
    assert (secret_fault(secret) is None) is good
