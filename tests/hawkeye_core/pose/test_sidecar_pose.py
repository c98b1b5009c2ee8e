"""Imported poses: formats, numbering, gaps, faults named by file and place, and what the fingerprint sees."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hawkeye_core import sidecar_values
from hawkeye_core.backend import PoseBackend
from hawkeye_core.errors import ConfigError, SidecarError
from hawkeye_core.pose.coco_keypoints import parse_coco_video
from hawkeye_core.pose.config import SidecarPoseSettings
from hawkeye_core.pose.sidecar import SidecarPoseBackend
from hawkeye_core.scene import FrameBatch, FramePose


def keypoints(shift: float = 0.0, score: float = 0.8) -> list[float]:
    """17 joints on a diagonal."""
    return [value for j in range(17) for value in (10.0 + j + shift, 20.0 + 2 * j, score)]


def result(image_id: Any, *, shift: float = 0.0, score: float = 0.9, **fields: Any) -> dict[str, Any]:
    return {"image_id": image_id, "category_id": 1, "keypoints": keypoints(shift), "score": score, **fields}


def batch(source: list[int], *, video: str = "v", first_index: int = 0) -> FrameBatch:
    index = np.arange(first_index, first_index + len(source))
    images = np.zeros((len(source), 100, 200, 3), np.uint8)
    return FrameBatch(
        video=video, index=index, time=index / 8, pts=index / 8, source_index=np.array(source), images=images
    )


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def backend(path: Path | str, **settings: Any) -> SidecarPoseBackend:
    return SidecarPoseBackend(SidecarPoseSettings(path=str(path), **settings))


def shifts(found: list[FramePose]) -> list[list[float]]:
    """The x of each person's first joint, which tells them apart."""
    return [(pose.keypoints[:, 0, 0] - 10).tolist() for pose in found]


def test_results_of_a_video_in_one_file(tmp_path: Path) -> None:
    people = [result(4, shift=2, score=0.5), result(0, shift=1), result(4, shift=3, score=0.7)]
    write(tmp_path / "v.json", people)
    importer = backend(tmp_path)
    assert isinstance(importer, PoseBackend)
    found = importer.detect(batch([0, 4, 7]))
    assert shifts(found) == [[1], [3, 2], []], "best first; a frame without a result is empty"
    assert found[2].keypoints.shape == (0, 17, 3)
    np.testing.assert_allclose(found[1].score, [0.7, 0.5])
    np.testing.assert_allclose(found[0].keypoints[0, 16], [27, 52, 0.8])
    assert {a.dtype for a in (found[1].keypoints, found[1].score, found[1].box)} == {np.dtype(np.float32)}


def test_workers_that_take_turns_parse_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def counted(path: Path) -> Any:
        parsed.append(path.stem)
        return parse_coco_video(path)

    monkeypatch.setattr("hawkeye_core.pose.sidecar.parse_coco_video", counted)
    for number in range(20):
        write(tmp_path / f"v{number}.json", [result(0, shift=number)])
    importer = backend(tmp_path)
    for _ in range(3):
        for video in ("v1", "v2"):
            assert shifts(importer.detect(batch([0], video=video))) == [[int(video[1:])]]
    assert parsed == ["v1", "v2"]
    for number in range(20):
        assert shifts(importer.detect(batch([0], video=f"v{number}"))) == [[number]]
    assert shifts(importer.detect(batch([0], video="v1"))) == [[1]]
    assert parsed.count("v1") == 2, "what was read long ago made room"


def test_boxes_are_taken_or_computed(tmp_path: Path) -> None:
    write(tmp_path / "v.json", [result(0, bbox=[150, 10, 100, 40]), result(1)])
    given, computed = backend(tmp_path).detect(batch([0, 1]))
    np.testing.assert_allclose(given.box, [[150, 10, 200, 50]], err_msg="x, y, width, height, clipped to the frame")
    x1, y1, x2, y2 = computed.box[0]
    assert x1 < 10 + 1e-3
    assert y1 < 20
    assert x2 > 26
    assert y2 > 52


@pytest.mark.parametrize(
    ("numbering", "first_frame", "expected"),
    [("source", 0, [[0], [4]]), ("sampled", 0, [[0], [1]]), ("source", 1, [[1], [5]]), ("sampled", 1, [[1], [2]])],
)
def test_numbering(tmp_path: Path, numbering: str, first_frame: int, expected: list[list[float]]) -> None:
    write(tmp_path / "v.json", [result(n, shift=n) for n in range(8)])
    found = backend(tmp_path, numbering=numbering, first_frame=first_frame).detect(batch([0, 4]))
    assert shifts(found) == expected


