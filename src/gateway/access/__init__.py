"""Who may connect: IAM policies, what an authorizer answered, and the identity sources it needs. No I/O."""
