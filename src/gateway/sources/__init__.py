"""Queues and streams that call functions."""
