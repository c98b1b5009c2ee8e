import numpy as np
import pytest
import torch

from hawkeye_core.relation.vocabulary import OBJECT_CLASSES, OBJECT_INDEX, PREDICATE_INDEX
from hawkeye_core.tiny.llava_config import SIDE
from hawkeye_core.tiny.pictures import NONE, DrawnPicture, Pictures, gather
from hawkeye_core.tiny.vision_targets import BODY_PARTS, targets
from hawkeye_core.tiny.vision_task import ACTIONS, GRID, TowerWithHeads, VisionTask
from hawkeye_core.vision.tokens import pool_tokens


def _picture(seed: int) -> DrawnPicture:
    rng = np.random.default_rng(seed)
    keypoints = np.concatenate([rng.uniform(0, 240, (1, 17, 2)), rng.integers(0, 3, (1, 17, 1))], -1).astype(np.float32)
    return DrawnPicture(
        image=rng.integers(0, 256, (240, 320, 3), dtype=np.uint8),
        classes=[OBJECT_INDEX["man"], OBJECT_INDEX["car"], OBJECT_INDEX["bag"]],
        boxes=np.array([[20, 20, 100, 200], [100, 60, 300, 180], [np.nan] * 4], np.float32),
        visible=np.array([0.8, 1.0, 0.0], np.float32),
        actions=[ACTIONS.index("walk")],
        keypoints=keypoints,
        relations=[(0, PREDICATE_INDEX["near"], 1), (0, PREDICATE_INDEX["holding"], 2)],
    )


@pytest.fixture
def pictures() -> Pictures:
    return gather((_picture(seed) for seed in range(4)), 4)


def test_what_is_not_seen_has_no_label(pictures):
    assert pictures.image.shape == (4, SIDE, SIDE, 3)
    assert [OBJECT_CLASSES[c] for c in pictures.classes[0] if c != NONE] == ["car", "man"]  # best seen first
    assert pictures.actions[0, :3].tolist() == [NONE, ACTIONS.index("walk"), NONE]
    assert pictures.relations[0, :2].tolist() == [[1, PREDICATE_INDEX["near"], 0], [NONE] * 3]


def test_saved_pictures_come_back(pictures, tmp_path):
    pictures.take(slice(0, 2)).save(tmp_path / "a.npz")
    pictures.take(slice(2, 4)).save(tmp_path / "b.npz")
    again = Pictures.load([tmp_path / "a.npz", tmp_path / "b.npz"])
    for name in ("image", "classes", "boxes", "joints", "seen", "relations"):
        assert (getattr(again, name) == getattr(pictures, name)).all()


def test_targets_of_patches_equal_a_loop(pictures):
    batch = targets(pictures, None, side=GRID, classes=len(OBJECT_CLASSES), actions=len(ACTIONS))
    man, car = OBJECT_INDEX["man"], OBJECT_INDEX["car"]
    box = pictures.boxes[0].astype(np.float32) * GRID
    for row in range(GRID):
        for column in range(GRID):
            for entity, label in ((0, car), (1, man)):
                x1, y1, x2, y2 = box[entity]
                part = max(0, min(x2, column + 1) - max(x1, column)) * max(0, min(y2, row + 1) - max(y1, row))
                assert batch.patch_classes[0, row * GRID + column, label] == pytest.approx(part, abs=1e-3)
    there = np.zeros((GRID * GRID, len(BODY_PARTS)))
    for part, members in enumerate(BODY_PARTS):
        for joint in members:
            if pictures.seen[0, 0, joint]:
                x, y = np.minimum(pictures.joints[0, 0, joint].astype(np.float32) * GRID, GRID - 1).astype(int)
                there[y * GRID + x, part] = 1
    assert (batch.patch_parts[0].numpy() == there).all()
    assert batch.predicates.tolist() == [PREDICATE_INDEX["near"]] * 4
    assert batch.pairs.tolist() == [[k, 1, 0] for k in range(4)]


