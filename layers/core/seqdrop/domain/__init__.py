"""The rules: no AWS, no clock, no input or output."""
