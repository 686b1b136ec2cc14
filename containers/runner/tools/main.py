"""``seqdrop-tool VERB …``: what a pipeline needs and no tool of the field does."""

import importlib
import sys

VERBS: dict[str, str] = {
    "scope": "runner.tools.scope",
    "depth": "runner.tools.depth",
}
"""Each verb's module, which has ``main(arguments) -> exit code``; imported when it is called."""


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; its exit code."""
    from seqdrop.domain.version import VERSION

    given = sys.argv[1:] if arguments is None else arguments
    if given == ["--version"]:
        sys.stdout.write(f"seqdrop-tool {VERSION}\n")
        return 0
    if not given or given[0] not in VERBS:
        sys.stderr.write(f"usage: seqdrop-tool {{{','.join(sorted(VERBS))}}} …\n")
        return 2
    run = importlib.import_module(VERBS[given[0]]).main
    code: int = run(given[1:])
    return code


if __name__ == "__main__":
    sys.exit(main())
