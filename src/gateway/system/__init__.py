"""The machine's own clocks and randomness, behind ``ports.Clock`` and ``ports.Ids``."""
