"""Work that needs large libraries once, in a process beside this one."""
