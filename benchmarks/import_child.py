"""Run by its path in a fresh process: a function's cold start, or that of bare boto3.

`import_child.py function FLOW` imports the handler on the path and builds the flow that it calls;
`import_child.py bare SERVICE…` makes the same clients. Prints the seconds that it took (of the
processor, so that neighbours do not count) and which clients were made.
"""

import time

BEGUN = time.process_time()


def main() -> None:
    """Times what the arguments ask for."""
    import sys

    import boto3

    kind, names = sys.argv[1], sys.argv[2:]
    make, made = boto3.client, []

    def noted(service: str, **options: object) -> object:
        made.append(service)
        return make(service, **options)  # type: ignore[call-overload]  # by name

    boto3.client = noted  # type: ignore[assignment]  # every overload at once
    if kind == "bare":
        _make_clients(names)
    else:
        _build(*names)
    seconds = time.process_time() - BEGUN
    print(seconds, *made)


def _make_clients(services: list[str]) -> None:
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=3, read_timeout=15)
    for service in services:
        boto3.client(service, config=config)  # type: ignore[call-overload]  # by name


def _build(flow: str) -> None:
    """A flow, by its name in the composition."""
    import handler  # type: ignore[import-not-found]  # of the function on the path

    getattr(handler.flows, flow)


if __name__ == "__main__":
    main()
