"""Stage 1's tables of a drawn world, read back by stage 1's own reader."""

from pathlib import Path

import numpy as np
import pytest

from hawkeye_core.datasets.reconsim import world_presets
from hawkeye_core.datasets.reconsim.sidecars import write_world_sidecars
from hawkeye_core.datasets.reconsim.stage1_tables import LONGEST_S, SHORTEST_S, write_stage1_tables
from hawkeye_core.datasets.reconsim.truth_files import read_truth
from hawkeye_core.datasets.reconsim.world import World, draw_world
from hawkeye_core.datasets.reconsim.world_presets import PRESETS, Part
from hawkeye_core.training.stage1.table import read_motions, read_regions

SMALL = (
    Part("ucf_crime", "train", 2, 1.0, (6.0, 6.0), 4.0),
    Part("ucf_crime", "val", 1, 0.0, (6.0, 6.0), 4.0),
    Part("tsl300", "test", 1, 0.0, (6.0, 6.0), 4.0),
)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(world_presets, "PRESETS", {**PRESETS, "tables": SMALL})
    return draw_world(tmp_path / "world", "tables", seed=3)


def test_rows_are_true_and_the_same_every_time(world: World) -> None:
    regions, motions = write_stage1_tables(world, seed=1)
    before = regions.read_bytes(), motions.read_bytes()
    assert (write_stage1_tables(world, seed=1)[0].read_bytes(), motions.read_bytes()) == before
    for split in ("train", "test"):
        named = {item.video for item in world.videos if item.split == split}
        said = read_motions(motions, split=split)
        assert set(said.videos) == named
        for row, (start, end) in enumerate(said.numbers.tolist()):
            truth = read_truth(world.truth_folder, said.video(row))
            assert SHORTEST_S - 1e-3 <= end - start <= LONGEST_S + 1e-3
            assert any(
                span.caption == said.words(row) and span.start_s - 1e-3 <= start and end <= span.end_s + 1e-3
                for span in truth.actions
            )
        seen = read_regions(regions, split=split)
        assert set(seen.videos) <= named
        for row, box in enumerate(seen.numbers):
            truth = read_truth(world.truth_folder, seen.video(row))
            assert np.isclose(truth.boxes[0], box, atol=0.06).all(-1).any()


def test_sidecars_of_all_videos_are_written_once(world: World) -> None:
    folder = write_world_sidecars(world)
    files = sorted(folder.rglob("*.json"))
    assert len(files) == 2 * len(world.videos)
    times = [path.stat().st_mtime_ns for path in files]
    told = []
    write_world_sidecars(world, progress=lambda done, name: told.append(done))
    assert [path.stat().st_mtime_ns for path in files] == times
    assert told == [1, 2, 3, 4]
