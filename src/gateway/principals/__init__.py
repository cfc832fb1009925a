"""The file of principals: read, checked, resolved, watched, and changed by ``wsfleet keys``."""