def test_annotations_with_images_take_the_number_from_the_file_name(tmp_path: Path) -> None:
    images = [{"id": 900, "file_name": "v/frame_000003.jpg"}, {"id": 901, "file_name": "v/frame_000005.jpg"}]
    annotations = [result(901, shift=5), result(900, shift=3)]
    del annotations[0]["score"]
    annotations[0]["keypoints"][2::3] = [2] * 17  # visibility, as in COCO's annotations
    write(tmp_path / "v.json", {"images": images, "annotations": annotations})
    found = backend(tmp_path).detect(batch([3, 4, 5]))
    assert shifts(found) == [[3], [], [5]]
    assert (found[2].keypoints[..., 2] == 1).all()
    assert found[2].score[0] == 1


def test_image_ids_may_be_file_names(tmp_path: Path) -> None:
    write(tmp_path / "v.json", [result("clip7_000012.jpg", shift=12)])
    assert shifts(backend(tmp_path).detect(batch([12]))) == [[12]]


def test_a_file_a_frame(tmp_path: Path) -> None:
    for number in (0, 3, 12):
        write(tmp_path / "v" / f"frame_{number:06d}.json", [result(99, shift=number)])
    write(tmp_path / "v" / "._frame_000003.json", "a file of another system")
    assert shifts(backend(tmp_path).detect(batch([0, 3, 6, 12]))) == [[0], [3], [], [12]]


@pytest.mark.parametrize("template", ["{video}/poses.json", "a-{video}.json", "x/{video}/{video}.json", "{video}"])
def test_templates(tmp_path: Path, template: str) -> None:
    for video in ("v", "w"):
        path = tmp_path / template.replace("{video}", video)
        content = [result(0, shift=1 if video == "v" else 2)]
        write(path / "0.json" if template == "{video}" else path, content)
    importer = backend(tmp_path / template)
    for video, shift in (("v", 1), ("w", 2), ("v", 1)):
        assert shifts(importer.detect(batch([0], video=video))) == [[shift]]


def test_videos_in_folders(tmp_path: Path) -> None:
    write(tmp_path / "day/one.json", [result(0, shift=7)])
    assert shifts(backend(tmp_path).detect(batch([0], video="day/one"))) == [[7]]


def test_nobody_to_be_seen_and_other_categories_are_left_out(tmp_path: Path) -> None:
    hidden = result(0, keypoints=keypoints(score=0))
    write(tmp_path / "v.json", [hidden, result(0, category_id=3), result(0, shift=4)])
    assert shifts(backend(tmp_path).detect(batch([0]))) == [[4]]


def test_scores_above_one_keep_their_order_and_are_limited(tmp_path: Path) -> None:
    write(tmp_path / "v.json", [result(0, shift=1, score=2.5), result(0, shift=2, score=3.1)])
    pose = backend(tmp_path).detect(batch([0]))[0]
    assert shifts([pose]) == [[2, 1]]
    assert pose.score.tolist() == [1, 1]


# ---- arrays


def people(*offsets: float) -> np.ndarray:
    """(people, 17, 5): x, y, score and two tags."""
    rows = np.array(keypoints(), np.float32).reshape(17, 3)
    tagged = np.concatenate((rows, np.full((17, 2), -7, np.float32)), 1)
    return np.stack([tagged + np.float32([offset, 0, -offset / 100, 0, 0]) for offset in offsets])


