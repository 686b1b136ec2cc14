"""Uploads: each object's version is placed once, checked from its first bytes, and registered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import InvalidInput, Transient, UnplaceableFile
from seqdrop.domain.fastq import HEAD_BYTES, check_read_number, read_head
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.naming import (
    CHECKSUM_ENDINGS,
    COMPANION_ENDINGS,
    UploadKind,
    folder_of,
    parse_fastq_name,
    unplaced_sample,
    upload_kind,
)
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.records import FastqFile, Placed
from seqdrop.domain.upload import (
    Place,
    Upload,
    expected_place,
    file_identity,
    place_by_name,
    sequencer_order,
)
from seqdrop.flow.claims import Claims
from seqdrop.flow.retry import retry_on_conflict
from seqdrop.library import Library


def changes_always(key: str) -> Transient:
    """What is raised where the catalog changes under every try to place an upload."""
    return Transient(f"{key!r}: its place in the catalog changes all the time")


@dataclass(frozen=True)
class Intake:
    """One upload at a time; the same one twice, late or out of order changes nothing."""

    catalog: Catalog
    objects: Objects
    library: Library
    claims: Claims
    now: Callable[[], datetime]

    def receive(self, upload: Upload) -> str:
        """Places, checks and registers a FASTQ file; returns what became of it, for the log."""
        return retry_on_conflict(lambda: self._receive(upload), changes_always(upload.key))

    def _receive(self, upload: Upload) -> str:
        placed, expected = self.catalog.analyses.uploads(upload.object)
        known = next((p for p in placed if p.version_id == upload.version), None)
        if known:
            return self._look_again(upload, known)
        if expected:
            return self.register(upload, expected_place(expected), placed)
        if upload.key.endswith("/"):  # as S3's console makes one
            return self._note(upload, "a folder: left out")
        if upload.key.lower().endswith((*COMPANION_ENDINGS, *CHECKSUM_ENDINGS)):
            return self._note(upload, "no FASTQ: left out")
        try:
            return self._receive_by_name(upload, placed)
        except UnplaceableFile as error:
            return self.hold_unplaced(upload, f"{upload.key!r}: {error}")

    def _look_again(self, upload: Upload, known: Placed) -> str:
        if not known.analysis:
            return known.note
        self._lift_if_replaced(upload, known)
        return self._advance(known.analysis)

    def _receive_by_name(self, upload: Upload, placed: list[Placed]) -> str:
        if upload_kind(upload.key) is UploadKind.OTHER:
            raise UnplaceableFile(
                "it is neither FASTQ (.fastq.gz, .fq.gz) nor a manifest (.manifest.json, "
                "samplesheet.csv)"
            )
        name = parse_fastq_name(upload.key)
        if name.left_out:
            return self._note(upload, f"{name.left_out}: left out")
        place = place_by_name(name, self._assay_of_folder(upload.key))
        if name.read == "R3":
            self.catalog.analyses.ensure(place.analysis, self.now())
            why = (
                f"{upload.key!r}: where there is a third read, R2 holds UMIs, not the mate: drop a "
                "manifest that names R1 and its mate"
            )
            return self._hold_file(upload, place, why, placed)
        return self.register(upload, place, placed)

    def _assay_of_folder(self, key: str) -> str:
        """The first folder's name; whether there is such an assay is seen when it may start."""
        folder = folder_of(key)
        if not folder:
            return self.library.default_assay
        if not folder.replace("-", "").replace("_", "").replace(".", "").isalnum() or (
            len(folder) > 64 or not folder.isascii()
        ):
            raise UnplaceableFile(f"its first folder {folder[:70]!r} can't be an assay's name")
        return folder

    def register(self, upload: Upload, place: Place, placed: list[Placed]) -> str:
        """Looks into the file and adds it to its analysis; then sees whether that may start.

        Raises Conflict where somebody else has placed the file, or its like, meanwhile.
        """
        described = self.objects.head(upload.bucket, upload.key, upload.version_id)
        if described is None:
            return self._note(upload, "deleted before it was looked at")
        self.catalog.analyses.ensure(place.analysis, self.now())
        stored = msgspec.structs.replace(described.object, md5=place.md5)
        try:
            head = read_head(self.objects.first_bytes(stored, HEAD_BYTES), stored.size)
            check_read_number(head, place.read)
        except InvalidInput as error:
            return self._hold_file(upload, place, f"{upload.key!r}: {error}", placed)
        file = FastqFile(
            sample=place.sample,
            assay=place.assay,
            identity=file_identity(place, head),
            object=stored,
            etag=described.etag,
            first_read=head.read_name,
            sequencer=upload.sequencer,
            named_lane=place.named_lane,
            placed_by=place.by,
            registered=timestamp(self.now()),
        )
        mine = sequencer_order(upload.sequencer)
        is_newest = not any(sequencer_order(p.sequencer) > mine for p in placed)
        return self._put(upload, file, is_newest=is_newest)

    def _put(self, upload: Upload, file: FastqFile, *, is_newest: bool) -> str:
        """A hold of this object is only lifted by what is newer than the version that it is for."""
        there = self.catalog.analyses.file(file.analysis, file.identity)
        placed = upload.placed(file.analysis, file.identity)
        if there is not None and not self._is_in_bucket(there.object):
            why = f"it was deleted, and {upload.key!r} came in its place"
            self.catalog.analyses.withdraw(there, why, upload.cause, self.now())
            there = None
        same_key = there is not None and there.object.key == file.object.key
        if there is None:
            self.catalog.analyses.register_file(
                file, placed, upload.cause, self.now(), lifts_hold=is_newest
            )
        elif not same_key and self._named_of(file, there) == [file]:
            # With the same bytes, too: the manifest waits for this key.
            why = f"the manifest names {upload.key!r} in its place"
            self.catalog.analyses.withdraw(there, why, upload.cause, self.now())
            self.catalog.analyses.register_file(file, placed, upload.cause, self.now())
        elif there.same_content(file):
            self._keep(there, upload, placed)
        elif not same_key:
            self._put_beside(upload, file, there, placed)
        elif sequencer_order(there.sequencer) > sequencer_order(file.sequencer):
            self.catalog.analyses.note_upload(placed)  # late news of what was replaced already
        else:
            replaces = there.object.version_id or there.etag
            self.catalog.analyses.register_file(
                file, placed, upload.cause, self.now(), replaces=replaces
            )
        return self._advance(file.analysis)

    def _is_in_bucket(self, stored: StoredObject) -> bool:
        return self.objects.head(stored.bucket, stored.key, stored.version_id) is not None

    def _named_of(self, *files: FastqFile) -> list[FastqFile]:
        """Those whose keys the manifest of their analysis names."""
        analysis = self.catalog.analyses.get(files[0].analysis)
        named = analysis.expected if analysis else frozenset()
        return [file for file in files if file.object.name in named]

    def _put_beside(
        self, upload: Upload, file: FastqFile, there: FastqFile, placed: Placed
    ) -> None:
        """Of two objects for one identity, the one that a manifest names counts."""
        analyses = self.catalog.analyses
        if self._named_of(file, there) == [there]:
            note = f"left out: the manifest names {there.object.key!r}"
            analyses.note_upload(upload.placed(note=note))
        else:
            why = (
                f"{upload.key!r} and {there.object.key!r} both hold "
                f"{file.identity.describe()}, with different content: drop a manifest that names "
                "the right one, or each with its own library"
            )
            analyses.hold(file.analysis, upload.cause, why, self.now(), placed=placed)

    def _keep(self, there: FastqFile, upload: Upload, placed: Placed) -> None:
        """The same bytes again: nothing changes, but a hold of this object is lifted."""
        self.lift_hold(there.analysis, upload.cause)
        self.catalog.analyses.note_upload(placed)

    def lift_hold(self, of: AnalysisId, cause: str, why: str = "") -> None:
        """Lifts the hold of an object, if it is there, and for this reason where one is given.

        Raises Conflict where the analysis changes meanwhile.
        """
        analysis = self.catalog.analyses.get(of)
        if analysis and cause in analysis.holds and why in {"", analysis.holds[cause]}:
            self.catalog.analyses.lift_hold(analysis, cause, self.now())

    def _hold_file(self, upload: Upload, place: Place, why: str, placed: list[Placed]) -> str:
        mine = sequencer_order(upload.sequencer)
        if any(sequencer_order(p.sequencer) > mine for p in placed):
            return self._note(upload, "unreadable, and replaced since")
        held = upload.placed(place.analysis, note=why)
        self.catalog.analyses.hold(place.analysis, upload.cause, why, self.now(), placed=held)
        self._lift_if_replaced(upload, held)
        return self._advance(place.analysis)

    def _lift_if_replaced(self, upload: Upload, held: Placed) -> None:
        """Ends this version's hold where a good one came while it was being looked at.

        Whoever registers a newer version lifts the hold that it finds; one that is written a moment
        later would stay for ever.
        """
        retry_on_conflict(lambda: self._lift_own_hold(upload, held), changes_always(upload.key))

    def _lift_own_hold(self, upload: Upload, held: Placed) -> str:
        placed, _ = self.catalog.analyses.uploads(upload.object)
        newest = max(placed, key=lambda p: sequencer_order(p.sequencer), default=held)
        is_replaced = newest.version_id != held.version_id and newest.identity
        if held.note and is_replaced and held.analysis:
            self.lift_hold(held.analysis, upload.cause, held.note)
        return held.note

    def hold_unplaced(self, upload: Upload, why: str) -> str:
        """Keeps an upload that belongs nowhere in sight, under an id of its own."""
        sample = unplaced_sample(upload.bucket, upload.key)
        held = AnalysisId(sample, self.library.default_assay)
        self.catalog.analyses.ensure(held, self.now())
        placed = upload.placed(held, note=why)
        self.catalog.analyses.hold(held, upload.cause, why, self.now(), placed=placed)
        return self._advance(held)

    def _note(self, upload: Upload, note: str) -> str:
        self.catalog.analyses.note_upload(upload.placed(note=note))
        return note

    def _advance(self, analysis: AnalysisId) -> str:
        status = self.claims.advance(analysis)
        return f"{analysis} is {status or 'being changed by somebody else'}"
