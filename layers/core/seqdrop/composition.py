"""The one place where adapters and flows are built, of settings and clients.

The functions, the command and the tests build the same: each part once, when it is first needed.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import botocore
import msgspec
from botocore.config import Config

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.objects import Objects
from seqdrop.library import Library
from seqdrop.settings import load_settings

if TYPE_CHECKING:
    from seqdrop.aws.alerts import Alerts
    from seqdrop.aws.audit import AuditCopy
    from seqdrop.aws.batch import Batch
    from seqdrop.aws.executions import Executions, ReanalysisExecutions, TaskTokens
    from seqdrop.aws.job_logs import JobLogs
    from seqdrop.aws.queues import JobEventsQueue, UploadsQueue
    from seqdrop.flow.admission import Admission
    from seqdrop.flow.assay_gates import AssayGates
    from seqdrop.flow.claiming import Claiming
    from seqdrop.flow.closing import Closing
    from seqdrop.flow.gates import Gates
    from seqdrop.flow.intake import Intake
    from seqdrop.flow.log_copies import LogCopies
    from seqdrop.flow.manifests import Manifests
    from seqdrop.flow.planning import Planning
    from seqdrop.flow.polling import Polling
    from seqdrop.flow.priorities import Priorities
    from seqdrop.flow.reanalysis.announcements import Announcements
    from seqdrop.flow.reanalysis.cohort import Cohort
    from seqdrop.flow.reanalysis.ending import ReanalysisEnding, ReanalysisLook
    from seqdrop.flow.reanalysis.members import ReanalysisMembers
    from seqdrop.flow.reanalysis.orders import ReanalysisOrders
    from seqdrop.flow.reanalysis.planning import ReanalysisPlanning
    from seqdrop.flow.reanalysis.reporting import ReanalysisReporting
    from seqdrop.flow.reanalysis.run_files import RunFiles
    from seqdrop.flow.reception import Reception
    from seqdrop.flow.recording import Recording
    from seqdrop.flow.references import Preparation, ReferenceFlow
    from seqdrop.flow.submission import Submission
    from seqdrop.flow.sweep import Sweep
    from seqdrop.flow.workflow_tasks import WorkflowTasks

_FUNCTION_CONFIG = Config(
    connect_timeout=3,
    read_timeout=15,
    retries={"mode": "standard", "max_attempts": 4},
)
OLDEST_BOTOCORE = (1, 36)
"""Lambda's runtime brings its own, of an age that AWS chooses. An older one leaves S3's checksum of
a whole object out of its answers, without a word: results of the same file would get other keys."""


class Settings(Protocol):
    """All that any part is built of; whoever builds a part has those that it needs."""

    catalog_table: str
    results_bucket: str
    references_bucket: str
    audit_bucket: str
    uploads_queue_url: str
    job_events_queue_url: str
    job_log_group: str
    analyse_sample_arn: str
    reanalyse_arn: str
    pipelines_dir: str
    images: dict[str, str]
    job_definitions: dict[str, str]
    job_queue_prefix: str
    queue_kinds: frozenset[str]
    image_names: frozenset[str]
    shortest_poll_seconds: int
    runnable_timeout_seconds: int
    alert_after_seconds: int
    cpu_instance_types: str
    scratch_gib: int


def now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


def function_client(service: str) -> Any:
    """A function's client of one AWS service."""
    return boto3.client(service, config=_FUNCTION_CONFIG)  # type: ignore[call-overload]  # by name


