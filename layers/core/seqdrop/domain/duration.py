"""How long something took, for a person."""


def duration_text(seconds: float) -> str:
    """A time for a person: two units at the most."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"
