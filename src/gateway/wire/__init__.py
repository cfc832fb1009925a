"""RFC 6455 and the little of HTTP/1.1 that carries it, as bytes in and values out: no socket, no clock."""
