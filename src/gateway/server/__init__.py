"""Sockets on one side, ``wire`` and the node's ports on the other: listeners, socket shells, timers."""
