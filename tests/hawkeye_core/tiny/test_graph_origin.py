"""Cards say whether graphs were those of the truth."""

from __future__ import annotations

from pathlib import Path

from hawkeye_core.tiny.graph_origin import FOUND, TRUE, UNKNOWN, graph_origin

from .drawn_store import write_world


def test_what_the_graphs_of_stores_are(tmp_path: Path) -> None:
    _, true = write_world(tmp_path / "true", {"a": "train"}, backend="sidecar")
    _, found = write_world(tmp_path / "found", {"a": "train"}, backend="higherhrnet")
    assert graph_origin([]) == TRUE  # drawn while training goes on
    assert graph_origin([str(true)]) == TRUE
    assert graph_origin([str(found), str(found)]) == FOUND
    assert graph_origin([str(found), str(true)]) == f"{TRUE} and {FOUND}"
    assert graph_origin([str(true), str(tmp_path / "gone")]) == f"{TRUE} and {UNKNOWN}"
