"""What AWS does not have: ``/{stage}/@fleet/…``, before the management API. Each is described in docs/extensions.md."""
