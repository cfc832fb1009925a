"""AWS::ApiGateway resources (the REST family) that WebSocket APIs use: API keys and usage plans."""
