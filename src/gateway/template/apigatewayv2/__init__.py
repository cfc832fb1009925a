"""AWS::ApiGatewayV2 resources of a template, one module per type."""
