"""The CloudFormation template as programs read it: its loops, SAM's transform, its conditions."""
