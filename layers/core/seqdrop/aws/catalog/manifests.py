"""Manifests in the catalog: the newest version of each, and what it names for each analysis."""

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from seqdrop.aws.catalog.analyses import Analyses
from seqdrop.aws.catalog.layout import (
    control_item,
    named_attributes,
    named_by,
    named_key,
    newest_manifest_key,
    read_named,
)
from seqdrop.aws.catalog.table import Table, from_item
from seqdrop.domain.errors import Conflict, Overtaken
from seqdrop.domain.expectation import ManifestVersion, Named, NewestManifest
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.upload import object_cause

if TYPE_CHECKING:
    from seqdrop.aws.queues import SampleOfManifest
    from seqdrop.domain.intake import AnalysisChange


class ManifestRecords:
    """One item for the newest version of each manifest: what is older writes nothing."""

    def __init__(self, table: Table, analyses: Analyses) -> None:
        self._table = table
        self._analyses = analyses

    def newest(self, manifest: ObjectName) -> NewestManifest | None:
        """The newest version that was looked at."""
        item = self._table.get(newest_manifest_key(manifest))
        return from_item(item, NewestManifest) if item else None

    def begin(self, manifest: ManifestVersion) -> NewestManifest | None:
        """Makes a version the newest one; None where a newer one has come before it.

        It is returned with the last version that was refused: the files that this one kept back are
        still to be freed.
        """
        try:
            item = self._table.update(
                newest_manifest_key(manifest.object),
                sets={
                    "manifest": msgspec.to_builtins(manifest),
                    "version": manifest.version,
                    "order": manifest.order,
                },
                conditions=[("order", "absent or <=", manifest.order)],
            )
        except Conflict:
            return None
        return from_item(item, NewestManifest)

    def refuse(self, manifest: ManifestVersion) -> None:
        """Remembers that a version can't be used as it stands, if it still is the newest."""
        with suppress(Conflict):
            self._table.update(
                newest_manifest_key(manifest.object),
                sets={"refused": msgspec.to_builtins(manifest)},
                conditions=[("version", "=", manifest.version)],
            )

    def freed(self, manifest: ManifestVersion) -> None:
        """The files that versions before this one held back have been looked at."""
        with suppress(Conflict):
            self._table.update(
                newest_manifest_key(manifest.object),
                sets={},
                removes=["refused"],
                conditions=[("version", "=", manifest.version)],
            )

    def withdraw(self, newest: NewestManifest) -> NewestManifest:
        """A version that was refused is deleted: it keeps no file back any more."""
        manifest = newest.manifest
        gone = msgspec.structs.replace(manifest, version="")
        with suppress(Conflict):
            self._table.update(
                newest_manifest_key(manifest.object),
                sets={"manifest": msgspec.to_builtins(gone), "version": ""},
                conditions=[("version", "=", manifest.version)],
            )
        return msgspec.structs.replace(newest, manifest=gone)

    def named(self, manifest: ObjectName, analysis: AnalysisId) -> Named:
        """What a manifest names for an analysis."""
        item = self._table.get(named_key(manifest, analysis))
        return read_named(item) if item else Named()

    def analyses_of(self, manifest: ObjectName) -> list[AnalysisId]:
        """The analyses that a manifest names, or has named."""
        items = self._table.query(*named_by(manifest))
        return [AnalysisId(item["sample"], item["assay"]) for item in items]

    def apply(
        self, part: "SampleOfManifest", change: "AnalysisChange", named: Named, now: datetime
    ) -> None:
        """Writes what a manifest says of one analysis, all or nothing.

        Raises Overtaken where a newer version of the manifest has come, and Conflict where the
        analysis has changed since.
        """
        manifest = part.manifest
        pk, sk = named_key(manifest.object, part.analysis)
        item = {
            "pk": pk,
            "sk": sk,
            "sample": part.analysis.sample,
            "assay": part.analysis.assay,
            **named_attributes(named),
        }
        newest = newest_manifest_key(manifest.object)
        writes = [
            self._table.check_write(newest, ("version", "=", manifest.version)),
            self._table.put_write(item),
        ]
        if part.entry and part.entry.control:
            writes.append(self._table.put_write(control_item(manifest.object.key, part.analysis)))
        if change.before != change.after:
            cause = object_cause(manifest.object)
            writes += self._analyses.writes_of(change, cause, now, manifest=manifest.object.key)
        try:
            self._table.transact(writes)
        except Conflict:
            there = self._table.get(newest)
            if there is None or there["version"] != manifest.version:
                raise Overtaken(f"a newer version of {manifest.object.key!r} has come") from None
            raise
