"""``seqdrop-tool VERB …``: what a pipeline needs and no tool of the field does."""

import importlib
import sys

VERBS = {
    "annotated": "runner.tools.annotation:main",
    "base-quality": "runner.tools.base_quality:main",
    "calls": "runner.tools.calls:main",
    "compare": "runner.tools.comparison:main",
    "compare-runs": "runner.tools.comparison_of_runs:main",
    "depth": "runner.tools.depth:main",
    "depth-plot": "runner.tools.depth_plot:main",
    "fingerprint": "runner.tools.fingerprint:main",
    "finish": "runner.tools.calls:finish",
    "header": "runner.tools.calls:header",
    "join": "runner.tools.calls:join",
    "mates-once": "runner.tools.mates_once:main",
    "nextflow-files": "runner.tools.nextflow_files:main",
    "nextflow-prepare": "runner.tools.nextflow_store:prepare",
    "nextflow-results": "runner.tools.nextflow_store:fetch",
    "packed-bed": "runner.tools.packed_bed:main",
    "ploidy": "runner.tools.ploidy:main",
    "primers": "runner.tools.primers:main",
    "reference-check": "runner.tools.reference_check:main",
    "regions": "runner.tools.regions:main",
    "scope": "runner.tools.scope:main",
    "snpeff-config": "runner.tools.annotation:write_config",
    "truth": "runner.tools.truth:main",
    "umis": "runner.tools.umis:main",
}
"""Each verb's function, from arguments to exit code; its module is imported when it is called."""


def main(arguments: list[str] | None = None) -> int:
    """Runs one verb; returns its exit code."""
    from seqdrop.domain.version import VERSION

    given = sys.argv[1:] if arguments is None else arguments
    if given == ["--version"]:
        sys.stdout.write(f"seqdrop-tool {VERSION}\n")
        return 0
    if not given or given[0] not in VERBS:
        sys.stderr.write(f"usage: seqdrop-tool {{{','.join(sorted(VERBS))}}} …\n")
        return 2
    module, _, function = VERBS[given[0]].partition(":")
    code: int = getattr(importlib.import_module(module), function)(given[1:])
    return code


if __name__ == "__main__":
    sys.exit(main())
