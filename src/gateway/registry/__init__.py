"""The connection table: DynamoDB by group commit, and the same contract in memory."""
