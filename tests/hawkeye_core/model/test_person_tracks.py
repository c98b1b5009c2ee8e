"""People along their tracks against a walk from frame to frame."""

from __future__ import annotations

import pytest
import torch

from hawkeye_core.model.person_tracks import PersonTracks, TrackLayer, chained, reverse, track_links


def walked(scene, b: int, t: int, p: int, steps: int) -> tuple[int, int, int] | None:
    """Where a person was ``steps`` frames before, link by link; None if it was not there in one of them."""
    for _ in range(steps):
        p = int(scene.previous[b, t, p])
        t -= 1
        if p < 0 or not scene.person_mask[b, t, p]:
            return None
    return b, t, p


def numbers(scene) -> dict[tuple[int, int, int], int]:
    return {tuple(place): number for number, place in enumerate(scene.person_mask.nonzero().tolist())}


@pytest.mark.parametrize("doublings", [0, 1, 2])
def test_links_equal_a_walk_along_the_track(make_scene, doublings: int) -> None:
    scene = make_scene([9, 5], people=4, seed=3)
    number = numbers(scene)
    links = track_links(scene.previous, scene.person_mask)
    for _ in range(doublings):
        links = chained(links)
    expected = [number.get(walked(scene, *place, 2**doublings), len(number)) for place in number]
    assert links.tolist() == expected
    assert any(link < len(number) for link in expected), "somebody must have been there for it to prove anything"
    back = reverse(links).tolist()
    assert back == [expected.index(k) if k in expected else len(number) for k in range(len(number))]


def test_layers_equal_the_literal_sum(make_scene) -> None:
    torch.manual_seed(0)
    scene = make_scene([7, 4], people=3)
    number = numbers(scene)
    tracks = PersonTracks(6, 3).double()
    x = torch.randn(len(number), 6, dtype=torch.double)
    expected = x
    for reach, layer in zip((1, 2, 4), tracks.layers, strict=True):
        assert isinstance(layer, TrackLayer)
        own, w_before, w_after = layer.mix.weight.split(6, dim=1)
        before = {place: walked(scene, *place, reach) for place in number}
        after = {earlier: place for place, earlier in before.items() if earlier is not None}
        rows = []
        for place, k in number.items():
            total = own @ expected[k] + layer.mix.bias
            if before[place] is not None:
                total = total + w_before @ expected[number[before[place]]]
            if place in after:
                total = total + w_after @ expected[number[after[place]]]
            rows.append(torch.nn.functional.layer_norm(expected[k] + total.relu(), (6,)))
        expected = torch.stack(rows)
    torch.testing.assert_close(tracks(x, scene.previous, scene.person_mask), expected)


def test_gradients_are_confirmed_by_numbers(make_scene) -> None:
    torch.manual_seed(0)
    scene = make_scene([4], people=2)
    tracks = PersonTracks(2, 2).double()
    x = torch.randn(int(scene.person_mask.sum()), 2, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: tracks(x, scene.previous, scene.person_mask), (x,))


def test_nobody_at_all(make_scene) -> None:
    scene = make_scene([3], people=0)
    assert PersonTracks(4, 2)(torch.zeros(0, 4), scene.previous, scene.person_mask).shape == (0, 4)


def test_several_who_claim_the_same_past_are_no_error() -> None:
    there = torch.ones(1, 2, 2, dtype=torch.bool)
    links = track_links(torch.tensor([[[-1, -1], [0, 0]]]), there)
    assert links.tolist() == [4, 4, 0, 0]
    assert reverse(links).tolist() == [3, 4, 4, 4]
