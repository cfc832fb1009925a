"""TLS of the machine itself: a local certificate authority and the server contexts it vouches for."""
