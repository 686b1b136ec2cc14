"""What programs leave beside reads: names that mean no file of a lab's, wherever they are found."""

COMPANION_ENDINGS = (".html", ".xml", ".txt", ".log", ".zip", ".pdf", ".bin")
"""What sequencers and their tools leave beside reads."""
CHECKSUM_ENDINGS = (".md5", ".md5sum", ".sha256")
_CHECKSUMS = {"md5.txt", "md5sum.txt", "md5sums.txt", "checksums.txt"}
_DESKTOP = {".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
_FOLDERS = {
    "__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "_temporary",
    "#recycle",
}  # fmt: skip
"""Of macOS' archives, Synology's and QNAP's disks, Windows, Linux, Hadoop; in small letters."""
_READS_IN_ZIP = (".fastq.zip", ".fq.zip", ".fastq.gz.zip", ".fq.gz.zip")
UNFINISHED = (
    ".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".opdownload", ".download",
    ".aria2", ".!ut", ".!qb", ".aspx", ".aspera-ckpt", ".gstmp", ".uploading", ".upload",
    ".inprogress", ".in_progress", ".incomplete", ".unfinished", ".swp", ".lock",
)  # fmt: skip
"""What clients call a file until all of it is there: WinSCP, FileZilla, rclone, browsers, aria2,
Aspera, gsutil."""


def why_litter(key: str) -> str:
    """Why an object of this key is no file of a lab's; "" where it may be one."""
    *folders, name = key.split("/")
    if not name:
        return "a folder"
    lower = name.lower()
    reasons = {
        "macOS keeps its own notes in it (AppleDouble)": name.startswith("._"),
        "a desktop's own file": lower in _DESKTOP,
        "a hidden file": name.startswith("."),
        "an office program's lock": name.startswith("~$"),
        "a transfer that has not ended, by its name": lower.endswith(UNFINISHED),
        "in a folder of the system's own": any(map(_is_systems_own, folders)),
        "checksums are taken from a manifest (r1_md5, r2_md5)": (
            lower.endswith(CHECKSUM_ENDINGS) or lower in _CHECKSUMS
        ),
        "no FASTQ": lower.endswith(COMPANION_ENDINGS) and not lower.endswith(_READS_IN_ZIP),
    }
    return next((why for why, holds in reasons.items() if holds), "")


def _is_systems_own(folder: str) -> bool:
    is_hidden = folder.startswith(".") and bool(folder.strip("."))
    return is_hidden or folder.lower() in _FOLDERS
