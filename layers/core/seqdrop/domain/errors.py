"""What can go wrong, by whose move mends it. Class names are the state machines' contract."""


class SeqdropError(Exception):
    """Anything that Seqdrop itself reports."""


class InvalidInput(SeqdropError):
    """The user's to mend; never retried. The message is for the user.

    It says what is wrong (``fact``), what to do about it, and what to do ``then`` with a sample
    that is held for it. Before there is a sample, ``to_mend`` is what holds.
    """

    def __init__(self, fact: str, remedy: str = "", then: str = "") -> None:
        self.fact = fact
        self.to_mend = f"{fact}: {remedy}" if remedy else fact
        super().__init__(f"{self.to_mend}; {then}" if then else self.to_mend)


class Conflict(SeqdropError):
    """Somebody else did it already: for an idempotent caller this is success."""


class Overtaken(SeqdropError):
    """What was to be written is of a version that a newer one has replaced: nothing to do."""


class Transient(SeqdropError):
    """May work the next time: retried."""


class UnplaceableFile(InvalidInput):
    """A file's name fits no pattern, or gives no valid sample id."""


class UnreadableFastq(InvalidInput):
    """A file is empty, not gzip, or not FASTQ."""


class Unreadable(InvalidInput):
    """An object is there and can't be read, until somebody acts."""


class ArchivedObject(Unreadable):
    """An object that has to be restored from an archive first."""


class LockedObject(Unreadable):
    """An object, or the key that it is encrypted with, that refuses to be read by us."""


class MismatchedMates(InvalidInput):
    """R1 and R2 of a lane do not belong together."""


class IdenticalFiles(InvalidInput):
    """The same file came for both mates of a lane, or for two lanes of a sample."""


class ReadsWithoutUmi(InvalidInput):
    """An assay tells copies by UMIs, and the names of a file's reads have none."""


class SexNotGiven(InvalidInput):
    """An assay calls X and Y by sex, and no manifest gives a sample's."""


class InvalidManifest(InvalidInput):
    """A manifest or samplesheet can't be used as it stands."""


class UnknownAssay(InvalidInput):
    """An assay that this deployment does not have."""


class UnknownPipeline(InvalidInput):
    """A pipeline that this deployment does not have."""


class QueueNotHere(InvalidInput):
    """A pipeline needs a kind of queue that this deployment does not have."""


class ImageNotHere(InvalidInput):
    """A pipeline needs an image that this deployment does not have."""


class ImageNotApproved(InvalidInput):
    """A pipeline needs an image whose digest nobody has approved."""


class ReferenceNotReady(InvalidInput):
    """A reference, a version or a part of it that is not there or not ready."""


class NotValidated(InvalidInput):
    """An assay asks for a validated version of its pipeline, and there is none to be used."""


class InvalidReference(InvalidInput):
    """A file of a reference that tools would refuse or, worse, misread."""


class InvalidGenotypes(InvalidInput):
    """Genotypes that a lab supplies can't be used as they stand."""


class InvalidAssay(InvalidInput):
    """An assay asks for what its pipeline does not have; held until its file is mended."""


class InvalidPipeline(SeqdropError):
    """A pipeline or assay file breaks the rules of its own format."""


class InvalidMeasure(SeqdropError):
    """A tool's output is not of the format that its pipeline says."""


class NoSuchSample(InvalidInput):
    """The catalog has no such sample, analysis or run."""


class RunClosed(Conflict):
    """The run has ended; nothing more is done for it."""
