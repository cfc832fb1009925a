"""Lambda's Invoke operation, framework-free, so that ``boto3.client("lambda").invoke`` works inside a handler."""
