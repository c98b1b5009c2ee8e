"""Videos to predictions with a model that answers known texts: windows, resuming, bad videos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hawkeye_core.errors import VideoError
from hawkeye_core.evaluation.baselines.answers import answer_videos
from hawkeye_core.evaluation.baselines.clips import Clip, clips, evenly, measure
from hawkeye_core.evaluation.baselines.kept import Kept
from hawkeye_core.evaluation.baselines.settings import BaselineSettings
from hawkeye_core.evaluation.baselines.text_model import Said


class Speaker:
    """Says a text about every clip, one token a character, all of one probability, and notes what it was shown."""

    def __init__(self, text: Callable[[Clip], str], *, sure: float = 0.5) -> None:
        self.text, self.sure = text, sure
        self.asked: list[Clip] = []
        self.tokenizer = self

    def decode(self, ids: list[int], *, skip_special_tokens: bool) -> str:
        return "".join(map(chr, ids))

    def __call__(self, clip: Clip) -> Said:
        self.asked.append(clip)
        said = self.text(clip)
        return Said(tuple(map(ord, said)), (self.sure,) * len(said))


def files(folder: Path, *names: str) -> dict[str, Path]:
    return {name: folder / f"{name}.mp4" for name in names}


def test_windows_of_a_video_are_shown_evenly_and_merged_on_its_clock(video_folder: Path, tmp_path: Path) -> None:
    speaker = Speaker(lambda clip: "From 2.5 to 4.0 seconds." if clip.start_s < 4 else "No anomaly.")
    settings = BaselineSettings(window_s=4, frames=4)
    outcome = answer_videos(files(video_folder, "a"), speaker, Kept(tmp_path, {}), settings)
    assert [(clip.start_s, clip.duration_s, clip.shown) for clip in speaker.asked] == [
        (0.0, 4.0, (4, 12, 20, 28)), (3.0, 4.0, (4, 12, 20, 28)), (6.0, 4.0, (4, 12, 20, 28)),
    ]  # fmt: skip
    found = outcome.predictions["a"]
    assert [(s.segment.start_s, s.segment.end_s, s.score) for s in found.segments] == [
        (2.5, 4.0, pytest.approx(0.5)), (5.5, 7.0, pytest.approx(0.5))
    ]  # fmt: skip
    assert [answer.status for answer in found.answers] == ["ok", "ok", "empty"]
    assert outcome.lengths["a"].frames == 80
    assert outcome.seconds > 0


def test_frames_are_those_of_their_time(video_folder: Path) -> None:
    path = video_folder / "a.mp4"
    assert measure(path).frames == 80
    (whole,) = clips(path, video="a", frames=80, count=80)
    (some,) = clips(path, video="a", frames=80, count=3)
    assert some.shown == (13, 40, 66)
    assert np.array_equal(some.images, whole.images[list(some.shown)])
    assert evenly(2, 8) == (0, 1)
    with pytest.raises(VideoError, match="fewer than 200 frames"):
        list(clips(path, video="a", frames=200, count=2))


def test_a_killed_run_goes_on_and_a_changed_question_does_not(video_folder: Path, tmp_path: Path) -> None:
    def killed(clip: Clip) -> str:
        if clip.video == "b":
            raise KeyboardInterrupt
        return "From 1 to 2 seconds."

    both, settings = files(video_folder, "a", "b"), BaselineSettings()
    with pytest.raises(KeyboardInterrupt):
        answer_videos(both, Speaker(killed), Kept(tmp_path, {"question": "?"}), settings)
    speaker = Speaker(lambda _: "From 1 to 2 seconds.")
    first = answer_videos(both, speaker, Kept(tmp_path, {"question": "?"}), settings)
    assert [clip.video for clip in speaker.asked] == ["b"]
    again = answer_videos(both, speaker, Kept(tmp_path, {"question": "?"}), settings)
    assert again == first
    assert len(speaker.asked) == 1
    answer_videos(both, speaker, Kept(tmp_path, {"question": "why?"}), settings)
    assert [clip.video for clip in speaker.asked] == ["b", "a", "b"]
    for path in (tmp_path / "kept").iterdir():  # torn, hostile or foreign: computed again
        path.write_text('{"prediction": {"video": "a", "segments": "x"}, "frames": -1')
    assert answer_videos(both, speaker, Kept(tmp_path, {"question": "?"}), settings).predictions == first.predictions
    assert len(speaker.asked) == 5


def test_a_bad_video_or_a_refusal_is_reported_and_the_others_go_on(video_folder: Path, tmp_path: Path) -> None:
    def refuses(clip: Clip) -> str:
        if clip.video == "a" and clip.start_s == 3.0:
            raise RuntimeError("out of memory")
        return "No anomaly."

    named = {"gone": video_folder / "gone.mp4"} | files(video_folder, "bad", "a", "b")
    settings = BaselineSettings(window_s=4)
    outcome = answer_videos(named, Speaker(refuses), Kept(tmp_path, {}), settings)
    assert list(outcome.predictions) == ["b"]
    assert outcome.faults["a"] == "RuntimeError: out of memory"
    assert "bad.mp4" in outcome.faults["bad"]
    assert "gone.mp4" in outcome.faults["gone"]
    assert len(list((tmp_path / "kept").iterdir())) == 1  # a fault is tried again
    with pytest.raises(VideoError, match=r"none of the 1 videos could be answered.*bad"):
        answer_videos(files(video_folder, "bad"), Speaker(refuses), Kept(tmp_path, {}), settings)
