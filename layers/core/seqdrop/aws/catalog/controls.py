"""Controls in the catalog: which analyses of a manifest are controls without template."""

from seqdrop.aws.catalog.layout import analysis_key, controls_of, read_analysis
from seqdrop.aws.catalog.table import Table
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.records import Analysis


class Controls:
    """Found by their manifest. Whether an analysis still is one, it says itself."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, manifest: str) -> list[Analysis]:
        """The controls of a manifest: one Query, and a look at each."""
        found = []
        for named in self._table.query(*controls_of(manifest)):
            item = self._table.get(analysis_key(AnalysisId(named["sample"], named["assay"])))
            analysis = read_analysis(item) if item else None
            if analysis and analysis.control and analysis.manifest == manifest:
                found.append(analysis)
        return found
