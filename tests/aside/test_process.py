from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import gateway
from gateway.aside.process import ENDED, Aside
from gateway.model.errors import DefinitionError, UserError
from gateway.template.options import LoadOptions
from process_watch import Watch

READ = ("gateway.control.disk", "read_definition")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(gateway.__file__).parents[1])}
END_S = 20.0


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    made = Aside(os.environ)
    yield made
    made.close()


async def test_what_a_function_returns_comes_back(aside: Aside) -> None:
    aside.expect("json")
    assert await aside.call("json", "loads", '{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}
    assert await aside.call("os", "getpid") != os.getpid()


async def test_calls_are_made_one_after_the_other_in_the_order_asked(aside: Aside) -> None:
    found = await asyncio.gather(*(aside.call("operator", "add", number, 1) for number in range(20)))
    assert found == list(range(1, 21))


async def test_answers_may_be_large(aside: Aside) -> None:
    assert await aside.call("operator", "mul", b"x", 3_000_000) == b"x" * 3_000_000


async def test_what_a_function_raises_is_raised_here_and_says_where(aside: Aside) -> None:
    with pytest.raises(ValueError, match="invalid literal") as raised:
        await aside.call("builtins", "int", "no number")
    assert "Traceback" in raised.value.__notes__[0]
    assert await aside.call("builtins", "int", "7") == 7


async def test_an_error_for_a_person_comes_whole(aside: Aside, tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    options = LoadOptions("s", "us-east-1")
    with pytest.raises(UserError, match="does not exist") as missing:
        await aside.call(*READ, template, options)
    assert missing.value.hint == "name a SAM or CloudFormation template"
    template.write_text("Resources: {A: {Type: 'AWS::ApiGatewayV2::Route'}}", encoding="utf-8")
    with pytest.raises(DefinitionError) as wrong:
        await aside.call(*READ, template, options)
    assert all(problem.file == str(template) for problem in wrong.value.problems)
    assert str(wrong.value) == "\n".join(map(str, wrong.value.problems))


async def test_what_a_library_prints_is_no_answer(aside: Aside) -> None:
    assert await aside.call("builtins", "print", "not for you") is None
    assert await aside.call("builtins", "len", "four") == 4


async def test_an_end_before_the_answer_is_told(aside: Aside) -> None:
    with pytest.raises(UserError, match=ENDED):
        await aside.call("os", "_exit", 3)


async def test_it_is_gone_once_closed(aside: Aside) -> None:
    with Watch([await aside.call("os", "getpid")]) as watch:
        aside.close()
        aside.close()
        assert not watch.left_after(0)


def test_it_ends_with_whoever_started_it() -> None:
    program = "from gateway.aside.process import Aside; import asyncio, os; a = Aside(os.environ); "
    program += "print(asyncio.run(a.call('os', 'getpid')), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as owner:
        assert owner.stdout is not None
        with Watch([int(owner.stdout.readline())]) as watch:
            owner.send_signal(signal.SIGKILL)
            assert not watch.left_after(END_S)
