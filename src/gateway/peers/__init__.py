"""Node to node: one hop, authenticated by the fleet's key, with a deadline; Unix sockets on one machine, else TCP."""
