"""What would stop a deployment: `seqdrop doctor` looks, and `seqdrop deploy` before it begins."""
