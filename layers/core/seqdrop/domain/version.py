"""The version that results name as their maker; ``pyproject.toml`` has the same."""

VERSION = "0.1.0"
