"""What annotation says of a variant: its gravest consequence, and its classification."""

import re
from collections.abc import Iterable, Mapping

from seqdrop.domain.comparison.headers import Header

CONSEQUENCE_FIELDS = ("BCSQ", "ANN")
CLASSIFICATION_FIELD = "CLNSIG"
_RANKED = (
    "transcript_ablation", "splice_acceptor", "splice_donor", "stop_gained", "frameshift",
    "stop_lost", "start_lost", "transcript_amplification", "feature_elongation",
    "feature_truncation", "inframe_altering", "inframe_insertion", "inframe_deletion",
    "disruptive_inframe_insertion", "disruptive_inframe_deletion", "conservative_inframe_insertion",
    "conservative_inframe_deletion", "missense", "protein_altering", "splice_donor_5th_base",
    "splice_region", "splice_donor_region", "splice_polypyrimidine_tract",
    "incomplete_terminal_codon", "start_retained", "stop_retained", "synonymous",
    "coding_sequence", "mature_mirna", "5_prime_utr", "3_prime_utr", "non_coding_transcript_exon",
    "intron", "nmd_transcript", "non_coding", "coding_transcript", "upstream_gene",
    "downstream_gene", "tfbs_ablation", "tf_binding_site", "regulatory_region",
    "intergenic", "sequence",
)  # fmt: skip
"""Consequences, the gravest first, in the order of Ensembl's table (VEP: "Calculated variant
consequences"); without "_variant", as bcftools csq writes them."""
_RANK = {name: rank for rank, name in enumerate(_RANKED)}
_ALIASES = {
    "initiator_codon": "start_lost",
    "5_prime_utr_premature_start_codon_gain": "5_prime_utr",
}


class Meaning:
    """Reads the annotation that both files have."""

    def __init__(self, a: Header, b: Header) -> None:
        """Fields that one file alone declares are not compared: ``warnings`` says so."""
        self.warnings: list[str] = []
        fields = (*CONSEQUENCE_FIELDS, CLASSIFICATION_FIELD)
        both = [name for name in fields if name in a.infos and name in b.infos]
        for name in fields:
            if (name in a.infos) != (name in b.infos):
                where = "A" if name in a.infos else "B"
                self.warnings.append(f"INFO/{name} is in {where} alone: it was not compared")
        self.is_any = bool(both)
        consequences = [name for name in both if name in CONSEQUENCE_FIELDS]
        self._consequence = consequences[0] if consequences else ""
        self._classification = CLASSIFICATION_FIELD if CLASSIFICATION_FIELD in both else ""

    def of(self, info: str, alt: str) -> tuple[str, str]:
        """The gravest consequence as ``gene:consequence``, and the classification."""
        if not self.is_any:
            return "", ""
        values = _values(info)
        consequence = ""
        if text := values.get(self._consequence, ""):
            entries = [entry.split("|") for entry in text.split(",")]
            read = _of_bcsq if self._consequence == "BCSQ" else _of_ann
            consequence = read(entries, alt)
        return consequence, values.get(self._classification, "")

    def gravest(self, texts: Iterable[str]) -> str:
        """The gravest of some ``gene:consequence``."""
        named = [text.rpartition(":") for text in texts if text]
        return _gravest([(name, gene) for gene, _, name in named])


def _values(info: str) -> Mapping[str, str]:
    pairs = (entry.partition("=")[::2] for entry in info.split(";"))
    return dict(pairs)


def _of_bcsq(entries: list[list[str]], _alt: str) -> str:
    """Of bcftools csq; ``@position`` (told by another record) stays as it is."""
    return _gravest([(entry[0], entry[1] if len(entry) > 1 else "") for entry in entries])


def _of_ann(entries: list[list[str]], alt: str) -> str:
    """Of snpEff; where entries name the allele, those of others are left out."""
    whole = [entry for entry in entries if len(entry) > 3]
    mine = [entry for entry in whole if entry[0] == alt] or whole
    return _gravest([(entry[1], entry[3]) for entry in mine])


def _gravest(named: list[tuple[str, str]]) -> str:
    """The gravest of some consequences; of equal ones the first gene's, by the alphabet."""
    ranked = [
        (_rank(name), gene, name) for names, gene in named for name in re.split("&", names) if name
    ]
    if not ranked:
        return ""
    _, gene, name = min(ranked)
    return f"{gene}:{name}" if gene else name


def _rank(name: str) -> int:
    plain = name.lstrip("*").lower().removesuffix("_variant")
    return _RANK.get(_ALIASES.get(plain, plain), len(_RANKED))
