"""The one door to ultralytics (AGPL-3.0): imported on use, kept out of the home directory, silent towards the network.

Ultralytics checkpoints are pickles of whole modules, which can hold any code. Its restricted loader (``SAFE_LOAD``:
``torch.load(weights_only=True)`` with a list of known network classes) is switched on for every load here, and for
model ``.yaml`` files too, whose ``activation`` would otherwise be evaluated as Python. What it refuses is refused: no
setting leads round it. Only local files, published names and ``.yaml`` models are accepted, no URLs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import BackendUnavailableError, ConfigError, WeightsError
from hawkeye_core.weights import UNTRAINED

logger = logging.getLogger(__name__)

Task = Literal["pose", "detect"]

CONFIG_DIR = Path("work/cache/ultralytics")
"""Where ultralytics keeps its settings file, unless the environment variable ``YOLO_CONFIG_DIR`` says otherwise."""
WEIGHTS_DIR = Path("weights")
"""Where published weights are looked for and downloaded to."""
SEED = 0
"""Of random weights."""

_INSTALL = (
    "pip install hawkeye-iasdig[yolo] (ultralytics is AGPL-3.0, or has a paid licence; "
    "the other backends do not need it)"
)
_import_lock = threading.Lock()
_load_lock = threading.Lock()


class YoloModel:
    """A network of ultralytics, its results on batches of frames, and what identifies its weights.

    Args:
        weights: Path of a ``.pt`` file; a published name such as ``yolo11n-pose.pt``, looked for here and in
            ``weights/`` and else downloaded there by ultralytics; or a model ``.yaml`` for random weights.
        task: What the network must be made for.
        key: The configuration key that names the weights.
        device: Where it runs.

    Raises:
        BackendUnavailableError: ultralytics is not installed, or too old to load weights without running their code.
        WeightsError: The weights are missing, damaged, hostile, or made for another task.
    """

    def __init__(self, weights: str, *, task: Task, key: str, device: str) -> None:
        package = import_ultralytics()
        source = _locate(weights, key=key)
        with _load_lock, _restricted():
            self._model = _load(package, source, key=key)
        if self._model.task != task:
            raise WeightsError(
                f"is a network for {self._model.task!r}, the backend needs {task!r}",
                path=source,
                remedy=f"set `{key}` to {'yolo11n-pose.pt' if task == 'pose' else 'yolo11n.pt'} or another of its kind",
            )
        self._device = device
        pinned = f"sha256:{sha256_of(source)}" if source.is_file() else source.name  # shipped with the release
        self.weights = f"{UNTRAINED}:{pinned}" if source.suffix != ".pt" else pinned
        self.release = str(package.__version__)

    @property
    def names(self) -> Mapping[int, str]:
        """Class names by the network's index."""
        return dict(self._model.model.names)

    @property
    def joints(self) -> int:
        """Joints a person, of a pose network."""
        return int(self._model.model.kpt_shape[0])

    def predict(
        self, images: NDArray[np.uint8], *, confidence: float, iou: float, image_size: int, most: int
    ) -> list[Any]:
        """One ``ultralytics.engine.results.Results`` a frame, from one pass over all.

        Args:
            images: [B, H, W, 3] uint8 RGB.
            confidence: Score a detection needs.
            iou: Overlap at which non-maximum suppression drops the weaker one.
            image_size: Longer side of the network's input, pixels.
            most: Detections kept a frame.
        """
        if not len(images):
            return []
        bgr = [np.ascontiguousarray(image[..., ::-1]) for image in images]  # arrays are taken to be as OpenCV's
        limits = {"conf": confidence, "iou": iou, "imgsz": image_size, "max_det": most}
        with _process_state_kept():
            return list(self._model.predict(bgr, **limits, device=self._device, verbose=False, save=False))


