"""What was computed of each video, kept in the evaluation's folder, so that a killed run goes on where it stood.

One JSON file a video, named by the SHA-256 of all that its content depends on (the video's bytes, the model, the
settings): a changed setting finds nothing and computes anew; nothing is ever mixed.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hawkeye_core.atomic import write_text
from hawkeye_core.digest import sha256_of

logger = logging.getLogger(__name__)

FOLDER = "kept"
MAX_BYTES = 16 * 2**20
"""A larger file is not one of ours."""


class Kept:
    """Records of videos by what they depend on.

    Args:
        out: The evaluation's folder.
        inputs: All that a record depends on beside the video: plain values.
    """

    def __init__(self, out: str | Path, inputs: Mapping[str, Any]) -> None:
        self.folder = Path(out) / FOLDER
        self.inputs = inputs

    def get(self, video: str, sha256: str) -> Any:
        """What was kept of a video, or None; a file that cannot be read counts as not there.

        Args:
            video: Its id.
            sha256: Of its file.
        """
        path = self._path(video, sha256)
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f"has more than {MAX_BYTES:,} bytes")
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("%s: cannot be read (%s); %s is computed again", path, error, video)
            return None

    def put(self, video: str, sha256: str, record: Any) -> None:
        """Keep plain values; whole or not at all."""
        write_text(self._path(video, sha256), json.dumps(record, allow_nan=False) + "\n")

    def _path(self, video: str, sha256: str) -> Path:
        told = json.dumps([video, sha256, self.inputs], sort_keys=True, allow_nan=False)
        return self.folder / f"{hashlib.sha256(told.encode()).hexdigest()}.json"


def digest_of(path: Path) -> str:
    """SHA-256 of a video file, or "" where it cannot be read: using it will say why."""
    try:
        return sha256_of(path)
    except OSError:
        return ""
