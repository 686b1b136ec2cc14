"""Uploads: each object's version is placed once, checked from its first bytes, and registered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import Conflict, InvalidInput, Transient, UnplaceableFile
from seqdrop.domain.fastq import HEAD_BYTES, check_read_number, read_head, require_reads
from seqdrop.domain.key_meaning import Aside, LeftOut, Manifest, Reads, Unplaced, meaning_of
from seqdrop.domain.naming import FastqName, folder_of, unplaced_sample
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.records import FastqFile, Placed
from seqdrop.domain.upload import (
    Place,
    Upload,
    expected_place,
    file_identity,
    place_by_name,
    place_by_reads,
    sequencer_order,
)
from seqdrop.flow.claims import Claims
from seqdrop.library import Library

_TRIES = 4


def until_settled(attempt: Callable[[], str], what: str) -> str:
    """Tries again where the catalog changed under an attempt: it then sees what came first."""
    for _ in range(_TRIES):
        try:
            return attempt()
        except Conflict:
            continue
    raise Transient(f"{what!r}: its place in the catalog changes all the time")


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
        return until_settled(lambda: self._receive(upload), upload.key)

    def _receive(self, upload: Upload) -> str:
        placed, expected = self.catalog.analyses.uploads(upload.bucket, upload.key)
        known = next((p for p in placed if p.version_id == upload.version), None)
        if known:
            return self._look_again(upload, known)
        if expected:
            return self.register(upload, expected_place(expected), placed)
        try:
            return self._receive_by_name(upload, placed)
        except UnplaceableFile as error:
            return self.hold_unplaced(upload, f"{upload.key!r}: {error}")

    def _look_again(self, upload: Upload, known: Placed) -> str:
        if not known.sample:
            return known.note
        self._lift_if_replaced(upload, known)
        return self._advance(known.sample, known.assay)

    def _receive_by_name(self, upload: Upload, placed: list[Placed]) -> str:
        match meaning_of(upload.key, self.library.name_patterns()):
            case LeftOut(why):
                return self._note(upload, f"{why}: left out")
            case Aside() as aside:
                return self._receive_aside(upload, aside)
            case Unplaced(why, remedy):
                raise UnplaceableFile(why, remedy)
            case Reads(name):
                return self._receive_reads(upload, name, placed)
            case Manifest():
                raise TypeError(f"{upload.key!r} is a manifest, which flow/manifests.py receives")

    def _receive_reads(self, upload: Upload, name: FastqName, placed: list[Placed]) -> str:
        place = place_by_name(name, self._assay_of_folder(upload.key))
        if name.read == "R3":
            self.catalog.analyses.ensure(place.sample, place.assay, self.now())
            why = (
                f"{upload.key!r}: where there is a third read, R2 holds UMIs, not the mate: drop a "
                "manifest that names R1 and its mate"
            )
            return self._hold_file(upload, place, why, placed)
        mine = sequencer_order(upload.sequencer)
        try:
            return self.register(upload, place, placed, name)
        except UnplaceableFile:
            if any(sequencer_order(p.sequencer) > mine for p in placed):
                return self._note(upload, "its reads leave in doubt whose it is; replaced since")
            raise

    def _leave_others(self, upload: Upload, place: Place, placed: list[Placed]) -> None:
        """Ends what earlier versions of the object were elsewhere: their reads told another owner,
        or none, or could not be read at all.
        """
        analyses, why = self.catalog.analyses, "a newer version of the file tells whose it is"
        for earlier in placed:
            owner = earlier.sample, earlier.assay
            if not earlier.sample or owner == (place.sample, place.assay):
                continue
            file = analyses.file(*owner, earlier.identity) if earlier.identity else None
            if file is not None and file.object.key == upload.key:
                analyses.withdraw(file, why, upload.cause, self.now())
            self.lift_hold(*owner, upload.cause)
            left = analyses.get(*owner)
            if left and not (left.files_seen or left.expected or left.active_run):
                if not left.current_run:
                    analyses.forget_empty(left, why, self.now())
            elif left:
                self.claims.advance(*owner)

    def _receive_aside(self, upload: Upload, aside: Aside) -> str:
        """Reads beside a pair are left out where the sample has one."""
        sample, assay = aside.sample, self._assay_of_folder(upload.key)
        there = self.catalog.analyses.get(sample, assay)
        reads = {entry.split("|")[0].split("#")[3] for entry in (there.files_seen if there else ())}
        if {"R1", "R2"} <= reads:
            return self._note(upload, f"{aside.why}: left out, {sample} has R1 and R2")
        raise UnplaceableFile(aside.why, aside.remedy)

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

    def register(
        self, upload: Upload, place: Place, placed: list[Placed], name: FastqName | None = None
    ) -> str:
        """Looks into the file and adds it to its analysis; then sees whether that may start.

        Raises Conflict where somebody else has placed the file, or its like, meanwhile, and
        UnplaceableFile where its name alone tells whose it is, and its reads leave that in doubt.
        """
        described = self.objects.head(upload.bucket, upload.key, upload.version_id)
        if described is None:
            return self._note(upload, "deleted before it was looked at")
        stored = msgspec.structs.replace(described.object, md5=place.md5)
        try:
            first_bytes = self.objects.first_bytes(stored, HEAD_BYTES)
            head = require_reads(read_head(first_bytes, stored.size))
            check_read_number(head, place.read)
        except InvalidInput as error:
            self.catalog.analyses.ensure(place.sample, place.assay, self.now())
            return self._hold_file(upload, place, f"{upload.key!r}: {error}", placed)
        if name:
            place = place_by_reads(name, head, place.assay)
        self.catalog.analyses.ensure(place.sample, place.assay, self.now())
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
        if name and is_newest:
            self._leave_others(upload, place, placed)
        return self._put(upload, file, is_newest=is_newest)

    def _put(self, upload: Upload, file: FastqFile, *, is_newest: bool) -> str:
        """A hold of this object is only lifted by what is newer than the version that it is for."""
        identity = str(file.identity)
        there = self.catalog.analyses.file(file.sample, file.assay, identity)
        placed = upload.placed(file.sample, file.assay, identity)
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
        return self._advance(file.sample, file.assay)

    def _is_in_bucket(self, stored: StoredObject) -> bool:
        return self.objects.head(stored.bucket, stored.key, stored.version_id) is not None

    def _named_of(self, *files: FastqFile) -> list[FastqFile]:
        """Those whose keys the manifest of their analysis names."""
        analysis = self.catalog.analyses.get(files[0].sample, files[0].assay)
        named = analysis.expected if analysis else frozenset()
        return [file for file in files if f"{file.object.bucket}/{file.object.key}" in named]

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
            analyses.hold(file.sample, file.assay, upload.cause, why, self.now(), placed=placed)

    def _keep(self, there: FastqFile, upload: Upload, placed: Placed) -> None:
        """The same bytes again: nothing changes, but a hold of this object is lifted."""
        self.lift_hold(there.sample, there.assay, upload.cause)
        self.catalog.analyses.note_upload(placed)

    def lift_hold(self, sample: str, assay: str, cause: str, why: str = "") -> None:
        """Lifts the hold of an object, if it is there, and for this reason where one is given.

        Raises Conflict where the analysis changes meanwhile.
        """
        analysis = self.catalog.analyses.get(sample, assay)
        if analysis and cause in analysis.holds and why in {"", analysis.holds[cause]}:
            self.catalog.analyses.lift_hold(analysis, cause, self.now())

    def _hold_file(self, upload: Upload, place: Place, why: str, placed: list[Placed]) -> str:
        mine = sequencer_order(upload.sequencer)
        if any(sequencer_order(p.sequencer) > mine for p in placed):
            return self._note(upload, "unreadable, and replaced since")
        held = upload.placed(place.sample, place.assay, note=why)
        self.catalog.analyses.hold(
            place.sample, place.assay, upload.cause, why, self.now(), placed=held
        )
        self._lift_if_replaced(upload, held)
        return self._advance(place.sample, place.assay)

    def _lift_if_replaced(self, upload: Upload, held: Placed) -> None:
        """Ends this version's hold where a good one came while it was being looked at.

        Whoever registers a newer version lifts the hold that it finds; one that is written a moment
        later would stay for ever.
        """
        until_settled(lambda: self._lift_own_hold(upload, held), upload.key)

    def _lift_own_hold(self, upload: Upload, held: Placed) -> str:
        placed, _ = self.catalog.analyses.uploads(upload.bucket, upload.key)
        newest = max(placed, key=lambda p: sequencer_order(p.sequencer), default=held)
        if held.note and newest.version_id != held.version_id and newest.identity:
            self.lift_hold(held.sample, held.assay, upload.cause, held.note)
        return held.note

    def hold_unplaced(self, upload: Upload, why: str) -> str:
        """Keeps an upload that belongs nowhere in sight, under an id of its own."""
        sample, assay = unplaced_sample(upload.bucket, upload.key), self.library.default_assay
        self.catalog.analyses.ensure(sample, assay, self.now())
        self.catalog.analyses.hold(
            sample, assay, upload.cause, why, self.now(),
            placed=upload.placed(sample, assay, note=why),
        )  # fmt: skip
        return self._advance(sample, assay)

    def _note(self, upload: Upload, note: str) -> str:
        self.catalog.analyses.note_upload(upload.placed(note=note))
        return note

    def _advance(self, sample: str, assay: str) -> str:
        status = self.claims.advance(sample, assay)
        return f"{sample} ({assay}) is {status or 'being changed by somebody else'}"