def test_released_layout_a_file_a_frame(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    np.save(tmp_path / "v/0.npy", people(1, 3, 2))
    np.save(tmp_path / "v/1.npy", np.zeros((0,)))
    np.save(tmp_path / "v/2.npy", np.zeros((0, 17, 5)))
    found = backend(tmp_path, format="npy").detect(batch([0, 1, 2, 3]))
    assert shifts(found) == [[1, 2, 3], [], [], []]
    np.testing.assert_allclose(found[0].score, [0.79, 0.78, 0.77], rtol=1e-5)
    assert (found[0].box[:, 2:] > found[0].box[:, :2]).all()


def test_stacked_video_with_padding(tmp_path: Path) -> None:
    stack = np.zeros((3, 2, 17, 5))
    stack[0], stack[2, 1] = people(1, 2), people(5)[0]
    stack[2, 0] = np.nan
    np.save(tmp_path / "v.npy", stack)
    assert shifts(backend(tmp_path, format="npy").detect(batch([0, 1, 2, 3]))) == [[1, 2], [], [5], []]
    found = backend(tmp_path, format="npy", first_frame=1).detect(batch([0]))
    assert shifts(found) == [[1, 2]], "the first row is the first frame"


def test_columns_in_another_order(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", people(4)[None][..., [3, 2, 1, 0, 4]])
    importer = backend(tmp_path, format="npy", columns=(3, 2, 1))
    assert shifts(importer.detect(batch([0]))) == [[4]]
    assert importer.fingerprint.digest != backend(tmp_path, format="npy").fingerprint.digest


def test_arrays_of_objects_are_refused_without_running_them(tmp_path: Path) -> None:
    marker = tmp_path / "was-here"

    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (marker,))

    array = np.empty(1, object)
    array[0] = Hostile()
    np.save(tmp_path / "v.npy", array)
    with pytest.raises(SidecarError, match=r"v\.npy: is an array of Python objects(?s:.*)np\.save"):
        backend(tmp_path, format="npy").detect(batch([0]))
    assert not marker.exists()


def test_a_header_that_claims_terabytes_costs_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.zeros((1, 1, 17, 5)))
    content = (tmp_path / "v.npy").read_bytes()
    old, new = b"(1, 1, 17, 5), }          ", b"(1000000000, 9, 17, 5), } "
    assert old in content
    assert len(old) == len(new)
    (tmp_path / "v.npy").write_bytes(content.replace(old, new))
    with pytest.raises(SidecarError, match=r"v\.npy: is not a \.npy array"):
        backend(tmp_path, format="npy").detect(batch([0]))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 17, 5)), r"shape \(2, 17, 5\), not \(frames, people, 17, columns\)"),
        (np.zeros((2, 2, 16, 5)), r"shape \(2, 2, 16, 5\)"),
        (np.zeros((2, 2, 17, 2)), r"shape \(2, 2, 17, 2\)"),
        (np.zeros((1, 1, 17, 5), complex), "holds no array of numbers"),
        (np.array(["a"]), "holds no array of numbers"),
    ],
)
def test_wrong_arrays(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "v.npy", array)
    with pytest.raises(SidecarError, match=message):
        backend(tmp_path, format="npy").detect(batch([0]))


def test_broken_numbers_are_named(tmp_path: Path) -> None:
    stack = np.stack([people(1, 2), people(3, 4)])
    stack[1, 1, 5, 0] = np.inf
    np.save(tmp_path / "v.npy", stack)
    with pytest.raises(SidecarError, match=r"v\.npy: frame 1, person 1: x, y or score is not a finite number"):
        backend(tmp_path, format="npy").detect(batch([0]))


def test_damaged_headers_are_all_sidecar_errors_or_read(tmp_path: Path) -> None:
    path = tmp_path / "v.npy"
    np.save(path, people(1)[None])
    good, rng, refused = bytearray(path.read_bytes()), np.random.default_rng(0), 0
    for _ in range(300):
        bad = bytearray(good)
        bad[rng.integers(0, 128)] = rng.integers(0, 256)
        path.write_bytes(bad[: rng.integers(0, len(bad) + 1)] if rng.random() < 0.3 else bad)
        try:
            backend(tmp_path, format="npy").detect(batch([0]))
        except SidecarError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array at all", b"\x80\x04."])
def test_files_that_are_no_arrays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.npy").write_bytes(content)
    with pytest.raises(SidecarError, match=r"v\.npy"):
        backend(tmp_path, format="npy").detect(batch([0]))


# ---- faults


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"people": []}, "neither a list of COCO results nor an object with `annotations`"),
        ("{", "is not JSON"),
        ("[NaN]", "NaN is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ([result(0), {**result(1), "keypoints": [1.0] * 50}], "annotation 1: keypoints must be a list of 51 numbers"),
        ([{**result(1), "keypoints": [None] * 51}], "annotation 0: keypoints holds something other"),
        ([{**result(1), "keypoints": [True] * 51}], "annotation 0: keypoints holds something other"),
        ([{**result(1), "keypoints": [1e300] * 51}], "annotation 0: keypoints holds something other"),
        ([{"category_id": 1, "image_id": 0}], "annotation 0: keypoints must be a list of 51 numbers, not None"),
        ([result(None)], "annotation 0: no frame number in None"),
        ([result(-1)], "annotation 0: no frame number in -1"),
        ([result("9" * 5000)], "annotation 0: no frame number"),
        ([result(0, bbox=[1, 2, 3])], "annotation 0: bbox must be a list of 4 numbers"),
        ([result(0, bbox=[1, 2, -3, 4])], "annotation 0: bbox .* negative side"),
        ([result(0, score="high")], "annotation 0: score holds something other"),
        ([7], "annotation 0: a JSON object is needed, not 7"),
        ({"annotations": [result(5)], "images": [{"id": 4, "file_name": "4.jpg"}]}, "image_id 5 is not among"),
        (
            {"annotations": [], "images": [{"id": 1, "file_name": "a/4.jpg"}, {"id": 2, "file_name": "b/4.jpg"}]},
            "image 1: is frame 4 a second time",
        ),
    ],
)
def test_malformed_files_are_named_with_the_place(tmp_path: Path, content: Any, message: str) -> None:
    write(tmp_path / "v.json", content)
    with pytest.raises(SidecarError, match=rf"v\.json: .*{message}"):
        backend(tmp_path).detect(batch([0]))


