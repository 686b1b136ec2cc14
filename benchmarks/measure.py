"""One measure: a figure against its baseline, as one line that can be copied elsewhere."""

import os
import platform
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Measure:
    """``figure`` and ``baseline`` are in the same unit; less is better."""

    name: str
    figure: float
    unit: str
    baseline: float
    against: str
    """What the baseline is: a plain script's time, or the aim itself."""
    aim: float = 1.0
    """The ratio that is to be kept."""
    notes: tuple[str, ...] = ()
    """Where the figure comes from, for who wants to make it smaller."""

    @property
    def ratio(self) -> float:
        """The figure in units of its baseline."""
        return self.figure / self.baseline

    @property
    def met(self) -> bool:
        """Whether the aim is kept."""
        return self.ratio <= self.aim

    def lines(self) -> list[str]:
        """The measure in one line, and its notes below it."""
        verdict = "met" if self.met else "MISSED"
        figures = f"{_number(self.figure)} {self.unit} to {_number(self.baseline)} {self.unit}"
        line = (
            f"{self.name}: ratio {self.ratio:.2f}, aim {self.aim:.2f}, {verdict} "
            f"({figures} of {self.against}; {machine()})"
        )
        return [line, *(f"    {note}" for note in self.notes)]


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


@cache
def machine() -> str:
    """Cores, memory and Python of this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = platform.python_version()
    return f"{cores()} cores, {memory:.0f} GiB, {platform.machine()}, Python {python}"


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
