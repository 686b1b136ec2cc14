"""When an analysis or a job is looked at, if nothing is heard of it until then.

Events, messages and polls move everything on as a rule. After these times a lost one is made up
for; ``domain/look.py`` says how.
"""

from datetime import datetime, timedelta

from seqdrop.domain.records import AnalysisStatus, Job

FIRST_LOOK: dict[str, timedelta] = {
    AnalysisStatus.RECEIVING: timedelta(hours=1),
    AnalysisStatus.READY: timedelta(minutes=15),
    AnalysisStatus.ANALYSING: timedelta(minutes=15),
    AnalysisStatus.HELD: timedelta(hours=1),
}
"""After the last change of an analysis, by its status; in any other there is nothing to look at."""
NEXT_LOOK = timedelta(hours=1)
"""At what goes on, be it a run or a job."""


def first_look_at(job: Job) -> datetime | None:
    """When a job is asked after though no event came; None of one of an earlier release."""
    return datetime.fromisoformat(job.submitting) + NEXT_LOOK if job.submitting else None
