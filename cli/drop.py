"""What an upload drops: files under their keys, and what each of them is of which sample."""

from dataclasses import dataclass, field
from pathlib import Path

from cli.gather import LeftOut
from seqdrop.domain.assignment import Assignment
from seqdrop.domain.manifest import Manifest, SampleEntry

Owner = tuple[str, str]
"""Sample and assay: whose analysis a file is part of."""


@dataclass
class Drop:
    """Files by their keys, in the order in which they go, and what is wrong with them so far."""

    files: dict[str, Path] = field(default_factory=dict)
    manifests: list[Manifest] = field(default_factory=list)
    """What manifests say of samples."""
    places: dict[str, Assignment] = field(default_factory=dict)
    """Where each FASTQ file belongs; an assay "" is the deployment's default."""
    ids_from_names: bool = False
    """Whether a manifest was made with sample ids that only the files' names tell."""
    unfit: dict[str, str] = field(default_factory=dict)
    """Keys whose names fit nothing, and what to do: a fault unless a manifest knows them."""
    awaited: set[Owner] = field(default_factory=set)
    """Analyses of which a manifest names files that are not given here. An assay "" is the
    deployment's default."""
    left_out: list[LeftOut] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    manifest_key: str = ""
    manifest: bytes = b""

    @property
    def entries(self) -> list[SampleEntry]:
        """What each manifest says of each sample."""
        return [entry for manifest in self.manifests for entry in manifest.samples]

    @property
    def samples(self) -> tuple[str, ...]:
        """The ids of the samples, each once."""
        named = [entry.sample for entry in self.entries]
        return tuple(dict.fromkeys([*named, *(place.sample for place in self.places.values())]))
