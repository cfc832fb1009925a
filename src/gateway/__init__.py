"""A self-hosted gateway that speaks Amazon API Gateway's WebSocket contract.

Five layers, checked by ``tests/test_architecture.py``: ``model`` (1) < ``engine wire expressions template
access`` (2) < ``ports node management lambda_api`` (3) < adapters (4) < ``cli app settings`` (5).
"""
