"""YOLO-pose through a network of random weights: mapping of results, colour order, safe loading, no telemetry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hawkeye_core.backend import PoseBackend
from hawkeye_core.errors import BackendUnavailableError, ConfigError, WeightsError
from hawkeye_core.pose.config import YoloPoseSettings
from hawkeye_core.pose.yolo import YoloPoseBackend
from hawkeye_core.scene import FrameBatch, FramePose
from hawkeye_core.yolo import import_ultralytics

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module", autouse=True)
def _ultralytics(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ.setdefault("YOLO_CONFIG_DIR", str(tmp_path_factory.mktemp("ultralytics")))
    os.environ["YOLO_OFFLINE"] = "true"
    try:
        import_ultralytics()
    except BackendUnavailableError as error:
        pytest.skip(f"the extra `yolo` is not installed: {error}")


def settings(**values: Any) -> YoloPoseSettings:
    return YoloPoseSettings(
        **{"weights": "yolo11n-pose.yaml", "confidence": 0.0, "image_size": 64, "max_people": 4, **values}
    )


def batch(frames: int = 2, *, height: int = 96, width: int = 128) -> FrameBatch:
    index = np.arange(frames)
    images = np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)
    return FrameBatch(video="v", index=index, time=index / 8, pts=index / 8, source_index=index, images=images)


@pytest.fixture(scope="module")
def backend() -> YoloPoseBackend:
    return YoloPoseBackend(settings())


def assert_same(one: list[FramePose], two: list[FramePose], *, atol: float = 0.0) -> None:
    for a, b in zip(one, two, strict=True):
        for name in ("keypoints", "score", "box"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=atol, rtol=0)


def test_people_of_a_random_network(backend: YoloPoseBackend) -> None:
    assert isinstance(backend, PoseBackend)
    found = backend.detect(batch())
    assert len(found) == 2
    for pose in found:
        assert pose.keypoints.shape == (4, 17, 3)
        assert {array.dtype for array in (pose.keypoints, pose.score, pose.box)} == {np.dtype(np.float32)}
        assert (np.diff(pose.score) <= 0).all()
        assert (pose.box >= 0).all()
        assert (pose.box <= [128, 96, 128, 96]).all()


def test_nobody_and_no_frames(backend: YoloPoseBackend) -> None:
    nobody = YoloPoseBackend(settings(confidence=1.0)).detect(batch(1))[0]
    assert nobody.keypoints.shape == (0, 17, 3)
    assert nobody.box.shape == (0, 4)
    assert backend.detect(batch(0)) == []


def test_random_weights_are_seeded_and_marked(backend: YoloPoseBackend) -> None:
    again = YoloPoseBackend(settings())
    assert_same(backend.detect(batch()), again.detect(batch()))
    assert again.fingerprint == backend.fingerprint
    assert backend.fingerprint.weights == "untrained:yolo11n-pose.yaml"
    assert not backend.fingerprint.trained
    assert YoloPoseBackend(settings(iou=0.5)).fingerprint.digest != backend.fingerprint.digest


def test_frames_do_not_depend_on_their_batch(backend: YoloPoseBackend) -> None:
    whole = batch()
    alone = FrameBatch("v", *(a[1:] for a in (whole.index, whole.time, whole.pts, whole.source_index, whole.images)))
    assert_same(backend.detect(alone), backend.detect(whole)[1:], atol=1e-3)


def test_the_network_sees_rgb(backend: YoloPoseBackend) -> None:
    """The first layer gets red in channel 0, although ultralytics takes arrays for BGR."""
    seen: list[torch.Tensor] = []
    backend.detect(batch(1))
    network = backend._model._model.predictor.model
    handle = network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].clone()))
    red = batch(1)
    red.images[:] = (255, 64, 0)
    backend.detect(red)
    handle.remove()
    middle = seen[-1][0, :, seen[-1].shape[2] // 2, seen[-1].shape[3] // 2]
    np.testing.assert_allclose(middle.numpy(), [1, 64 / 255, 0], atol=1e-6)


def planted(keypoints: np.ndarray, boxes: np.ndarray) -> SimpleNamespace:
    from ultralytics.engine.results import Results

    return Results(
        np.zeros((96, 128, 3), np.uint8), path="", names={0: "person"}, boxes=torch.from_numpy(boxes),
        keypoints=torch.from_numpy(keypoints),
    )  # fmt: skip


@pytest.mark.parametrize("columns", [3, 2])
def test_results_come_back_best_first_in_pixels(
    backend: YoloPoseBackend, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    rng = np.random.default_rng(0)
    keypoints = rng.random((3, 17, columns)).astype(np.float32)
    boxes = np.array([[1, 2, 30, 40, 0.4, 0], [5, 6, 70, 80, 0.9, 0], [0, 0, 10, 10, 0.6, 0]], np.float32)
    monkeypatch.setattr(backend._model, "predict", lambda *a, **k: [planted(keypoints, boxes)])
    pose = backend.detect(batch(1))[0]
    np.testing.assert_allclose(pose.score, [0.9, 0.6, 0.4])
    np.testing.assert_allclose(pose.box, boxes[[1, 2, 0], :4])
    np.testing.assert_allclose(pose.keypoints[..., :2], keypoints[[1, 2, 0], :, :2])
    scores = keypoints[[1, 2, 0], :, 2] if columns == 3 else np.repeat(pose.score[:, None], 17, 1)
    np.testing.assert_allclose(pose.keypoints[..., 2], scores)


def test_a_saved_checkpoint_loads_by_path_and_its_hash_is_the_fingerprint(
    backend: YoloPoseBackend, tmp_path: Path
) -> None:
    import hashlib

    path = tmp_path / "own-pose.pt"
    backend._model._model.save(path)
    loaded = YoloPoseBackend(settings(weights=str(path)))
    assert_same(loaded.detect(batch()), backend.detect(batch()), atol=1e-1)  # checkpoints are stored in half precision
    assert loaded.fingerprint.weights == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert loaded.fingerprint.trained


class Hostile:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.marker,))


@pytest.mark.parametrize("loader_was_on", [False, True])
def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader_was_on: bool) -> None:
    from ultralytics.nn import tasks

    monkeypatch.setattr(tasks, "SAFE_LOAD", loader_was_on)
    path, marker = tmp_path / "hostile.pt", tmp_path / "was-here"
    torch.save({"model": Hostile(marker), "train_args": {}}, path)
    with pytest.raises(WeightsError, match="refused"):
        YoloPoseBackend(settings(weights=str(path)))
    assert not marker.exists()
    assert tasks.SAFE_LOAD is loader_was_on


def test_code_in_a_model_file_is_not_run(tmp_path: Path) -> None:
    import ultralytics

    shipped = next(Path(ultralytics.__file__).parent.glob("cfg/models/11/yolo11-pose.yaml")).read_text()
    path, marker = tmp_path / "yolo11n-own-pose.yaml", tmp_path / "was-here"
    path.write_text(f"activation: __import__('pathlib').Path({str(marker)!r}).touch()\n{shipped}")
    with pytest.raises(WeightsError, match="refused"):
        YoloPoseBackend(settings(weights=str(path)))
    assert not marker.exists()


def test_a_model_file_of_ones_own_is_pinned_by_its_hash(tmp_path: Path) -> None:
    import ultralytics

    shipped = next(Path(ultralytics.__file__).parent.glob("cfg/models/11/yolo11-pose.yaml")).read_text()
    weights = []
    for i, text in enumerate((shipped, shipped + "\n# changed\n")):
        path = tmp_path / str(i) / "yolo11n-own-pose.yaml"
        path.parent.mkdir()
        path.write_text(text)
        weights.append(YoloPoseBackend(settings(weights=str(path))).fingerprint.weights)
    assert weights[0] != weights[1]
    assert all(name.startswith("untrained:sha256:") for name in weights)


def test_damaged_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "damaged.pt"
    path.write_bytes(b"PK\x03\x04 not much of a zip")
    with pytest.raises(WeightsError, match=r"damaged\.pt"):
        YoloPoseBackend(settings(weights=str(path)))


@pytest.mark.parametrize(
    "weights", ["nowhere/own.pt", "https://example.com/own.pt", "ul://user/own.pt", "unheard-of.pt"]
)
def test_only_files_and_published_names(weights: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=r"no such weights file(?s:.*)pose\.weights"):
        YoloPoseBackend(settings(weights=weights))
    assert list(tmp_path.iterdir()) == []


def test_other_formats_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"neither a \.pt file nor a model \.yaml"):
        YoloPoseBackend(settings(weights="yolo11n-pose.onnx"))


def test_a_detector_is_not_a_pose_network() -> None:
    with pytest.raises(WeightsError, match="is a network for 'detect', the backend needs 'pose'"):
        YoloPoseBackend(settings(weights="yolo11n.yaml"))


def test_published_names_go_to_the_weights_folder_and_offline_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from ultralytics.utils import downloads

    asked: list[Path] = []

    def offline(*args: Any, file: Path, **kwargs: Any) -> None:
        asked.append(Path(file))
        raise ConnectionError("no network")

    monkeypatch.setattr(downloads, "safe_download", offline)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=r"could not be downloaded(?s:.*)connect to the internet"):
        YoloPoseBackend(settings(weights="yolo11n-pose.pt"))
    assert asked == [Path("weights/yolo11n-pose.pt")]


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    with pytest.raises(BackendUnavailableError, match=r"pip install hawkeye-iasdig\[yolo\].*AGPL"):
        YoloPoseBackend(settings())


def test_no_telemetry_and_nothing_in_the_home_directory(tmp_path: Path) -> None:
    """In a process of its own, with a home directory that shows what is written to it."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("YOLO_", "ULTRALYTICS_", "XDG_"))}
    script = (
        "from hawkeye_core.yolo import import_ultralytics; import_ultralytics();"
        "from ultralytics.utils import SETTINGS, ONLINE, AUTOINSTALL;"
        "from ultralytics.utils.events import events;"
        "print(SETTINGS['sync'], ONLINE, AUTOINSTALL, events.enabled)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, "HOME": str(home), "PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False"] * 4
    assert list(home.rglob("*")) == []
    assert (tmp_path / "work/cache/ultralytics").is_dir()


def test_importing_the_backends_does_not_import_ultralytics() -> None:
    script = (
        "import sys, hawkeye_core.pose.yolo, hawkeye_core.relation.yolo;"
        "sys.exit(any(name.startswith('ultralytics') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=REPOSITORY)


def test_the_rest_of_the_process_keeps_its_threads_and_printing(tmp_path: Path) -> None:
    """ultralytics changes them at import and at the first prediction."""
    script = """
import os, cv2, numpy as np, torch
torch.set_num_threads(3); cv2.setNumThreads(2)
def before():
    threads = torch.get_num_threads(), cv2.getNumThreads(), os.environ.get("OMP_NUM_THREADS")
    return *threads, str(np.array([1.5])), str(torch.tensor([1.5])), torch.save
first = before()
from hawkeye_core.pose.config import YoloPoseSettings
from hawkeye_core.pose.yolo import YoloPoseBackend
from hawkeye_core.scene import FrameBatch
backend = YoloPoseBackend(YoloPoseSettings(weights="yolo11n-pose.yaml", image_size=64))
k = np.arange(1)
backend.detect(FrameBatch("v", k, k / 8, k / 8, k, np.zeros((1, 64, 64, 3), np.uint8)))
assert before() == first, (before(), first)
"""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    environment |= {"PYTHONPATH": str(REPOSITORY), "YOLO_CONFIG_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
