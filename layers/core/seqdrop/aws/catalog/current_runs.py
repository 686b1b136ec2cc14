"""The current runs of analyses: by what of a reference they use, and all there are."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from seqdrop.aws.catalog.layout import (
    REFERENCE_INDEX,
    STATUS_INDEX,
    STATUS_SHARDS,
    Use,
    analysis_key,
    part_users,
    read_analysis,
    read_current_run,
    read_use,
    run_item_key,
    status_shard,
)
from seqdrop.aws.catalog.table import Table
from seqdrop.aws.read_ahead import map_ahead, read_ahead
from seqdrop.domain.identity import AnalysisId, RunId
from seqdrop.domain.records import Analysis, AnalysisStatus

_INDEX_PAGE = 500
_BEGINNING = (AnalysisStatus.RECEIVING, AnalysisStatus.READY, AnalysisStatus.ANALYSING)
_LAST = "~"
"""Sorts after every sample's id."""


_KEYS_AT_ONCE = 100
"""What one request takes."""
_READS_AT_ONCE = 2
_ONLY = (
    "sample", "assay", "project", "status", "current_run", "pipeline", "reference",
    "reference_version", "made",
)  # fmt: skip


class CurrentRun(NamedTuple):
    """The current run of an analysis, as an index lists it."""

    run: RunId
    made: str = ""
    """See Run; "" where the index does not say."""
    parts: dict[str, str] | None = None
    """Of the contents that were asked for those that it uses, by their parts' names."""


class Found(NamedTuple):
    """An analysis as it is, without its files and holds, and its current run."""

    analysis: Analysis
    run: RunId
    made: str


class CurrentRuns:
    """What the indexes list is read again by keys: an index is behind its table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def using(self, checksums: Iterable[str]) -> Iterator[CurrentRun]:
        """Those that use any of these contents, each once, in the order of their samples.

        Two pages of each content are in memory.
        """
        partitions = [self._users(checksum) for checksum in sorted(set(checksums))]
        uses = heapq.merge(*partitions, key=_order)
        for _, same in groupby(uses, key=_order):
            found = list(same)
            parts = {use.part: use.checksum for use in found}
            yield CurrentRun(found[-1].run, found[-1].made, parts)

    def _users(self, checksum: str) -> Iterator[Use]:
        pages = self._table.index_pages(REFERENCE_INDEX, part_users(checksum), _LAST, _INDEX_PAGE)
        return (read_use(item, checksum) for page in read_ahead(pages) for item in page)

    def all(self) -> Iterator[CurrentRun]:
        """Those of all analyses, whatever their status; each once.

        One that goes to another status meanwhile is listed there, or has been: those under which
        it may begin anew are asked twice. Their ids are remembered, some hundred bytes each.
        """
        seen: set[AnalysisId] = set()
        for status in (*AnalysisStatus, *_BEGINNING):
            for shard in range(STATUS_SHARDS):
                pages = self._table.index_pages(
                    STATUS_INDEX, status_shard(status, shard), _LAST, _INDEX_PAGE
                )
                items = (item for page in read_ahead(pages) for item in page)
                for run in map(read_current_run, items):
                    if run and run.analysis not in seen:
                        seen.add(run.analysis)
                        yield CurrentRun(run)

    def read(self, listed: Iterable[CurrentRun]) -> Iterator[Found]:
        """Their analyses as they are now, each with the run that is the current one now."""
        for found in map_ahead(self._read, _pages(listed), _READS_AT_ONCE):
            yield from found

    def _read(self, page: Sequence[CurrentRun]) -> list[Found]:
        keys = [analysis_key(one.run.analysis) for one in page]
        keys += [run_item_key(one.run) for one in page if not one.made]
        items = {(item["pk"], item["sk"]): item for item in self._table.get_all(keys, _ONLY)}
        found = []
        for listed in page:
            item = items.get(analysis_key(listed.run.analysis))
            analysis = read_analysis(item) if item else None
            current = analysis.current_run if analysis else None
            if analysis is None or current is None:  # it lost its run since the index was written
                continue
            made = listed.made if current == listed.run else ""
            of_run = items.get(run_item_key(current)) or {}
            found.append(Found(analysis, current, made or of_run.get("made", "")))
        return found


def _pages(listed: Iterable[CurrentRun]) -> Iterator[list[CurrentRun]]:
    """As many as one request takes the keys of."""
    page: list[CurrentRun] = []
    keys = 0
    for one in listed:
        page.append(one)
        keys += 1 if one.made else 2
        if keys > _KEYS_AT_ONCE - 2:
            yield page
            page, keys = [], 0
    if page:
        yield page


def _order(use: Use) -> AnalysisId:
    return use.run.analysis
