"""The whole decoding against what the published post-processing gave on the same maps."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import torch

from hawkeye_core.pose.aggregate import aggregate
from hawkeye_core.pose.geometry import fit_input
from hawkeye_core.pose.grouping import group
from hawkeye_core.pose.heatmap import find_candidates
from hawkeye_core.pose.refine import adjust, refine


def crc(maps: np.ndarray) -> str:
    return f"{zlib.crc32(np.ascontiguousarray(maps).tobytes()):08x}"


def stages(maps) -> dict[str, np.ndarray]:
    (candidates,) = find_candidates(maps, threshold=0.1, limit=30)
    grouped = group(candidates, max_people=30, tag_threshold=1.0)
    adjusted = adjust(torch.from_numpy(grouped), maps.heat[0])
    refined = refine(adjusted, maps, frame=0)
    return {
        "candidates": np.array([len(c.score) for c in candidates]),
        "after_match": grouped,
        "after_adjust": adjusted.numpy(),
        "after_refine": refined.numpy(),
    }


@pytest.mark.parametrize("name", ["three_people", "hard", "empty", "crowd", "random"])
def test_decoding_equals_the_original(name, planted, reference):
    expected = reference("decoding.json")["maps"][name]
    heat, tag = planted.raw[name]()
    assert crc(heat) == expected["det_crc32"]
    assert crc(np.moveaxis(tag, 0, -1)) == expected["tag_crc32"]
    got = stages(planted.maps(name))
    assert got["candidates"].tolist() == expected["n_candidates_over_threshold"]
    assert len(got["after_match"]) == expected["n_people"]
    np.testing.assert_allclose(got["after_match"][..., 2].mean(axis=1), expected["scores"], atol=1e-6)
    for stage in ("after_match", "after_adjust", "after_refine"):
        if expected.get(stage):
            people = np.array(expected[stage])
            np.testing.assert_allclose(got[stage][: len(people)], people, atol=1e-5, err_msg=stage)


@pytest.mark.parametrize(
    "name", ["landscape_640x480", "portrait_427x640", "landscape_640x480_noflip", "landscape_640x480_noproject"]
)
def test_outputs_to_image_keypoints_equal_the_original(name, planted, reference):
    expected = reference("decoding.json")["end_to_end"][name]
    geometry = fit_input(*expected["image_wh"], size=512)
    assert [geometry.input_width, geometry.input_height] == expected["base_size_wh"]
    coarse, fine = planted.outputs(geometry.input_width, geometry.input_height)
    assert [crc(m.numpy()) for m in (coarse[0], fine[0], coarse[1], fine[1])] == list(expected["crc32"].values())
    flipped = "noflip" not in name
    size = None if "noproject" in name else (geometry.input_height, geometry.input_width)
    part = slice(None) if flipped else slice(1)
    maps = aggregate(coarse[part], fine[part], flipped=flipped, size=size)

    assert list(maps.heat.shape) == expected["final_heatmap_shape"]
    np.testing.assert_allclose(maps.heat.flatten()[expected["heat_idx"]], expected["heat_val"], atol=1e-6)
    tags = torch.stack([maps.tags_of(0, joint).permute(1, 2, 0) for joint in range(17)])[None]
    assert list(tags.shape) == expected["tags_shape"]
    np.testing.assert_allclose(tags.flatten()[expected["tag_idx"]], expected["tag_val"], atol=1e-6)

    people = stages(maps)["after_refine"]
    np.testing.assert_allclose(people, expected["heatmap_keypoints"], atol=1e-5)
    in_image = geometry.to_source(people[..., :2], map_width=maps.heat.shape[3], map_height=maps.heat.shape[2])
    np.testing.assert_allclose(in_image, np.array(expected["image_keypoints"])[..., :2], atol=0.01)