def test_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sidecar_values, "MAX_JSON_BYTES", 100)
    write(tmp_path / "v.json", [result(0)])
    with pytest.raises(SidecarError, match="MiB, more than"):
        backend(tmp_path).detect(batch([0]))


def test_a_video_without_files(tmp_path: Path) -> None:
    write(tmp_path / "other.json", [])
    with pytest.raises(SidecarError, match=r"holds no results of video 'v' \(looked for v\.json and v\)"):
        backend(tmp_path).detect(batch([0]))


def test_an_empty_folder_for_a_video(tmp_path: Path) -> None:
    write(tmp_path / "other.json", [])
    (tmp_path / "v").mkdir()
    with pytest.raises(SidecarError, match=r"v: holds no \.json files"):
        backend(tmp_path).detect(batch([0]))


def test_a_file_and_a_folder_for_a_video(tmp_path: Path) -> None:
    write(tmp_path / "v.json", [])
    write(tmp_path / "v/0.json", [])
    with pytest.raises(SidecarError, match=r"has both v\.json and v for video 'v'"):
        backend(tmp_path).detect(batch([0]))


@pytest.mark.parametrize(
    ("names", "message"),
    [(["a.json"], "no frame number in its name"), (["1.json", "001.json"], "is frame 1, as is")],
)
def test_frame_files_with_bad_names(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        write(tmp_path / "v" / name, [])
    with pytest.raises(SidecarError, match=message):
        backend(tmp_path).detect(batch([0]))


@pytest.mark.parametrize("video", ["../secret", "a/../../secret", "/etc/passwd", "..", "x\0y"])
@pytest.mark.parametrize("template", ["", "{video}.json", "sub/{video}/poses.json"])
def test_a_video_cannot_lead_out_of_the_folder(tmp_path: Path, video: str, template: str) -> None:
    write(tmp_path / "secret.json", [result(0)])
    write(tmp_path / "secret/poses.json", [result(0)])
    write(tmp_path / "in/sub/0.json", [])
    harmless = (video, template) == ("..", "{video}.json")  # the name `...json`, which is not there
    with pytest.raises(SidecarError, match="holds no results" if harmless else "leads out of the folder"):
        backend(tmp_path / "in" / template).detect(batch([0], video=video))


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(SidecarError, match=r"nowhere: no such folder(?s:.*)pose\.path"):
        backend(tmp_path / "nowhere")


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    write(tmp_path / "v.json", [])
    with pytest.raises(SidecarError, match=r"holds no \.npy files"):
        backend(tmp_path, format="npy")


def test_a_plain_file_is_no_template(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a file"):
        backend(write(tmp_path / "v.json", []))


# ---- fingerprint


def test_fingerprint_sees_content_names_and_settings_but_neither_place_nor_time(tmp_path: Path) -> None:
    def print_of(folder: str, content: list[Any], name: str = "v.json", **settings: Any) -> str:
        path = write(tmp_path / folder / name, content)
        os.utime(path, (len(folder), 1))
        return backend(tmp_path / folder, **settings).fingerprint.digest

    base = print_of("a", [result(0)])
    assert print_of("elsewhere", [result(0)]) == base
    others = [
        print_of("b", [result(1)]),
        print_of("c", [result(0)], "w.json"),
        print_of("d", [result(0)], numbering="sampled"),
        print_of("e", [result(0)], first_frame=1),
    ]
    template = backend(tmp_path / "a" / "{video}.json").fingerprint.digest
    assert len({base, template, *others}) == 6
    write(tmp_path / "a" / "more.json", [])
    assert backend(tmp_path / "a").fingerprint.digest != base
    assert backend(tmp_path / "a").fingerprint.trained


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/backends.md").read_text()
    write(tmp_path / "v.json", page.split("<!-- example: coco -->")[1].split("```")[1].removeprefix("json"))
    pose = backend(tmp_path).detect(batch([12]))[0]
    assert pose.keypoints.shape == (1, 17, 3)
    np.testing.assert_allclose(pose.box, [[96, 40, 157.5, 100]], err_msg="clipped to the frame of 100 pixels")
