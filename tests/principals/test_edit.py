"""Lines are put in and taken out; everything else stays to the letter, and what cannot be changed is left alone."""

from __future__ import annotations

import tomllib

import pytest

from gateway.model.errors import UserError
from gateway.principals.edit import with_key, without_key

ADA, BOB = "arn:aws:iam::123456789012:user/ada", "arn:aws:iam::123456789012:user/bob"
ONE, TWO, THREE = ("WSFK" + each * 16 for each in "ABC")
FILE = f"""\
# Who may call

[[principal]]  # ada
arn = "{ADA}"
policies = ["post.json"]

[[principal.key]]
id = "{ONE}"  # the old one
secret_file = "secrets/{ONE}"

# bob is next

[[principal]]
arn = "{BOB}"

[[principal.key]]
id = "{TWO}"
secret_env = "BOB"

[[iam]]
arn = "arn:aws:iam::123456789012:role/x"
"""
NEW = {"id": THREE, "secret_file": f"secrets/{THREE}", "created": "2026-09-25T09:20:05Z"}
BLOCK = f"""
[[principal.key]]
id = "{THREE}"
secret_file = "secrets/{THREE}"
created = "2026-09-25T09:20:05Z"
"""


def test_a_key_of_somebody_in_the_middle() -> None:
    before = f'secret_file = "secrets/{ONE}"\n'
    assert with_key(FILE, ADA, NEW, {}) == FILE.replace(before, before + BLOCK)


def test_a_key_of_the_last_principal() -> None:
    before = 'secret_env = "BOB"\n'
    assert with_key(FILE, BOB, NEW, {}) == FILE.replace(before, before + BLOCK)


@pytest.mark.parametrize("text", ["", FILE])
def test_somebody_new_stands_at_the_end(text: str) -> None:
    arn, about = "arn:aws:iam::123456789012:role/new", {"policies": ["a.json", 'b"c.json'], "tags": {"team": "x y"}}
    changed = with_key(text, arn, NEW, about)
    assert changed.startswith(text)
    assert tomllib.loads(changed)["principal"][-1] == {"arn": arn, **about, "key": [NEW]}


def test_what_was_put_in_can_be_taken_out() -> None:
    for arn in (ADA, BOB):
        assert tomllib.loads(without_key(with_key(FILE, arn, NEW, {}), THREE)) == tomllib.loads(FILE)


def test_a_revoked_key_takes_its_table_along() -> None:
    changed = without_key(FILE, ONE)
    assert ONE not in changed and f'id = "{TWO}"' in changed and "# Who may call" in changed
    assert "key" not in tomllib.loads(changed)["principal"][0]


INLINE = f'principal = [{{ arn = "{ADA}", key = [{{ id = "{ONE}", secret_env = "A" }}] }}]\n'
CONFUSING = f'[[principal]]\narn = "{ADA}"\ntags = {{ a = """\n[[principal]]\n""" }}\n[[principal]]\narn = "{BOB}"\n'


@pytest.mark.parametrize(("text", "arn"), [(INLINE, ADA), (INLINE, BOB), (CONFUSING, BOB)])
def test_what_is_written_in_another_way_is_left_alone(text: str, arn: str) -> None:
    with pytest.raises(UserError, match="in a way that this command cannot change"):
        with_key(text, arn, NEW, {})


def test_inline_keys_cannot_be_revoked() -> None:
    with pytest.raises(UserError):
        without_key(INLINE, ONE)
