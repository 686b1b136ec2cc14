"""The FPGA board of the host: reset by DRAGEN's own command when it does not work."""

import subprocess
import sys

COMMAND = "dragen_reset"
_LONGEST_SECONDS = 300


def reset_board() -> bool:
    """Resets the board; False where the command is not here, fails, or does not come to an end."""
    try:
        ended = subprocess.run(
            [COMMAND], stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=_LONGEST_SECONDS,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"{COMMAND}: {error}\n")
        return False
    return ended.returncode == 0