def test_an_objects_token_is_the_one_of_extraction(pictures):
    batch = targets(pictures, None, side=GRID, classes=len(OBJECT_CLASSES), actions=len(ACTIONS))
    patches = torch.randn(4, GRID * GRID, 16)
    boxes = torch.from_numpy(pictures.boxes[:, :2].astype(np.float32)).flatten(0, 1) * GRID
    expected = pool_tokens(patches, boxes, [2] * 4, grid=2, visible=(0, 0, GRID, GRID)).objects
    torch.testing.assert_close((batch.cover @ patches)[:, :2].flatten(0, 1), expected, atol=1e-5, rtol=1e-4)


def test_mirroring_moves_boxes_and_pixels_alike(pictures):
    rng = np.random.default_rng(0)
    batch = targets(pictures, rng, side=GRID, classes=len(OBJECT_CLASSES), actions=len(ACTIONS))
    plain = targets(pictures, None, side=GRID, classes=len(OBJECT_CLASSES), actions=len(ACTIONS))
    flipped = np.random.default_rng(0).random(4) < 0.5
    assert flipped.any()
    assert not flipped.all()
    for k in range(4):
        cover = plain.patch_classes[k].unflatten(0, (GRID, GRID))
        image = plain.pixels[k]
        if flipped[k]:
            cover, image = cover.flip(1), image.flip(2)
        torch.testing.assert_close(batch.patch_classes[k].unflatten(0, (GRID, GRID)), cover, atol=1e-2, rtol=0)
        assert (batch.pixels[k] == image).all()


def test_batches_are_a_function_of_seed_and_number(pictures):
    task = VisionTask(pictures, pictures, batch=2)
    first = task.batches(0, 0)
    numbered = [next(first) for _ in range(4)]
    again = next(task.batches(0, 3))
    assert all((getattr(again, f) == getattr(numbered[3], f)).all() for f in ("pixels", "pairs", "patch_classes"))
    assert not (numbered[0].pixels == numbered[2].pixels).all()


def test_run_time_tokens_are_the_last_but_one_hidden_states():
    model = TowerWithHeads().eval()
    pixels = torch.randint(0, 256, (2, 3, SIDE, SIDE), dtype=torch.uint8)
    mean, std = torch.tensor([[0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]])[
        :, None, :, None, None
    ]
    whole = model.tower(pixel_values=(pixels / 255 - mean) / std, output_hidden_states=True)
    hidden = model.tokens(pixels)
    torch.testing.assert_close(hidden, whole.hidden_states[-2], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(model.pooled(hidden), whole.pooler_output, atol=1e-4, rtol=1e-4)


def test_a_few_steps_learn_four_pictures(pictures):
    task = VisionTask(pictures, pictures, batch=4)
    optimiser = torch.optim.AdamW(task.model.parameters(), lr=1e-3)
    losses = []
    for _, batch in zip(range(12), task.batches(0, 0), strict=False):
        loss = torch.stack(list(task.losses(batch).values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
    task.model.eval()
    assert task.evaluate()["object"] >= 0.5


def test_told_of_things_alone_the_tower_learns_nothing_of_actions_and_relations(pictures):
    task = VisionTask(pictures, pictures, batch=4, told="things")
    batch = next(task.batches(0, 0))
    losses = task.losses(batch)
    assert set(losses) == {"patch", "object", "frame", "centre"}
    torch.stack(list(losses.values())).sum().backward()
    heads, classes = task.heads, len(OBJECT_CLASSES)
    assert heads.action.weight.grad is None
    assert heads.predicate.weight.grad is None
    for head in (heads.patch, heads.frame):
        assert not head.weight.grad[classes:].any()
        assert head.weight.grad[:classes].any()
    other = VisionTask(pictures, pictures, batch=4)
    assert set(other.losses(batch)) == {*losses, "action", "predicate"}
