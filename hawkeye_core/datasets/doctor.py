"""What of the data sets is on this disk, what is missing, and where it is to be had. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hawkeye_core.datasets.instructions.checks import ENDINGS

LOOKED_AT = 200_000
"""Files of a folder of videos or pictures that are counted at most."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file or folder of a data set.

    Args:
        path: Below the set's folder; a folder ends with ``/``.
        use: What it is for.
        needed: Whether the set is of no use without it.
        endings: Of the files that are counted in a folder.
        expected: How many the whole set has; 0: not known.
    """

    path: str
    use: str
    needed: bool = True
    endings: tuple[str, ...] = ()
    expected: int = 0


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as its authors give it out."""

    name: str
    folder: str
    """Its folder below the root, as docs/datasets.md lays it out."""
    home: str
    licence: str
    how: str
    """What to do to get it."""
    pieces: tuple[Piece, ...]


SETS: tuple[DataSet, ...] = (
    DataSet(
        "TSL-300", "tsl300", "https://github.com/nku-zhichengzhang/TSL300", "annotations Apache-2.0",
        "annotations from the repository (dataset/VideoSenti); videos by the form that its README names",
        (
            Piece("videosenti_gt.json", "segments"), Piece("len_duration_dict.json", "durations"),
            Piece("fps_dict.json", "frame rates"), Piece("split_train.txt", "split"), Piece("split_test.txt", "split"),
            Piece("gt.json", "segments for scoring, compared", needed=False),
            Piece("videos/", "videos", needed=False, endings=ENDINGS, expected=300),
        ),
    ),
    DataSet(
        "UCF-Crime", "ucf_crime", "https://www.crcv.ucf.edu/projects/real-world/", "research only",
        "videos and lists from the project's page; Temporal_Anomaly_Annotation.txt from "
        "github.com/WaqasSultani/AnomalyDetectionCVPR2018; training times from github.com/pipixin321/HolmesVAU (MIT)",
        (
            Piece("Anomaly_Train.txt", "list"), Piece("Anomaly_Test.txt", "list"),
            Piece("Temporal_Anomaly_Annotation.txt", "times of the test videos"),
            Piece("hivau70k_ucf_train_events_compact.json", "times of the training videos", needed=False),
            Piece("hivau70k_ucf_test_events_compact.json", "frame counts of the test videos", needed=False),
            Piece("hivau70k_ucf_train_video_summary_anomalous.json", "reasons", needed=False),
            Piece("glancevad_ucf_glance_annotations.csv", "clicks, another source of times", needed=False),
            Piece("videos/", "videos", needed=False, endings=ENDINGS, expected=1900),
        ),
    ),
    DataSet(
        "RefCOCO", "refcoco_root", "https://github.com/lichengunc/refer", "Apache-2.0; pictures by COCO's terms",
        "refcoco.zip as that README says; pictures: train2014 from https://cocodataset.org",
        (
            Piece("refcoco/refs(unc).p", "expressions"), Piece("refcoco/instances.json", "boxes"),
            Piece("images/mscoco/images/train2014/", "pictures", needed=False, endings=(".jpg",), expected=82_783),
        ),
    ),
    DataSet(
        "HumanML3D", "humanml3d", "https://github.com/EricGuo5513/HumanML3D", "MIT; motions by AMASS's licence",
        "texts.zip from the repository; joints are made from AMASS (a form to sign) by its notebooks",
        (
            Piece("train.txt", "split"), Piece("val.txt", "split"), Piece("test.txt", "split"),
            Piece("texts/", "captions", endings=(".txt",), expected=29_228),
            Piece("new_joints/", "motions", endings=(".npy",), expected=29_228),
        ),
    ),
)  # fmt: skip
"""In the order of docs/datasets.md."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A piece, whether it is there, and how many files it holds (1 for a file)."""

    piece: Piece
    found: bool
    files: int


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A data set on this disk."""

    data_set: DataSet
    folder: Path
    pieces: tuple[Seen, ...]

    @property
    def usable(self) -> bool:
        """Its annotations are there."""
        return all(seen.found for seen in self.pieces if seen.piece.needed)

    @property
    def next_step(self) -> str:
        """What to do."""
        if not self.folder.is_dir():
            return f"{self.data_set.how}; put it under {self.folder}"
        lacking = [seen.piece.path for seen in self.pieces if seen.piece.needed and not seen.found]
        if lacking:
            return f"get {', '.join(lacking)}: {self.data_set.how}"
        few = [seen for seen in self.pieces if seen.files < seen.piece.expected]
        if few:
            told = ", ".join(f"{seen.piece.path} holds {seen.files:,} of {seen.piece.expected:,}" for seen in few)
            return f"annotations are there; {told}"
        return "nothing"


def diagnose(root: str | Path, sets: Sequence[DataSet] = SETS) -> list[Diagnosis]:
    """Look for every set below a folder."""
    found = []
    for one in sets:
        folder = Path(root) / one.folder
        found.append(Diagnosis(one, folder, tuple(_see(folder, piece) for piece in one.pieces)))
    return found


def _see(folder: Path, piece: Piece) -> Seen:
    path = folder / piece.path
    if not piece.path.endswith("/"):
        there = path.is_file()
        return Seen(piece, there, int(there))
    if not path.is_dir():
        return Seen(piece, False, 0)
    count = 0
    for file in path.rglob("*"):
        count += file.suffix.lower() in piece.endings
        if count >= LOOKED_AT:
            break
    return Seen(piece, count > 0, count)
