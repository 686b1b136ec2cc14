"""Manifests: what a lab says of its files wins over what was read from their names."""

from dataclasses import dataclass

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import InvalidManifest
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.manifest import (
    ExpectedFile,
    Manifest,
    SampleEntry,
    check_named_once,
    expected_files,
    manifest_digest,
    parse_manifest,
)
from seqdrop.domain.naming import unplaced_sample
from seqdrop.domain.records import FastqFile, Placed
from seqdrop.domain.upload import (
    Upload,
    expected_place,
    is_object_cause,
    object_cause,
    sequencer_order,
)
from seqdrop.flow.intake import Intake, changes_always
from seqdrop.flow.retry import retry_on_conflict

MAX_MANIFEST_BYTES = 8 * 2**20


@dataclass(frozen=True)
class Manifests:
    """A manifest may come before its files, after them, twice, or corrected."""

    catalog: Catalog
    objects: Objects
    intake: Intake

    def receive(self, upload: Upload) -> str:
        """Applies a manifest to every sample that it names; one that can't be used is held."""
        return retry_on_conflict(lambda: self._receive(upload), changes_always(upload.key))

    def _receive(self, upload: Upload) -> str:
        placed, _ = self.catalog.analyses.uploads(upload.object)
        if any(p.version_id == upload.version for p in placed):
            return "a manifest that was applied before"
        mine = sequencer_order(upload.sequencer)
        if any(sequencer_order(p.sequencer) > mine for p in placed):
            return "a manifest that has been replaced since"
        try:
            manifest = self._read(upload)
            entries = [(entry, *self._files_of(entry, upload)) for entry in manifest.samples]
            check_named_once(file.key for _, _, files in entries for file in files)
            check_named_once(str(analysis) for _, analysis, _ in entries)
        except InvalidManifest as error:
            return self.intake.hold_unplaced(upload, f"{upload.key!r}: {error}")
        here = {analysis for _, analysis, _ in entries}
        left = [self._apply(entry, analysis, files, upload) for entry, analysis, files in entries]
        for other in sorted(set().union(*left) - here):
            self._tidy(other, f"the manifest {upload.key!r} puts its files elsewhere")
        statuses = [f"{each} is {self.intake.claims.advance(each)}" for each in sorted(here)]
        self._forget_unplaced(Placed(upload.bucket, upload.key, upload.version, ""))
        self.catalog.analyses.note_upload(upload.placed(note="manifest"))
        return "; ".join(statuses)

    def _read(self, upload: Upload) -> Manifest:
        described = self.objects.head(upload.bucket, upload.key, upload.version_id)
        if described is not None and described.object.size > MAX_MANIFEST_BYTES:
            raise InvalidManifest(f"the manifest has over {MAX_MANIFEST_BYTES >> 20} MiB")
        body = self.objects.get(upload.bucket, upload.key, upload.version_id)
        if body is None:
            raise InvalidManifest("the manifest was deleted before it was read")
        return parse_manifest(body, upload.key)

    def _files_of(
        self, entry: SampleEntry, upload: Upload
    ) -> tuple[AnalysisId, list[ExpectedFile]]:
        assay = entry.assay or entry.pipeline or self.intake.library.default_assay
        analysis = AnalysisId(entry.sample, assay)
        return analysis, expected_files(entry, assay, upload.bucket, upload.key)

    def _apply(
        self,
        entry: SampleEntry,
        analysis: AnalysisId,
        files: list[ExpectedFile],
        upload: Upload,
    ) -> set[AnalysisId]:
        """Returns the analyses that files were taken from: they are looked at in the end."""
        analyses, now = self.catalog.analyses, self.intake.now()
        left = self._expect(files)
        analyses.ensure(analysis, now)
        before = analyses.get(analysis)
        # Each file that the manifest names is looked at anew; others it leaves out.
        holds = [cause for cause in (before.holds if before else ()) if is_object_cause(cause)]
        saying = manifest_digest(entry, files)
        if before is None or (before.manifest, before.saying) != (upload.key, saying):
            holds.append("run")  # the same again would fail again
        if entry.control:
            self.catalog.controls.note(upload.key, analysis)
        analyses.apply_manifest(
            entry, analysis, files, manifest=upload.key, saying=saying, cause=upload.cause,
            now=now, lifts=holds,
        )  # fmt: skip
        if before and before.manifest == upload.key:
            for gone in before.expected - {file.object for file in files}:
                self._leave_out(analysis, gone)
        for file in files:
            left |= self._gather(file)
        return left

    def _expect(self, files: list[ExpectedFile]) -> set[AnalysisId]:
        """What a manifest expected elsewhere until now is expected there no more."""
        analyses, left = self.catalog.analyses, set()
        for file in files:
            _, before = analyses.uploads(file.object)
            if before and before.analysis != file.analysis:
                analyses.unexpect(before, self.intake.now())
                left.add(before.analysis)
        analyses.expect(files)
        return left

    def _leave_out(self, analysis: AnalysisId, gone: ObjectName) -> None:
        """The corrected manifest names a file no more."""
        analyses, now = self.catalog.analyses, self.intake.now()
        why = f"{gone.key!r} is named no more"
        placed, expected = analyses.uploads(gone)
        if expected and expected.analysis == analysis:
            analyses.forget_expected(expected)
        for earlier in placed:
            if earlier.analysis != analysis:
                continue
            file = analyses.file(analysis, earlier.identity) if earlier.identity else None
            if file is not None and file.object.key == gone.key:
                analyses.withdraw(file, why, "manifest", now)
            analyses.forget_upload(earlier)
            left_out = f"left out: {why}"
            analyses.note_upload(
                Placed(gone.bucket, gone.key, earlier.version_id, earlier.sequencer, note=left_out)
            )

    def _gather(self, expected: ExpectedFile) -> set[AnalysisId]:
        """Takes a file that is there already from where its name, or another manifest, put it."""
        place = expected_place(expected)
        placed, _ = self.catalog.analyses.uploads(expected.object)
        for earlier in placed:
            self._take_back(earlier, expected)
        left = {p.analysis for p in placed if p.analysis}
        described = self.objects.head(expected.bucket, expected.key)
        if described is None:
            return left  # it is yet to come
        version = described.object.version_id
        known = next((p for p in placed if p.version_id == (version or described.etag)), None)
        sequencer = known.sequencer if known else ""
        upload = Upload(expected.bucket, expected.key, version, sequencer, described.etag)
        self.intake.register(upload, place, [])
        return left

    def _take_back(self, earlier: Placed, expected: ExpectedFile) -> None:
        analyses, now = self.catalog.analyses, self.intake.now()
        why = f"the manifest puts {earlier.key!r} into {expected.analysis}"
        if not earlier.analysis:
            analyses.forget_upload(earlier)
            return
        file = analyses.file(earlier.analysis, earlier.identity) if earlier.identity else None
        if file is not None and file.object.key == earlier.key:
            if not self._is_placed_so(file, expected):
                analyses.withdraw(file, why, "manifest", now)
        else:
            analyses.forget_upload(earlier)
            self.intake.lift_hold(earlier.analysis, object_cause(earlier.object))

    @staticmethod
    def _is_placed_so(file: FastqFile, expected: ExpectedFile) -> bool:
        return (
            file.analysis == expected.analysis
            and file.identity.library == (expected.library or "-")
            and expected.lane in {"", file.identity.lane}
            and file.identity.read == expected.read
            and file.object.md5 == expected.md5
        )

    def _tidy(self, other: AnalysisId, why: str) -> None:
        """Ends what names, or another manifest, had begun, where this one knows better."""
        analysis = self.catalog.analyses.get(other)
        if analysis is None:
            return
        has_run = analysis.active_run or analysis.current_run
        if not (analysis.files_seen or analysis.expected or has_run):
            self.catalog.analyses.forget_empty(analysis, why, self.intake.now())
        elif analysis.active_run:
            self.catalog.analyses.hold(other, "manifest", why, self.intake.now())
            self.intake.claims.executions.stop(analysis.active_run, why)
        else:
            self.intake.claims.advance(other)

    def _forget_unplaced(self, manifest: Placed) -> None:
        """A corrected manifest ends the hold of the one that could not be used."""
        sample = unplaced_sample(manifest.bucket, manifest.key)
        held = AnalysisId(sample, self.intake.library.default_assay)
        analysis = self.catalog.analyses.get(held)
        if analysis:
            why = "the manifest was corrected"
            self.catalog.analyses.forget_empty(analysis, why, self.intake.now())
