"""MultiQC's "custom content": a JSON file with lines to draw, where it knows no tool's own file."""

import json
from collections.abc import Mapping
from typing import Any


def custom_content(look: Mapping[str, Any], lines: Mapping[str, Mapping[int, float]]) -> str:
    """The file: how the plot looks, and its lines by name, each from x to y."""
    digits = max((len(str(x)) for line in lines.values() for x in line), default=1)
    # MultiQC puts the points in the order of their names as text.
    data = {
        name: {str(x).zfill(digits): y for x, y in line.items()} for name, line in lines.items()
    }
    return json.dumps({**look, "data": data}, indent=1) + "\n"
