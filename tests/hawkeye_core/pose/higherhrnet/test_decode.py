"""Whole decoding of planted maps whose tags do not tell people apart."""

from dataclasses import replace

import numpy as np
import torch

from hawkeye_core.pose.config import HigherHRNetSettings
from hawkeye_core.pose.decode import decode

SETTINGS = HigherHRNetSettings(max_people=3)


def spreads(found) -> list[float]:
    """Width that the surely found joints of each person span, in cells."""
    return [float(np.ptp(person[person[:, 2] > 0.3, 0])) for person in found.joints]


def test_a_reach_keeps_people_apart_whose_tags_are_alike(planted):
    maps = planted.maps("three_people")
    (told,) = decode(maps, SETTINGS)
    assert max(spreads(told)) <= 36
    noise = 0.01 * torch.randn(maps.tags.shape, generator=torch.Generator().manual_seed(0))  # equal ones are one key
    alike = replace(maps, tags=noise)
    (mixed,) = decode(alike, SETTINGS)
    assert max(spreads(mixed)) > 36  # without it, joints of others are taken over
    (apart,) = decode(replace(alike, reach=60.0), SETTINGS)
    assert len(apart.joints) == 3
    assert max(spreads(apart)) <= 36
    middles = sorted(float(person[person[:, 2] > 0.3, 0].mean()) for person in apart.joints)
    for middle, (x, size) in zip(middles, ((28.3, 60.0), (66.7, 55.0), (102.4, 50.0)), strict=True):
        assert abs(middle - x) < size / 4


def test_a_wide_reach_changes_little_where_tags_do_tell_people_apart(planted):
    maps = planted.maps("three_people")
    (before,), (after,) = decode(maps, SETTINGS), decode(replace(maps, reach=1000.0), SETTINGS)
    np.testing.assert_allclose(after.joints, before.joints)
