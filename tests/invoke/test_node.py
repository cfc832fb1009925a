"""The Node bootstrap in real processes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from gateway.invoke.launch import RuntimeClient
from process_watch import LINUX
from real_functions import NODE, NODE_BOOTSTRAP, serving

pytestmark = pytest.mark.skipif(NODE is None, reason="Node is not installed")

RUNTIME = "nodejs20.x"
MODULE = '{"type": "module"}'
ESM = "export const handler = async (event) => ({ esm: event });"
CJS = "exports.handler = async (event) => ({ cjs: event });"

FOUND = [
    ({"app.js": CJS}, "app.handler", {"cjs": 1}),
    ({"app.cjs": CJS}, "app.handler", {"cjs": 1}),
    ({"app.mjs": ESM}, "app.handler", {"esm": 1}),
    ({"app.js": ESM, "package.json": MODULE}, "app.handler", {"esm": 1}),
    ({"app.cjs": CJS, "package.json": MODULE}, "app.handler", {"cjs": 1}),
    ({"app.js": CJS, "app.mjs": ESM}, "app.handler", {"cjs": 1}),
    ({"dist/app.js": CJS}, "dist/app.handler", {"cjs": 1}),
    ({"a.b/c.d/app.js": CJS}, "a.b/c.d/app.handler", {"cjs": 1}),
    ({"src/app.js": "exports.nested = { handler: () => Promise.resolve('n') };"}, "src/app.nested.handler", "n"),
    ({"src/app.js": ESM, "src/package.json": MODULE, "package.json": "{}"}, "src/app.handler", {"esm": 1}),
    ({"node_modules/app/index.js": CJS}, "app.handler", {"cjs": 1}),
    (
        {"app.js": "exports.handler = (await1, context) => ({ then: (ok) => ok('thenable') });"},
        "app.handler",
        "thenable",
    ),
    ({"app.mjs": "await 0; export const handler = async () => 'awaited';"}, "app.handler", "awaited"),
]


@pytest.mark.parametrize(("files", "handler", "value"), FOUND, ids=[f"{' '.join(files)} {h}" for files, h, _ in FOUND])
async def test_how_a_handler_is_found(
    tmp_path: Path, client: RuntimeClient, files: dict[str, str], handler: str, value: object
) -> None:
    async with serving(tmp_path, files, RUNTIME, handler, client=client) as functions:
        assert await functions.value(1) == value


NOT_FOUND = [
    ({"app.js": CJS}, "../app.handler", "Runtime.MalformedHandlerName", "is not a valid handler name"),
    ({"app.js": CJS}, "app", "Runtime.MalformedHandlerName", "Bad handler"),
    ({"app.js": CJS}, "app.other", "Runtime.HandlerNotFound", "app.other is undefined or not exported"),
    ({"app.js": "exports.handler = 1;"}, "app.handler", "Runtime.HandlerNotFound", "app.handler is not a function"),
    ({}, "app.handler", "Runtime.ImportModuleError", "Cannot find module 'app'"),
    ({"app.js": "require('nowhere');"}, "app.handler", "Runtime.ImportModuleError", "Cannot find module 'nowhere'"),
    ({"app.js": "function ("}, "app.handler", "Runtime.UserCodeSyntaxError", "SyntaxError"),
    ({"app.js": "throw new TypeError('at load');"}, "app.handler", "TypeError", "at load"),
    ({"app.mjs": "await Promise.reject(new TypeError('late'));"}, "app.handler", "TypeError", "late"),
    (
        {"app.js": f"Promise.reject(new Error('lost')); {CJS}"},
        "app.handler",
        "Runtime.UnhandledPromiseRejection",
        "Error: lost",
    ),
    ({"app.js": "process.exit(3);"}, "app.handler", "Runtime.ExitError", "exit status 3"),
]


@pytest.mark.parametrize(("files", "handler", "error_type", "text"), NOT_FOUND, ids=[row[3] for row in NOT_FOUND])
async def test_initialisation_errors(
    tmp_path: Path, client: RuntimeClient, files: dict[str, str], handler: str, error_type: str, text: str
) -> None:
    async with serving(tmp_path, files, RUNTIME, handler, client=client) as functions:
        error = await functions.error()
        assert error["errorType"] == error_type
        assert text in str(error["errorMessage"])
        assert text in functions.log.reasons[0]


async def test_a_broken_package_json_is_named(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.js": CJS, "package.json": "?"}, RUNTIME, client=client) as functions:
        assert "package.json" in str((await functions.error())["errorMessage"])
        assert any("package.json cannot be read" in line for line in functions.printed)


ASYNC = """
let count = 0;
exports.handler = async (event, context) => {
  count += 1;
  switch (event?.do) {
    case 'undefined': return undefined;
    case 'function': return () => 1;
    case 'circular': { const it = {}; it.it = it; return it; }
    case 'bigint': return 1n;
    case 'throw': throw Object.assign(new TypeError('boom'), { code: 7 });
    case 'text': throw 'just text';
    case 'never': return new Promise(() => {});
    case 'reject later': setTimeout(() => Promise.reject(new Error('lost')), 1); return new Promise(() => {});
    case 'throw later': setTimeout(() => { throw new RangeError('late'); }, 1); return new Promise(() => {});
    case 'log': console.log('one\\ntwo %d', 2); console.error('three'); return null;
    case 'big': return 'x'.repeat(6 * 1024 * 1024 + 200);
    case 'context': {
      const { getRemainingTimeInMillis, done, succeed, fail, ...rest } = context;
      const functions = [done, succeed, fail].every((one) => typeof one === 'function');
      return { ...rest, left: getRemainingTimeInMillis(), functions, trace: process.env._X_AMZN_TRACE_ID };
    }
    case 'environment': {
      const { env } = process;
      const seen = () => ['_X_AMZN_TRACE_ID' in env, Object.keys(env).includes('_X_AMZN_TRACE_ID')];
      const child = () => require('node:child_process').execSync('echo $_X_AMZN_TRACE_ID $OTHER').toString().trim();
      env.OTHER = 1;
      const found = [...seen(), child(), env.OTHER, { ...env }.OTHER];
      env._X_AMZN_TRACE_ID = 2;
      found.push(env._X_AMZN_TRACE_ID, delete env._X_AMZN_TRACE_ID, ...seen(), delete env.OTHER, 'OTHER' in env);
      return [...found, child()];
    }
    case 'succeed': context.succeed('by context'); return 'ignored';
    case 'fail': context.fail(); return 'ignored';
    case 'count': return count;
  }
  return event;
};
"""


async def test_the_trace_id_is_in_the_environment_as_any_variable(tmp_path: Path, client: RuntimeClient) -> None:
    trace = "Root=1-67891233-abcdef012345678912345678"
    async with serving(tmp_path, {"app.js": ASYNC}, RUNTIME, client=client) as functions:
        for _ in range(2):
            found = await functions.value({"do": "environment"})
            assert found == [True, True, f"{trace} 1", "1", "1", "2", True, False, False, True, False, ""]


async def test_an_async_handler(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.js": ASYNC}, RUNTIME, client=client) as functions:
        assert await functions.value({"a": "é𝄞", "b": [1.5, None]}) == {"a": "é𝄞", "b": [1.5, None]}
        assert await functions.value({"do": "undefined"}) is None
        assert await functions.value({"do": "function"}) is None
        assert await functions.value({"do": "succeed"}) == "by context"
        assert (await functions.error({"do": "fail"}))["errorMessage"] == "handled"
        for value in ("circular", "bigint"):
            assert (await functions.error({"do": value}))["errorMessage"] == "Unable to stringify response body"
        assert (await functions.error({"do": "text"})) == {
            "errorType": "string",
            "errorMessage": "just text",
            "trace": [],
        }
        error = await functions.error({"do": "throw"})
        assert (error["errorType"], error["errorMessage"]) == ("TypeError", "boom")
        trace = error["trace"]
        assert isinstance(trace, list) and trace[0] == "TypeError: boom" and "app.js:10:" in trace[1]
        assert NODE_BOOTSTRAP.name not in str(trace)
        assert (await functions.error({"do": "never"}))["errorType"] == "Runtime.NodeJsExit"
        assert (await functions.error({"do": "big"}))["errorType"] == "Function.ResponseSizeTooLarge"
        assert await functions.value({"do": "count"}) == 12  # all in one process


async def test_the_context_object(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.js": ASYNC}, RUNTIME, client=client) as functions:
        context = await functions.value({"do": "context"})
        assert isinstance(context, dict)
        assert 0 < context.pop("left") <= 10_000
        assert re.fullmatch(r"[0-9a-f-]{36}", context.pop("awsRequestId"))
        assert context == {
            "functionName": "chat",
            "functionVersion": "$LATEST",
            "memoryLimitInMB": "128",
            "logGroupName": "/aws/lambda/chat",
            "logStreamName": "stream",
            "invokedFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:chat",
            "clientContext": {"custom": {"é": 1}},
            "callbackWaitsForEmptyEventLoop": True,
            "functions": True,
            "trace": "Root=1-67891233-abcdef012345678912345678",
        }


async def test_lines_are_plain_and_come_before_the_answer(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.js": ASYNC}, RUNTIME, client=client) as functions:
        await functions.invoke({"do": "log"}, tag="t")
        assert sorted(functions.log.lines) == [
            ("t", "stderr", "three"),
            ("t", "stdout", "one"),
            ("t", "stdout", "two 2"),
        ]


@pytest.mark.parametrize(
    ("do", "error_type", "text"),
    [
        ("reject later", "Runtime.UnhandledPromiseRejection", "Error: lost"),
        ("throw later", "RangeError", "late"),
    ],
)
async def test_errors_that_nobody_caught_end_the_process(
    tmp_path: Path, client: RuntimeClient, do: str, error_type: str, text: str
) -> None:
    async with serving(tmp_path, {"app.js": ASYNC}, RUNTIME, client=client) as functions:
        error = await functions.error({"do": do})
        assert (error["errorType"], error["errorMessage"]) == (error_type, text)
        assert await functions.value({"do": "count"}) == 1
        assert functions.log.reasons == [f"{error_type}: {text}"]


CALLBACK = """
exports.handler = (event, context, callback) => {
  const later = (answer) => setTimeout(answer, 5);
  switch (event.do) {
    case 'plain': callback(null, 'plain'); break;
    case 'error': callback(new Error('refused')); break;
    case 'twice': callback(null, 1); callback(null, 2); break;
    case 'waits': event.seen = []; later(() => event.seen.push('timer')); callback(null, event.seen); break;
    case 'at once':
      context.callbackWaitsForEmptyEventLoop = false;
      event.seen = [context.callbackWaitsForEmptyEventLoop];
      setTimeout(() => {}, 600000).unref(); later(() => event.seen.push('timer')); callback(null, event.seen); break;
    case 'done': later(() => context.done(null, 'done')); break;
    case 'nothing': break;
    case 'throw': throw new Error('thrown');
  }
};
"""


async def test_a_callback_handler(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.js": CALLBACK}, RUNTIME, client=client) as functions:
        assert await functions.value({"do": "plain"}) == "plain"
        assert await functions.value({"do": "twice"}) == 1
        assert await functions.value({"do": "waits"}) == ["timer"]
        assert await functions.value({"do": "at once"}) == [False]
        assert await functions.value({"do": "done"}) == "done"
        assert await functions.value({"do": "nothing"}) is None
        assert (await functions.error({"do": "error"}))["errorMessage"] == "refused"
        assert (await functions.error({"do": "throw"}))["errorMessage"] == "thrown"


STREAMING = """
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  if (event.do === 'open') { stream.write('never ended'); return; }
  if (event.do === 'throw') { stream.write('begun'); throw new Error('broke off'); }
  if (event.do === 'http') stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
  stream.setContentType('text/plain');
  stream.write('"a');
  stream.write(Buffer.from('b'));
  stream.end('"');
  await new Promise((resolve) => stream.on('finish', resolve));
});
exports.sync = awslambda.streamifyResponse((event, stream) => { stream.end('"x"'); });
"""


async def test_a_streaming_handler_is_collected(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.js": STREAMING}, RUNTIME, client=client) as functions:
        assert await functions.value({}) == "ab"
        result = await functions.invoke({"do": "http"})
        assert result.payload == b'{"statusCode":201}' + bytes(8) + b'"ab"'  # type: ignore[union-attr]
        assert (await functions.error({"do": "open"}))["errorMessage"] == "Response stream is not finished."
        assert (await functions.error({"do": "throw"}))["errorMessage"] == "broke off"


async def test_a_streaming_handler_must_be_async(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.js": STREAMING}, RUNTIME, "app.sync", client=client) as functions:
        error = await functions.error({})
        assert error["errorMessage"] == "Streaming does not support non-async handlers."


async def test_a_handler_that_replaces_http_does_not_cut_the_runtime_off(tmp_path: Path, client: RuntimeClient) -> None:
    code = f"const http = require('http'); http.request = http.get = () => {{ throw new Error('mine'); }}; {CJS}"
    async with serving(tmp_path, {"app.js": code}, RUNTIME, client=client) as functions:
        assert await functions.value(1) == {"cjs": 1}
        assert await functions.value(2) == {"cjs": 2}


async def test_a_timeout(tmp_path: Path, client: RuntimeClient) -> None:
    code = "exports.handler = async (event) => { while (event) {} return 'ok'; };"
    async with serving(tmp_path, {"app.js": code}, RUNTIME, timeout_s=1, client=client) as functions:
        assert (await functions.error(1))["errorType"] == "Sandbox.Timedout"
        assert await functions.value(0) == "ok"


AROUND = """
const { execFileSync } = require('node:child_process');
exports.handler = async () => ({
  variables: Object.keys(process.env).filter((name) => name.startsWith('WSFLEET')),
  api: process.env.AWS_LAMBDA_RUNTIME_API.split(':')[0],
  inherited: execFileSync('ls', ['/proc/self/fd']).toString().trim().split('\\n').length,
});
"""


@pytest.mark.skipif(not LINUX, reason="descriptors are listed from /proc")
async def test_what_a_handler_finds_around_it(tmp_path: Path, client: RuntimeClient) -> None:
    async with serving(tmp_path, {"app.js": AROUND}, RUNTIME, client=client) as functions:
        assert await functions.value() == {"variables": [], "api": "127.0.0.1", "inherited": 4}


STRAY = """
exports.handler = async (event) => {
  if (event === 'stray') Promise.reject(new Error('nobody handles this'));
  return event;
};
"""


async def test_an_error_that_nobody_handled_ends_the_process_before_the_next_event(
    tmp_path: Path, client: RuntimeClient
) -> None:
    async with serving(tmp_path, {"app.js": STRAY}, RUNTIME, client=client) as functions:
        first = [asyncio.create_task(functions.value(event)) for event in ("stray", "next", "next")]
        assert [await value for value in first] == ["stray", "next", "next"]
        assert all(why.startswith("Runtime exited with error: exit status 128") for why in functions.log.reasons)


@pytest.mark.parametrize("size", [100_000, 5_900_000])
async def test_large_events_and_results(tmp_path: Path, client: RuntimeClient, size: int) -> None:
    code = "exports.handler = async (event) => event;"
    async with serving(tmp_path, {"app.js": code}, RUNTIME, client=client) as functions:
        event = {"text": "x" * size}
        assert await functions.value(event) == event
        assert await functions.value("again") == "again"


async def test_a_result_over_the_limit_keeps_the_process(tmp_path: Path, client: RuntimeClient) -> None:
    code = f"console.log('up'); exports.handler = async (n) => 'x'.repeat(n || {6 * 1024 * 1024 + 200});"
    async with serving(tmp_path, {"app.js": code}, RUNTIME, client=client) as functions:
        assert (await functions.error())["errorType"] == "Function.ResponseSizeTooLarge"
        assert await functions.value(3) == "xxx"
        assert functions.printed == ["up"]
