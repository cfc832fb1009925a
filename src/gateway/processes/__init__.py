"""Child processes that never outlive the gateway."""
