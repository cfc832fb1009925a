"""Backends elsewhere: web servers, AWS services by their own protocols, and Lambda functions that run remotely."""
