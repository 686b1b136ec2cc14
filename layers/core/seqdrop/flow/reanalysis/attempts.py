"""One attempt at a reanalysis: whether it is still the one that goes on."""

from seqdrop.aws.catalog import Catalog
from seqdrop.domain.errors import Conflict, InvalidInput
from seqdrop.domain.reanalysis.record import Reanalysis

SYSTEM = "seqdrop"


class ReanalysisOver(Conflict):
    """The reanalysis goes on as another execution."""


def reanalysis_of(catalog: Catalog, name: str, attempt: int) -> Reanalysis:
    """The reanalysis of an execution. Raises ReanalysisOver where another one goes on."""
    reanalysis = catalog.reanalyses.get(name)
    if reanalysis is None:
        raise InvalidInput(f"there is no reanalysis {name}")
    if reanalysis.attempt != attempt:
        raise ReanalysisOver(f"{name} goes on as attempt {reanalysis.attempt}")
    return reanalysis
