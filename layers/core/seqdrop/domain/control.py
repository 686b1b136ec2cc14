"""Controls without template: reads that map in one may be in every sample of its batch."""

from collections.abc import Mapping

from seqdrop.domain.qc import Judgement, Verdict

_ALONE = "NOTE: a control without template: only its mapped reads are judged"


def judge_control(metrics: Mapping[str, float], most: int) -> Judgement:
    """The verdict of a control, in which nothing should map.

    Limits and floors are those of samples, and say nothing of it.
    """
    mapped = metrics.get("mapped_reads")
    if mapped is None:
        said = "WARN: it could not be told how many reads of the control map"
    elif mapped > most:
        said = (
            f"WARN: the control holds {mapped:,.0f} mapped reads, more than {most:,}: look at the "
            "samples of its batch"
        )
    else:
        return Judgement(Verdict.PASS, [_ALONE])
    return Judgement(Verdict.WARN, [said, _ALONE])


def warning_of(control: str, metrics: Mapping[str, float], most: int) -> str:
    """What the samples of a control's batch are told; "" where it is clean, or was not counted."""
    mapped = metrics.get("mapped_reads", 0)
    if mapped <= most:
        return ""
    return (
        f"the control {control} of the same manifest holds {mapped:,.0f} mapped reads, more than "
        f"{most:,}: they may be in this sample too"
    )
