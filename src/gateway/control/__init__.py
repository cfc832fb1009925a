"""Where the definition comes from: a template on disk, read at the start and again when it changes."""
