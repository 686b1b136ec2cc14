"""Which run a person means."""

from collections.abc import Iterable

from cli.faults import CommandFailed


def ids_named(ids: Iterable[str], asked: str, of: object) -> list[str]:
    """The runs that an id, or its beginning, stands for: one run, or the attempts of one content.

    ``83edc4#2`` is the second attempt.

    ``of`` is whose runs they are. Raises CommandFailed where there is none, or several contents.
    """
    known = list(ids)
    key, _, attempt = asked.partition("#")
    found = [one for one in known if one == asked] or [
        one for one in known if one.startswith(key) and attempt in {"", one.partition("#")[2]}
    ]
    if not found:
        raise CommandFailed(f"{of} has no run {asked!r}: it has {', '.join(known) or 'none'}")
    if len({one.partition("#")[0] for one in found}) > 1:
        raise CommandFailed(f"several runs begin with {asked!r}: {', '.join(found)}")
    return found
