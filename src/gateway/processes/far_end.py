"""Who is at the far end of a TCP connection on this machine, by the kernel's word (``sock_diag(7)``, Linux).

The kernel is asked for one connection, so the answer costs the same however many there are. It names the inode of the
client's socket; whose that is, is seen from the process's own list of descriptors.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from functools import cache
from typing import Final

from gateway.ports import Address
from gateway.processes.family import descendants

_SOCK_DIAG: Final = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY: Final = 20  # SOCK_DIAG_BY_FAMILY; an answer has the same type
_REQUEST: Final = 1  # NLM_F_REQUEST
_ANY: Final = 0xFFFFFFFF  # every state; INET_DIAG_NOCOOKIE
_HEAD: Final = struct.Struct("=IHHII")  # struct nlmsghdr
_WHAT: Final = struct.Struct("=BBBxI")  # struct inet_diag_req_v2, up to its id
_PORTS: Final = struct.Struct("!HH")  # struct inet_diag_sockid, of which addresses take 16 bytes each
_INTERFACE_AND_COOKIE: Final = struct.Struct("=III")
_PADDING: Final = bytes(12)
_INODE: Final = struct.Struct("=I")
_INODE_AT: Final = 16 + 4 + 48 + 4 * 4  # nlmsghdr; of inet_diag_msg four bytes, the id, and four numbers before it
_ANSWER_BYTES: Final = 4096
_PATIENCE_S: Final = 1.0  # the kernel answers within the call that asks


def belongs_to(pid: int, near: Address, far: Address) -> bool:
    """Whether ``far`` is a socket of the process or of what it has started; True where the kernel does not tell.

    ``near`` and ``far`` are this side's and the other side's IPv4 address of a connection that is open.
    """
    if not _kernel_tells():
        return True
    inode = _inode(far, near)
    if inode is None:
        return False
    name = f"socket:[{inode}]"
    return any(name in _open_by(each) for each in (pid, *descendants(pid)))


@cache
def _kernel_tells() -> bool:
    """Tried once, with a connection to ourselves: a kernel without the answer says what it says of one that is gone."""
    if sys.platform != "linux":
        return False
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        try:
            return _inode(client.getsockname(), client.getpeername()) == os.fstat(client.fileno()).st_ino
        except OSError:
            return False


def _inode(of: Address, to: Address) -> int | None:
    """The inode of the socket at ``of`` that is connected to ``to``."""
    (source, source_port), (target, target_port) = of, to
    question = (
        _WHAT.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _ANY)
        + _PORTS.pack(source_port, target_port)
        + socket.inet_aton(source)
        + _PADDING
        + socket.inet_aton(target)
        + _PADDING
        + _INTERFACE_AND_COOKIE.pack(0, _ANY, _ANY)
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.settimeout(_PATIENCE_S)
        kernel.send(_HEAD.pack(_HEAD.size + len(question), _BY_FAMILY, _REQUEST, 1, 0) + question)
        answer = kernel.recv(_ANSWER_BYTES)
    if _HEAD.unpack_from(answer)[1] != _BY_FAMILY:
        return None
    inode: int = _INODE.unpack_from(answer, _INODE_AT)[0]
    return inode or None


def _open_by(pid: int) -> frozenset[str]:
    """What the process's descriptors lead to; nothing when it has gone."""
    folder, found = f"/proc/{pid}/fd", []
    try:
        for descriptor in os.listdir(folder):
            found.append(os.readlink(f"{folder}/{descriptor}"))
    except OSError:
        pass
    return frozenset(found)
