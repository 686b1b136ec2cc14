"""What a forked process does to become a job's runner: the same ``runner.main``, loaded already.

Run by its path in the fork server, whose environment is that of jobs (see `BatchSettings`).
"""

import os
import sys
import tempfile
import time
import traceback
from typing import Any, NoReturn


def prepare() -> None:
    """Import the runner with all that a stage may need, and have botocore look up S3 once."""
    import runner.main

    runner.main.load()
    tempfile.tempdir = None  # each job has its own


def run(message: dict[str, Any]) -> NoReturn:
    """Run one stage as the command would, and leave without taking the interpreter apart."""
    os.environ.clear()
    os.environ.update(message["environment"])
    time.tzset()
    os.chdir(message["directory"])
    sys.argv = message["command"]
    code: Any = 1
    try:
        import runner.main

        code = runner.main.main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # as the interpreter would say it; the exit code is 1
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))