def import_ultralytics() -> ModuleType:
    """The package, with its telemetry, automatic installs and home directory writes switched off.

    Raises:
        BackendUnavailableError: It is not installed, or has no restricted loader.
    """
    with _import_lock:
        os.environ.setdefault("YOLO_CONFIG_DIR", str(CONFIG_DIR.absolute()))
        # Read once, at import: no probe of the network, no pip install at run time, no banner. Downloads still work.
        for variable, value in (("YOLO_OFFLINE", "true"), ("YOLO_AUTOINSTALL", "false"), ("YOLO_VERBOSE", "false")):
            os.environ.setdefault(variable, value)
        try:
            with _process_state_kept():
                import ultralytics
                from ultralytics.nn import tasks
                from ultralytics.utils import SETTINGS
        except ImportError as error:
            raise BackendUnavailableError(f"the yolo backend cannot be used: {error}", remedy=_INSTALL) from error
        if not hasattr(tasks, "SAFE_LOAD"):
            raise BackendUnavailableError(
                f"ultralytics {ultralytics.__version__} cannot load weights without running the code in them",
                remedy="pip install --upgrade ultralytics",
            )
        dict.__setitem__(SETTINGS, "sync", False)  # this process only: the user's own settings file stays as it is
        with contextlib.suppress(ImportError, AttributeError):
            from ultralytics.utils.events import events

            events.enabled = False
        return ultralytics


@contextlib.contextmanager
def _process_state_kept() -> Iterator[None]:
    """Undo what ultralytics does to the whole process, at import and when it takes a device.

    It sets the threads of OpenCV to none, of torch to all cores but one, of child processes to one, changes how numpy
    and torch print, and replaces ``torch.save``; the other backends of the same run would pay for that.
    """
    environment, threads = os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads()
    opencv, printing, save = cv2.getNumThreads(), np.get_printoptions(), torch.save
    try:
        yield
    finally:
        if environment is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        torch.set_num_threads(threads)
        cv2.setNumThreads(opencv)
        np.set_printoptions(**printing)
        torch.set_printoptions(profile="default")
        torch.save = save


@contextlib.contextmanager
def _restricted() -> Iterator[None]:
    """Loads go through the restricted loader, also if ultralytics was imported before with it off."""
    from ultralytics.nn import tasks

    before = tasks.SAFE_LOAD
    tasks.SAFE_LOAD = True
    try:
        yield
    finally:
        tasks.SAFE_LOAD = before


def _locate(weights: str, *, key: str) -> Path:
    """The local file, or where ultralytics shall put or find what is published under this name."""
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

    path = Path(weights).expanduser()
    if path.suffix not in (".pt", ".yaml", ".yml"):
        raise ConfigError(f"`{key}: {weights}` is neither a .pt file nor a model .yaml")
    if path.is_file():
        return path
    bare = path.name == weights
    if path.suffix != ".pt" and bare:
        return path  # ultralytics looks it up among the models it ships
    if bare and weights in GITHUB_ASSETS_NAMES:
        local = WEIGHTS_DIR / weights
        if not local.is_file():
            logger.info("%s is fetched by ultralytics into %s", weights, WEIGHTS_DIR.absolute())
        return local
    raise WeightsError(
        "no such weights file, and not a name that ultralytics publishes" if bare else "no such weights file",
        path=weights,
        remedy=f"set `{key}` to a .pt file, to a published name such as yolo11n-pose.pt or yolo11n.pt, "
        "or to a model .yaml for random weights",
    )


def _load(package: ModuleType, source: Path, *, key: str) -> Any:
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            return package.YOLO(str(source))
    except (ConnectionError, TimeoutError) as error:
        raise WeightsError(
            "is not here and could not be downloaded",
            path=source,
            remedy=f"connect to the internet, or get {source.name} from "
            f"https://github.com/ultralytics/assets/releases and set `{key}` to its path",
        ) from error
    except (TypeError, pickle.UnpicklingError) as error:
        raise WeightsError(
            f"refused, because it is damaged or holds more than a known network ({_first_line(error)})",
            path=source,
            remedy="use published weights, or save the model again with a current ultralytics",
        ) from error
    except (RuntimeError, OSError, EOFError, KeyError, ValueError, AttributeError, ImportError) as error:
        raise WeightsError(
            f"cannot be read as a YOLO model ({_first_line(error)})", path=source, remedy="download the file again"
        ) from error


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
