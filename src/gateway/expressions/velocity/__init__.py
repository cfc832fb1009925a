"""Velocity as API Gateway runs it: a template's text to a tree, the tree to functions, values that know no Python."""
