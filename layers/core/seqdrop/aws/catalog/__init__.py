"""The catalog: one table that knows every sample, run, job, reference and what happened to them."""

from typing import TYPE_CHECKING

from seqdrop.aws.catalog.analyses import Analyses
from seqdrop.aws.catalog.controls import Controls
from seqdrop.aws.catalog.costs import Costs
from seqdrop.aws.catalog.current_runs import CurrentRuns
from seqdrop.aws.catalog.due import Dues
from seqdrop.aws.catalog.gates import Gates
from seqdrop.aws.catalog.hosts import Hosts
from seqdrop.aws.catalog.jobs import Jobs
from seqdrop.aws.catalog.manifests import ManifestRecords
from seqdrop.aws.catalog.projects import Projects
from seqdrop.aws.catalog.reanalyses import Reanalyses
from seqdrop.aws.catalog.references import References
from seqdrop.aws.catalog.runs import Runs
from seqdrop.aws.catalog.table import Table
from seqdrop.aws.catalog.tasks import Tasks
from seqdrop.aws.catalog.uploads import Uploads
from seqdrop.aws.catalog.validations import Validations

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Catalog:
    """All parts of the catalog over one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        table = Table(client, table_name)
        self.analyses = Analyses(table)
        self.uploads = Uploads(table, self.analyses)
        self.manifests = ManifestRecords(table, self.analyses)
        self.current_runs = CurrentRuns(table)
        self.controls = Controls(table)
        self.projects = Projects(table)
        self.runs = Runs(table, self.projects)
        self.hosts = Hosts(table)
        self.costs = Costs(table)
        self.gates = Gates(table)
        self.dues = Dues(table)
        self.jobs = Jobs(table, self.costs)
        self.tasks = Tasks(table, self.costs)
        self.references = References(table)
        self.reanalyses = Reanalyses(table)
        self.validations = Validations(table)
