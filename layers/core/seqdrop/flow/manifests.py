"""Manifests: cut into messages of one sample each, and applied sample by sample.

Each item that an application writes remembers the version of the manifest that it is of, and an
older one writes nothing over it. So messages may come twice, late and in any order, and one that
fails repeats its own sample alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.objects import Objects
from seqdrop.aws.queues import (
    MAX_MESSAGE_BYTES,
    FileOfManifest,
    LookAt,
    NamedInRefused,
    SampleOfManifest,
    UploadsQueue,
    size_of,
)
from seqdrop.domain.errors import InvalidManifest, Overtaken, Transient, Unreadable
from seqdrop.domain.expectation import Expectation, ManifestVersion, Named, NewestManifest
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.inputs import (
    begun,
    is_named_before,
    sealed,
    with_manifest,
    without_manifest,
)
from seqdrop.domain.intake import AnalysisChange, LeaveOut, Unplaced
from seqdrop.domain.manifest import (
    MAX_MANIFEST_BYTES,
    ExpectedFile,
    SampleEntry,
    check_named_once,
    check_size,
    expected_files,
    parse_manifest,
)
from seqdrop.domain.named_files import files_named_in
from seqdrop.domain.naming import unplaced_sample
from seqdrop.domain.records import Analysis
from seqdrop.domain.upload import Upload
from seqdrop.flow.intake import Intake
from seqdrop.flow.retry import retry_on_conflict

_AT_ONCE = 4
"""A sample of more files than that has messages of their own for them: a function has 30 s for ten
messages, and a file takes a dozen requests."""


@dataclass(frozen=True)
class Manifests:
    """A manifest may come before its files, after them, twice, or corrected."""

    catalog: Catalog
    objects: Objects
    intake: Intake
    queue: UploadsQueue
    now: Callable[[], datetime]

    def receive(self, upload: Upload) -> str:
        """Cuts a manifest into a message for each sample; one that can't be used is held.

        A version that the bucket no longer has says nothing: what replaced it has its own event.
        """
        object_ = upload.object
        try:
            described = self.objects.head(upload.bucket, upload.key)
        except Unreadable as error:
            return self._hold(object_, "", str(error))
        if described is None or described.version != upload.version:
            return "a manifest that has been replaced or deleted since"
        placement, _ = self.catalog.uploads.known(object_)
        before = self.catalog.manifests.newest(object_)
        is_settled = placement.analysis is None or (before is not None and before.is_refused)
        if placement.version == upload.version and is_settled:
            return "a manifest that was cut before"
        manifest = ManifestVersion(
            object_, upload.version, upload.version_id, upload.sequencer, upload.time
        )
        if before and before.manifest.version == manifest.version:
            manifest = before.manifest  # that an archive gave it back does not tell when it came
        newest = self.catalog.manifests.begin(manifest)
        if newest is None:
            return "a manifest that has been replaced since"
        return self._cut(newest, described.object.size)

    def _cut(self, newest: NewestManifest, size: int) -> str:
        manifest, object_ = newest.manifest, newest.manifest.object
        try:
            entries = self._entries(manifest, size)
        except Unreadable as error:
            return self._hold(object_, manifest.version, str(error))
        except InvalidManifest as error:
            return self._refuse(newest, size, f"{object_.key!r}: {error}")
        gone = set(self.catalog.manifests.analyses_of(object_)) - entries.keys()
        parts = [SampleOfManifest(manifest, one, entry) for one, entry in entries.items()]
        parts += [SampleOfManifest(manifest, one) for one in sorted(gone)]
        if len(parts) == 1:  # at once, before its files come under their own names
            self.apply(parts[0])
        else:
            self.queue.send_all(parts)
        self._free_files_of_refused(newest)
        done = LeaveOut(f"a manifest of {len(entries)} samples")
        return self.intake.settle(object_, manifest.version, done)

    def _entries(self, manifest: ManifestVersion, size: int) -> dict[AnalysisId, SampleEntry]:
        """What a manifest says, by analysis. Raises InvalidManifest."""
        check_size(size)
        bucket, key = manifest.object.bucket, manifest.object.key
        parsed = parse_manifest(self._body(manifest), key)
        entries = [(self._analysis_of(entry), entry) for entry in parsed.samples]
        check_named_once(str(one) for one, _ in entries)
        check_named_once(
            file.key
            for one, entry in entries
            for file in expected_files(entry, one.assay, bucket, key)
        )
        for one, entry in entries:
            self._check_mates_named(one, entry)
            if size_of(SampleOfManifest(manifest, one, entry)) > MAX_MESSAGE_BYTES:
                raise InvalidManifest(
                    f"sample {one.sample} has too many files for one sample: {len(entry.files)} "
                    "pairs; name some of them under another assay, or join lanes"
                )
        return dict(entries)

    def _check_mates_named(self, one: AnalysisId, entry: SampleEntry) -> None:
        """A mate that was forgotten would go by its own name to another sample.

        Raises InvalidManifest.
        """
        lone = next((pair.r1 for pair in entry.files if not pair.r2), "")
        library = self.intake.library
        if not lone or not (entry.pipeline or library.has_assay(one.assay)):
            return  # of an assay that is not there nobody knows
        if entry.pipeline or not library.assay_named(one.assay).has_one_file_a_lane:
            raise InvalidManifest(
                f"sample {one.sample} has no r2 beside {lone!r}, and {one.assay} takes pairs: give "
                "it, or name an assay with `reads: single` or `interleaved`"
            )

    def _analysis_of(self, entry: SampleEntry) -> AnalysisId:
        assay = entry.assay or entry.pipeline or self.intake.library.default_assay
        return AnalysisId(entry.sample, assay)

    def _body(self, manifest: ManifestVersion) -> bytes:
        """Its bytes; none where that version is gone, or the bucket keeps no versions."""
        bucket, key = manifest.object.bucket, manifest.object.key
        return self.objects.get(bucket, key, manifest.version_id) or b""

    # ── One that can't be used

    def _refuse(self, newest: NewestManifest, size: int, why: str) -> str:
        """Holds a manifest that can't be used, and the files that it names with it.

        One that is too large is not read: a function has not the memory for any file.
        """
        self._free_files_of_refused(newest)
        manifest = newest.manifest
        is_too_large = size > MAX_MANIFEST_BYTES
        body = b"" if is_too_large else self._body(manifest)
        named = sorted(files_named_in(body, manifest.object))
        self.catalog.manifests.refuse(manifest)
        if not self.intake.is_there(manifest.object):  # whose event found nothing refused yet
            return self.forget(manifest.object)
        pieces = [named[i : i + _AT_ONCE] for i in range(0, len(named), _AT_ONCE)]
        self.queue.send_all([NamedInRefused(manifest, tuple(piece)) for piece in pieces])
        return self._hold(manifest.object, manifest.version, why)

    def _hold(self, object_: ObjectName, version: str, why: str) -> str:
        sample = unplaced_sample(object_.bucket, object_.key)
        held = AnalysisId(sample, self.intake.library.default_assay)
        return self.intake.settle(object_, version, Unplaced(held, why))

    def keep_back(self, part: NamedInRefused) -> str:
        """Keeps files that a refused manifest names from being run under their own names."""
        newest = self.catalog.manifests.newest(part.manifest.object)
        if newest is None or newest.manifest.version != part.manifest.version:
            return "the manifest has been replaced since"
        for object_ in part.objects:
            self.apply_to_file(Expectation(object_, part.manifest, is_refused=True))
        return f"{len(part.objects)} files wait for {part.manifest.object.key!r} to be corrected"

    def _free_files_of_refused(self, newest: NewestManifest) -> None:
        """Looks again at the files that a version before the newest one kept back."""
        if newest.refused is None or newest.is_refused:
            return
        named = sorted(files_named_in(self._body(newest.refused), newest.manifest.object))
        self.queue.send_all([LookAt(one) for one in named])
        self.catalog.manifests.freed(newest.manifest)

    def forget(self, object_: ObjectName) -> str:
        """A manifest was deleted: what it said stays, but one that was refused holds no more."""
        if self.intake.is_there(object_):
            return "a manifest that has come again since"
        newest = self.catalog.manifests.newest(object_)
        if newest and newest.is_refused:
            newest = self.catalog.manifests.withdraw(newest)
        if newest:
            self._free_files_of_refused(newest)
        return self.intake.look(object_)

    # ── One sample of it

    def apply(self, part: SampleOfManifest) -> str:
        """Applies what one manifest says of one analysis; without an entry, that it says nothing.

        The analysis first: from then on the manifest's next version knows what this one names, and
        overrules whatever is written of it later. Then each object: it is told what is said of it,
        and looked at. Nothing is written where a newer version of the manifest has come.
        """
        files, manifest = self._files(part), part.manifest
        often = Transient(f"{part.analysis} changes all the time")
        try:
            named = retry_on_conflict(lambda: self._apply(part, files), often)
        except Overtaken:
            return f"{part.analysis}: a newer version of the manifest has come"
        said = [Expectation(file.object, manifest, file) for file in files]
        said += [Expectation(object_, manifest) for object_ in sorted(named.formerly)]
        if len(said) > _AT_ONCE:
            self.queue.send_all(list(map(FileOfManifest, said)))
        else:
            for one in said:
                self.apply_to_file(one)
        return f"{part.analysis} is {self.intake.claiming.advance(part.analysis) or 'gone'}"

    def apply_to_file(self, said: Expectation) -> str:
        """Tells an object what a manifest says of it, and looks at it."""
        try:
            self.catalog.uploads.expect(said)
        except Overtaken:
            return f"{said.object.key}: a newer version of the manifest has come"
        return self.intake.look(said.object)

    def _apply(self, part: SampleOfManifest, files: list[ExpectedFile]) -> Named:
        manifests = self.catalog.manifests
        before = self.catalog.analyses.get(part.analysis)
        named = manifests.named(part.manifest.object, part.analysis)
        if before and not named.now and is_named_before(before, part.manifest):
            named = Named(before.expected)
        after = self._after(part, before, files, named.now | named.formerly)
        said = part.manifest.object.key
        change = AnalysisChange(part.analysis, before, sealed(before, after), "manifest", said)
        named = named.followed_by(frozenset(file.object for file in files))
        manifests.apply(part, change, named, self.now())
        return named

    def _after(
        self, part: SampleOfManifest, before: Analysis | None, files: list[ExpectedFile],
        named_before: frozenset[ObjectName],
    ) -> Analysis:  # fmt: skip
        now = timestamp(self.now())
        start = before or begun(part.analysis, now)
        if part.entry is None:
            return without_manifest(start, part.manifest, named_before)
        return with_manifest(
            start, part.entry, files, part.manifest, named_before=named_before, now=now
        )

    @staticmethod
    def _files(part: SampleOfManifest) -> list[ExpectedFile]:
        if part.entry is None:
            return []
        manifest = part.manifest.object
        return expected_files(part.entry, part.analysis.assay, manifest.bucket, manifest.key)
