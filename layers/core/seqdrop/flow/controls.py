"""What the controls of a sample's batch say: the batch is what one manifest names."""

from dataclasses import dataclass

from seqdrop.aws.catalog import Catalog
from seqdrop.domain.blueprint import decode_blueprint
from seqdrop.domain.control import warning_of
from seqdrop.domain.records import Analysis


@dataclass(frozen=True)
class Controls:
    """Looked at when a sample's run closes, and whenever the sample is shown.

    A control may end after the samples of its batch: these are closed then, and what they were
    judged by stays as it was; `seqdrop show` tells of the control all the same.
    """

    catalog: Catalog

    def warnings(self, analysis: Analysis) -> list[str]:
        """A line for each control of the batch that holds mapped reads, by its current run."""
        if not analysis.manifest or analysis.control:
            return []
        said = map(self._warning, self.catalog.controls.of(analysis.manifest))
        return [line for line in said if line]

    def _warning(self, control: Analysis) -> str:
        run = self.catalog.runs.get(control.current_run) if control.current_run else None
        if run is None:
            return ""
        blueprint = decode_blueprint(self.catalog.runs.blueprint(run))
        return warning_of(str(control.id), run.metrics, blueprint.control_reads)
