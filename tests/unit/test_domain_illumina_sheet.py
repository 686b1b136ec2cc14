"""Illumina's own sample sheets are told from ours, and say which samples were sequenced."""

import pytest

from seqdrop.domain.illumina_sheet import illumina_samples

V1 = """[Header],,,
IEMFileVersion,4,,
Investigator Name,Müller,,
,,,
[Reads],,,
151,,,
[Data],,,
Lane,Sample_ID,Sample_Name,index
1,1,NA_1,ACGT
2,1,NA_1,ACGT
1,2,,ACGT
,,,
"""
V2 = """[Header]
FileFormatVersion,2
[BCLConvert_Settings]
SoftwareVersion,4.2.7
[BCLConvert_Data]
Lane,Sample_ID,Index
1,NA1,ACGT
1,NA2,ACGT
[Cloud_Data]
Sample_ID,ProjectName
NA9,x
"""


@pytest.mark.parametrize(
    ("text", "samples"),
    [
        (V1, {"NA-1", "2"}),
        (V2, {"NA1", "NA2"}),
        ("[Data]\nSample_ID,index\nA,x\n", {"A"}),
        ("\n,,\n[Header],\n", set()),
        ('"[Header]",""\n"[Data]"\n"Sample_ID"\n"A"\n', {"A"}),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "latin-1"])
def test_samples_are_read_from_the_data_of_either_version(
    text: str, samples: set[str], ends: str, code: str
) -> None:
    assert illumina_samples(text.replace("\n", ends).encode(code)) == frozenset(samples)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"sample,r1,r2\nA,a,b\n",
        b"patient,sample,fastq_1\nA,A,x\n",
        b"sample,r1,r2\n[Header],a,b\n",
        b'{"samples": []}',
        b"[1, 2]",
        b"\x00\xff" * 50,
    ],
)
def test_other_files_are_not_illuminas(data: bytes) -> None:
    assert illumina_samples(data) is None
