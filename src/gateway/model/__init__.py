"""The nouns every room shares: immutable values, no behaviour that touches the world."""
