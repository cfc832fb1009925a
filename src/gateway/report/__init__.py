"""What a person watching the gateway sees."""
