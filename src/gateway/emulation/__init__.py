"""The embedded AWS: moto in a process of its own, and the template's resources created in it."""
