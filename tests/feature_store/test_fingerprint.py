from __future__ import annotations

from dataclasses import replace

import pytest

from feature_store import Fingerprint

BASE = Fingerprint("pose", "higherhrnet", "1", "sha256:ab", {"size": 512, "flip": True})


def test_digest_does_not_depend_on_the_order_of_settings() -> None:
    assert replace(BASE, settings={"flip": True, "size": 512}).digest == BASE.digest
    assert len(BASE.digest) == 16


@pytest.mark.parametrize(
    "change",
    [
        {"family": "vision"},
        {"backend": "yolo"},
        {"version": "2"},
        {"weights": "sha256:ac"},
        {"settings": {"size": 640, "flip": True}},
        {"settings": {"size": 512}},
    ],
)
def test_whatever_changes_results_changes_the_digest(change: dict[str, object]) -> None:
    assert replace(BASE, **change).digest != BASE.digest  # type: ignore[arg-type]


def test_json_round_trip() -> None:
    again = Fingerprint.from_json(BASE.to_json())
    assert again == BASE
    assert again.digest == BASE.digest


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"family": "pose"}', "NaN"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Fingerprint.from_json(text)


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError):
        replace(BASE, settings={"threshold": float("nan")}).to_json()


def test_untrained_is_said() -> None:
    assert BASE.trained
    assert not replace(BASE, weights="untrained").trained