class Composition:
    """Adapters and flows over one deployment.

    ``settings`` has those of ``Settings`` that the parts in use are built of: a part that needs
    another raises AttributeError, which names it.
    """

    def __init__(
        self, settings: Any, client: Callable[[str], Any], now: Callable[[], datetime] = now
    ) -> None:
        self._settings: Settings = settings
        self._client = client
        self.now = now

    @cached_property
    def s3(self) -> Any:
        """The client of S3."""
        return self._client("s3")

    @cached_property
    def step_functions(self) -> Any:
        """The client of Step Functions."""
        return self._client("stepfunctions")

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog's table."""
        return Catalog(self._client("dynamodb"), self._settings.catalog_table)

    @cached_property
    def objects(self) -> Objects:
        """Objects in S3."""
        return Objects(self.s3)

    @cached_property
    def batch(self) -> "Batch":
        """AWS Batch."""
        from seqdrop.aws.batch import Batch

        return Batch(self._client("batch"))

    @cached_property
    def executions(self) -> "Executions":
        """The state machine that analyses samples."""
        from seqdrop.aws.executions import Executions

        return Executions(self.step_functions, self._settings.analyse_sample_arn)

    @cached_property
    def tokens(self) -> "TaskTokens":
        """The tokens that states wait with."""
        from seqdrop.aws.executions import TaskTokens

        return TaskTokens(self.step_functions)

    @cached_property
    def queue(self) -> "UploadsQueue":
        """The queue that register_upload reads."""
        from seqdrop.aws.queues import UploadsQueue

        return UploadsQueue(self._client("sqs"), self._settings.uploads_queue_url)

    @cached_property
    def job_events(self) -> "JobEventsQueue":
        """The queue that record_job_event reads."""
        from seqdrop.aws.queues import JobEventsQueue

        return JobEventsQueue(self._client("sqs"), self._settings.job_events_queue_url)

    @cached_property
    def job_logs(self) -> "JobLogs":
        """What jobs wrote."""
        from seqdrop.aws.job_logs import JobLogs

        return JobLogs(self._client("logs"), self._settings.job_log_group)

    @cached_property
    def log_copies(self) -> "LogCopies":
        """Copies of it beside the results."""
        from seqdrop.flow.log_copies import LogCopies

        return LogCopies(self.catalog, self.objects, self.job_logs)

    @cached_property
    def library(self) -> Library:
        """Pipelines, assays and prices."""
        return Library(self._settings.pipelines_dir)

    @cached_property
    def admission(self) -> "Admission":
        """What a project and an assay may have."""
        from seqdrop.flow.admission import Admission

        return Admission(self.catalog, self.library, self.queue, self.assay_gates, self.now)

    @cached_property
    def claiming(self) -> "Claiming":
        """Whether analyses may start."""
        from seqdrop.domain.job_definitions import JobDefinitions
        from seqdrop.flow.claiming import Claiming
        from seqdrop.flow.validated_versions import ValidatedVersions

        return Claiming(
            catalog=self.catalog,
            executions=self.executions,
            queue=self.queue,
            admission=self.admission,
            priorities=self.priorities,
            library=self.library,
            images=self._settings.images,
            definitions=JobDefinitions(
                self._settings.job_queue_prefix, self._settings.job_definitions
            ),
            validated=ValidatedVersions(self.catalog, self.library, self._settings.images),
            now=self.now,
        )

    @cached_property
    def intake(self) -> "Intake":
        """Uploads of FASTQ files."""
        from seqdrop.flow.intake import Intake

        return Intake(self.catalog, self.objects, self.library, self.claiming, self.queue, self.now)

    @cached_property
    def manifests(self) -> "Manifests":
        """Uploads of manifests."""
        from seqdrop.flow.manifests import Manifests

        return Manifests(self.catalog, self.objects, self.intake, self.queue, self.now)

    @cached_property
    def reception(self) -> "Reception":
        """The queue of uploads: whatever is in it."""
        from seqdrop.flow.reception import Reception

        return Reception(self.intake, self.manifests, self.claiming, self.now)

    @cached_property
    def planning(self) -> "Planning":
        """The plans of claimed runs."""
        from seqdrop.flow.planning import Planning

        return Planning(
            catalog=self.catalog,
            objects=self.objects,
            results_bucket=self._settings.results_bucket,
            shortest_poll_seconds=self._settings.shortest_poll_seconds,
            now=self.now,
        )

    @cached_property
    def submission(self) -> "Submission":
        """Submitting jobs."""
        from seqdrop.flow.submission import Submission

        return Submission(
            catalog=self.catalog,
            objects=self.objects,
            batch=self.batch,
            tokens=self.tokens,
            results_bucket=self._settings.results_bucket,
            queue_prefix=self._settings.job_queue_prefix,
            cpu_instance_types=self._settings.cpu_instance_types,
            now=self.now,
        )

    @cached_property
    def alerts(self) -> "Alerts":
        """Events for people."""
        from seqdrop.aws.alerts import Alerts

        return Alerts(self._client("events"))

    @cached_property
    def gates(self) -> "Gates":
        """Whether the jobs of each kind of queues may start."""
        from seqdrop.flow.gates import Gates

        return Gates(self.catalog, self.batch, self.alerts, self.now)

    @cached_property
    def assay_gates(self) -> "AssayGates":
        """Whether the runs of each assay may begin."""
        from seqdrop.flow.assay_gates import AssayGates

        return AssayGates(self.catalog, self.now)

    @cached_property
    def recording(self) -> "Recording":
        """Recording what Batch says of jobs."""
        from seqdrop.flow.recording import Recording

        return Recording(
            catalog=self.catalog,
            objects=self.objects,
            tokens=self.tokens,
            batch=self.batch,
            gates=self.gates,
            queue=self.job_events,
            tasks=self.workflow_tasks,
            prices=self.library.prices,
            scratch_gib=self._settings.scratch_gib,
            now=self.now,
        )

    @cached_property
    def workflow_tasks(self) -> "WorkflowTasks":
        """The jobs of workflows' tasks."""
        from seqdrop.flow.workflow_tasks import WorkflowTasks

        return WorkflowTasks(
            catalog=self.catalog,
            objects=self.objects,
            batch=self.batch,
            prices=self.library.prices,
            scratch_gib=self._settings.scratch_gib,
            now=self.now,
        )

    @cached_property
    def polling(self) -> "Polling":
        """Asking Batch after jobs."""
        from seqdrop.flow.polling import Polling

        return Polling(
            catalog=self.catalog,
            objects=self.objects,
            batch=self.batch,
            news=self.recording,
            runnable_timeout_seconds=self._settings.runnable_timeout_seconds,
            now=self.now,
        )

    @cached_property
    def priorities(self) -> "Priorities":
        """Priorities that change later."""
        from seqdrop.flow.priorities import Priorities

        return Priorities(self.catalog, self.batch, self.now)

    @cached_property
    def closing(self) -> "Closing":
        """The end of runs."""
        from seqdrop.flow.closing import Closing

        return Closing(
            catalog=self.catalog,
            objects=self.objects,
            queue=self.queue,
            batch=self.batch,
            assays=self.assay_gates,
            members=self.reanalysis_members,
            results_bucket=self._settings.results_bucket,
            now=self.now,
        )

    @cached_property
    def reanalysis_members(self) -> "ReanalysisMembers":
        """The members of reanalyses, as their runs end."""
        from seqdrop.flow.reanalysis.members import ReanalysisMembers

        bucket = self._settings.results_bucket
        return ReanalysisMembers(self.catalog, self.objects, self.tokens, bucket, self.now)

    @cached_property
    def reanalysis_planning(self) -> "ReanalysisPlanning":
        """The plans of reanalyses."""
        from seqdrop.flow.reanalysis.planner import ReanalysisPlanner
        from seqdrop.flow.reanalysis.planning import ReanalysisPlanning

        settings = self._settings
        planner = ReanalysisPlanner(
            self.catalog, self.objects, self.library, settings.images, settings.scratch_gib
        )
        return ReanalysisPlanning(
            catalog=self.catalog,
            objects=self.objects,
            planner=planner,
            alerts=self.alerts,
            results_bucket=settings.results_bucket,
            now=self.now,
        )

    @cached_property
    def run_files(self) -> "RunFiles":
        """The files of runs that are compared."""
        from seqdrop.flow.reanalysis.run_files import RunFiles

        return RunFiles(self.catalog, self.objects, self._settings.results_bucket)

    @cached_property
    def cohort(self) -> "Cohort":
        """The runs of reanalyses, as they begin."""
        from seqdrop.flow.reanalysis.cohort import Cohort
        from seqdrop.flow.reanalysis.runs import ReanalysisRuns

        runs = ReanalysisRuns(self.catalog, self.claiming, self.run_files, self.now)
        return Cohort(self.catalog, runs, self.reanalysis_members, self.tokens, self.now)

    @cached_property
    def reanalysis_reporting(self) -> "ReanalysisReporting":
        """What people are told of reanalyses."""
        from seqdrop.flow.reanalysis.reporting import ReanalysisReporting

        return ReanalysisReporting(
            catalog=self.catalog,
            objects=self.objects,
            tokens=self.tokens,
            alerts=self.alerts,
            results_bucket=self._settings.results_bucket,
            now=self.now,
        )

    @cached_property
    def reanalysis_ending(self) -> "ReanalysisEnding":
        """Reanalyses whose executions ended badly."""
        from seqdrop.flow.reanalysis.ending import ReanalysisEnding

        return ReanalysisEnding(
            catalog=self.catalog,
            executions=self.executions,
            members=self.reanalysis_members,
            alerts=self.alerts,
            now=self.now,
        )

    @cached_property
    def reanalysis_look(self) -> "ReanalysisLook":
        """Reanalyses whose executions nobody was told of."""
        from seqdrop.flow.reanalysis.ending import ReanalysisLook

        return ReanalysisLook(self.catalog, self.reanalysis_executions, self.reanalysis_ending)

    @cached_property
    def reanalysis_executions(self) -> "ReanalysisExecutions":
        """The state machine of reanalyses."""
        from seqdrop.aws.executions import ReanalysisExecutions

        return ReanalysisExecutions(self.step_functions, self._settings.reanalyse_arn)

    @cached_property
    def reanalysis_orders(self) -> "ReanalysisOrders":
        """What people order of reanalyses."""
        from seqdrop.flow.reanalysis.orders import ReanalysisOrders

        return ReanalysisOrders(self.catalog, self.reanalysis_executions, self.tokens, self.now)

    @cached_property
    def announcements(self) -> "Announcements":
        """What is begun by itself when a reference is READY."""
        from seqdrop.flow.reanalysis.announcements import Announcements

        return Announcements(self.catalog, self.library, self.reanalysis_orders, self.job_events)

    @cached_property
    def sweep(self) -> "Sweep":
        """Whatever waits past its time."""
        from seqdrop.domain.hosts import queue_name
        from seqdrop.flow.sweep import Sweep

        settings = self._settings
        return Sweep(
            catalog=self.catalog,
            queue=self.queue,
            executions=self.executions,
            closing=self.closing,
            polling=self.polling,
            preparation=self.preparation,
            announcements=self.announcements,
            reanalyses=self.reanalysis_look,
            gates=self.gates,
            assays=self.assay_gates,
            alerts=self.alerts,
            library=self.library,
            queues=[queue_name(settings.job_queue_prefix, kind) for kind in settings.queue_kinds],
            alert_after=timedelta(seconds=settings.alert_after_seconds),
            now=self.now,
        )

    @cached_property
    def preparation(self) -> "Preparation":
        """The end of a reference's preparation; what is waited for, its item says."""
        from seqdrop.flow.references import Preparation

        return Preparation(self.catalog, self.objects, self.library, self.job_events, self.now)

    @cached_property
    def reference_flow(self) -> "ReferenceFlow":
        """Adding and retiring references."""
        from seqdrop.flow.references import Preparation, ReferenceFlow

        images = self._settings.image_names
        return ReferenceFlow(
            catalog=self.catalog,
            objects=self.objects,
            preparation=Preparation(
                self.catalog, self.objects, self.library, self.job_events, self.now, images
            ),
            submission=self.submission,
            polling=self.polling,
            references_bucket=self._settings.references_bucket,
            now=self.now,
        )

    @cached_property
    def audit_copy(self) -> "AuditCopy":
        """The copy of the audit trail."""
        from seqdrop.aws.audit import AuditCopy

        return AuditCopy(self.objects, self._settings.audit_bucket)


def compose(kind: type[msgspec.Struct]) -> Composition:
    """What a function is built of, when it starts.

    Raises MissingSetting where the template does not tell it all of its settings.
    """
    return Composition(load_settings(kind), function_client)


def check_botocore(version: str) -> None:
    """Raises RuntimeError for a botocore that is too old for what the functions ask."""
    if tuple(map(int, version.split(".")[:2])) < OLDEST_BOTOCORE:
        oldest = ".".join(map(str, OLDEST_BOTOCORE))
        raise RuntimeError(
            f"botocore {version} of this runtime is older than {oldest}: let Lambda update the "
            "function's runtime (its runtime management is to be Auto)"
        )


check_botocore(botocore.__version__)
