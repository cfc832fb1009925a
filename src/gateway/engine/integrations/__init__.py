"""Integrations compiled: an exchange to what the backend is asked, the backend's result to what the client gets."""
