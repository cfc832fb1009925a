from __future__ import annotations

from gateway.functions_by_place import FunctionsByPlace
from gateway.model.ids import FunctionName
from gateway.model.invocation import Returned
from gateway.ports import FunctionCall
from node_doubles import ScriptedFunctions, returning

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:there"


async def test_local_functions_first() -> None:
    local, remote = ScriptedFunctions(both=returning("local")), ScriptedFunctions(both=returning("remote"))
    remote.scripts[ARN] = returning("remote")
    functions = FunctionsByPlace(local, remote)

    async def invoke(name: str) -> object:
        return await functions.invoke(FunctionCall(FunctionName(name), b"{}", 1_000, "Root=1-0-0"))

    assert await invoke("both") == Returned(b'"local"')
    assert await invoke(ARN) == Returned(b'"remote"')
    assert functions.knows(FunctionName("both"), None) and functions.knows(FunctionName(ARN), None)
    assert not functions.knows(FunctionName("both"), "9"), "its versions are the local one's"
    assert not functions.knows(FunctionName("neither"), None)
