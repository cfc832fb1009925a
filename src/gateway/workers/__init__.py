"""``wsfleet serve --workers N``: the parent of several processes that share one port, each of them a node."""
