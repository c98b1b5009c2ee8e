"""Configuration: presets, files, overrides, and errors that name the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from hawkeye_core.errors import ConfigError
from hawkeye_core.extraction.config import ExtractSettings
from hawkeye_core.settings import load_settings, preset_names

PACKAGE = "hawkeye_core.extraction"


@pytest.mark.parametrize("name", preset_names(PACKAGE))
def test_every_preset_is_valid(name: str) -> None:
    settings = load_settings(ExtractSettings, config=name, package=PACKAGE)
    assert settings.fps == 8.0


def test_the_paper_preset_equals_the_defaults() -> None:
    assert load_settings(ExtractSettings, config="paper", package=PACKAGE) == ExtractSettings()


def test_overrides_win_over_values_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("fps: 4\nbatch_size: 2\nstore: file-store\n")
    settings = load_settings(
        ExtractSettings,
        config=file,
        values={"store": "value-store", "videos": None, "batch_size": 3},
        overrides=["batch_size=5", "pose.weights=untrained", "pose.backend=higherhrnet"],
    )
    assert (settings.fps, settings.store, settings.batch_size, settings.pose.weights) == (
        4, "value-store", 5, "untrained",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["nonsense=1"], r"(?s)nonsense.*known keys: videos, store"),
        (["fps=fast"], r"fps.*'fast'"),
        (["pose.backend=none"], r"pose.*'higherhrnet', 'yolo', 'sidecar'"),
        (["fps"], r"'fps' is not of the form"),
        (["fps=: :"], r"not YAML"),
    ],
)
def test_wrong_settings_are_refused_with_the_key(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(ExtractSettings, overrides=overrides)


@pytest.mark.parametrize("content", ["- a\n- b\n", "a: [", "!!python/object/apply:os.getcwd []"])
def test_wrong_files_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        load_settings(ExtractSettings, config=file)


def test_a_missing_file_lists_the_presets() -> None:
    with pytest.raises(ConfigError, match=r"(?s)nowhere.*paper, tiny, tiny-untrained"):
        load_settings(ExtractSettings, config="nowhere", package=PACKAGE)
