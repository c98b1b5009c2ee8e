"""Small folders of TSL-300 and UCF-Crime in the true formats, written by hand."""

from __future__ import annotations

import json
from pathlib import Path

TSL = {
    "1_Ekman6_joy_1": ("train", 60.0, [(1.5, 4.0, "n"), (10.0, 12.0, "p")]),
    "2_Ekman6_joy_2": ("train", 40.0, [(3.0, 5.0, "p")]),
    "3_Ekman6_joy_3": ("test", 50.0, [(20.0, 50.04, "n")]),
}
TRAIN = {"Abuse001_x264": [(1.0, 4.0), (6.0, 8.0)], "Arson002_x264": [(2.0, 3.5)]}


def write_tsl300(folder: Path) -> Path:
    """Three videos, one of each kind."""
    folder.mkdir(parents=True)
    database = {
        name: {
            "subset": split,
            "annotations": [{"segment": [str(a), str(b)], "label": label} for a, b, label in segments],
        }
        for name, (split, _, segments) in TSL.items()
    }
    (folder / "videosenti_gt.json").write_text(json.dumps({"database": database}))
    (folder / "len_duration_dict.json").write_text(json.dumps({name: one[1] for name, one in TSL.items()}))
    (folder / "fps_dict.json").write_text(json.dumps(dict.fromkeys(TSL, 30.0)))
    for split in ("train", "test"):
        names = [name for name, one in TSL.items() if one[0] == split]
        (folder / f"split_{split}.txt").write_text("".join(f"{name}\n" for name in names))
    return folder


def write_ucf_crime(folder: Path) -> Path:
    """Three training videos, one of them normal, and two test videos, one of them normal."""
    folder.mkdir(parents=True)
    lists = {
        "Anomaly_Train.txt": [
            "Abuse/Abuse001_x264.mp4", "Arson/Arson002_x264.mp4",
            "Training_Normal_Videos_Anomaly/Normal_Videos001_x264.mp4",
        ],
        "Anomaly_Test.txt": [
            "Robbery/Robbery050_x264.mp4", "Testing_Normal_Videos_Anomaly/Normal_Videos_003_x264.mp4",
        ],
        "Temporal_Anomaly_Annotation.txt": [
            "Robbery050_x264.mp4  Robbery  30  150  -1  -1  ", "Normal_Videos_003_x264.mp4  Normal  -1  -1  -1  -1  ",
        ],
    }  # fmt: skip
    for name, lines in lists.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    events = {
        name: {"n_frames": 300, "fps": 30.0, "label": [name[:5]], "events": [list(span) for span in spans]}
        for name, spans in TRAIN.items()
    }
    (folder / "hivau70k_ucf_train_events_compact.json").write_text(json.dumps(events))
    begin = "An anomaly exists, specifically, {}. The anomaly event involves {}."
    texts = {
        "Arson002_x264": begin.format("Arson", "a man who sets fire to a car in a yard"),
        "Abuse001_x264": begin.format("Abuse", "a woman who hits a child"),
    }
    (folder / "hivau70k_ucf_train_video_summary_anomalous.json").write_text(json.dumps(texts))
    return folder
