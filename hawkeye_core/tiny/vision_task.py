"""The small vision tower: a CLIP vision model whose patch tokens learn to tell what they show.

Heads stand on the tokens that are used at run time (the last layer but one): on every patch (classes, actions and body
parts that it shows), on an object's mean over its box (class, action), and on pairs of objects (predicate). The last
layer's CLS token is asked what the frame shows. All heads are linear and are thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPVisionModel

from hawkeye_core.datasets.reconsim.motions import MOTIONS
from hawkeye_core.model.time_encoding import sinusoidal_time
from hawkeye_core.relation.vocabulary import OBJECT_CLASSES, PREDICATE_CLASSES
from hawkeye_core.tiny.llava_config import PATCH, SIDE, vision_config
from hawkeye_core.tiny.pictures import NONE, Pictures
from hawkeye_core.tiny.shipped import ShippedName
from hawkeye_core.tiny.vision_targets import BODY_PARTS, VisionBatch, targets
from hawkeye_core.vision.preprocess import CLIP_MEAN, CLIP_STD

ACTIONS: tuple[str, ...] = tuple(sorted(MOTIONS))
GRID = SIDE // PATCH
RUN_TIME_LAYER = -2

RARE = -4.0
"""Logit of a label's presence before anything is learned."""

PLACE_SIZE = 0.5
"""Of the sinusoids that places begin as; the whitened patches have size 1."""

FRAME_SHARE = 4
"""One picture of so many also goes through the last layer, which a complete checkpoint needs and run time does not; its
loss does not reach the layers below."""

Told = Literal["all", "things"]
"""What a tower learns from: everything that is known of a picture, or what things there are and where."""

WEIGHTS = {"patch": 1.0, "object": 2.0, "action": 1.0, "predicate": 0.5, "frame": 0.3, "centre": 0.1}
"""Of the losses."""


class TowerWithHeads(nn.Module):
    """The tower and its heads."""

    def __init__(self, *, classes: int = len(OBJECT_CLASSES), actions: int = len(ACTIONS)) -> None:
        super().__init__()
        config = vision_config()
        width = config.hidden_size
        self.tower = CLIPVisionModel(config)
        self.patch = nn.Linear(width, classes + actions + len(BODY_PARTS))
        self.object = nn.Linear(width, classes)
        self.action = nn.Linear(width, actions)
        self.predicate = nn.Linear(2 * width, len(PREDICATE_CLASSES))
        self.frame = nn.Linear(width, classes + actions)
        for head in (self.patch, self.frame):  # most labels are absent: begin there
            nn.init.constant_(head.bias, RARE)

    def tokens(self, pixels: Tensor) -> Tensor:
        """[B, 3, S, S] uint8 -> [B, 1 + P, D] CLS and patch tokens of the run-time layer."""
        hidden = self.tower.pre_layrnorm(self.tower.embeddings(normalise(pixels)))
        for layer in self.tower.encoder.layers[: RUN_TIME_LAYER + 1]:
            hidden = layer(hidden, attention_mask=None)
        return hidden

    def pooled(self, hidden: Tensor) -> Tensor:
        """[B, 1 + P, D] of the run-time layer -> [B, D] what the whole tower makes of the frame."""
        for layer in self.tower.encoder.layers[RUN_TIME_LAYER + 1 :]:
            hidden = layer(hidden, attention_mask=None)
        return self.tower.post_layernorm(hidden[:, 0])


class VisionTask:
    """See the module.

    Args:
        pictures: To learn from.
        held_out: To measure on.
        batch: Pictures a batch.
        seed: Of the new weights.
        told: ``all``, or ``things``: object classes alone, as CLIP mostly knows them. The heads of the rest then
            learn nothing, and what they measure is chance.
    """

    name: ShippedName = "vision"
    measure = "object"

    def __init__(
        self, pictures: Pictures, held_out: Pictures, *, batch: int, seed: int = 0, told: Told = "all"
    ) -> None:
        self.pictures, self.held_out, self.batch, self.told = pictures, held_out, batch, told
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.heads = TowerWithHeads()
        begin_well(self.heads.tower, pictures, seed=seed)
        self.model: nn.Module = self.heads

    def batches(self, seed: int, start: int) -> Iterator[VisionBatch]:
        """Pictures in a new order every epoch, mirrored and in other light at random; batch k by (seed, k) alone."""
        number = start
        each = max(len(self.pictures) // self.batch, 1)
        while True:
            epoch, place = divmod(number, each)
            order = np.random.default_rng([seed, 0, epoch]).permutation(len(self.pictures))
            rng = np.random.default_rng([seed, 1, number])
            rows = np.sort(order[place * self.batch : (place + 1) * self.batch])
            batch = self._targets(self.pictures.take(rows), rng)
            yield relit(batch, rng)
            number += 1

    def _targets(self, pictures: Pictures, rng: np.random.Generator | None) -> VisionBatch:
        return targets(pictures, rng, side=GRID, classes=len(OBJECT_CLASSES), actions=len(ACTIONS))

    def losses(self, batch: VisionBatch) -> dict[str, Tensor]:
        """By head; ``centre`` keeps tokens near mean 0 and size 1, which is what a projector reads best."""
        model = self.heads
        hidden = model.tokens(batch.pixels)
        patches = hidden[:, 1:]
        few = max(1, len(hidden) // FRAME_SHARE)
        frame = model.frame(model.pooled(hidden[:few].detach()))
        objects = batch.cover @ patches  # [B, E, P] @ [B, P, D]
        shown = torch.cat([batch.patch_classes, batch.patch_actions, batch.patch_parts], -1)
        classes = batch.patch_classes.shape[-1]
        first = classes if self.told == "things" else shown.shape[-1]
        whole = classes if self.told == "things" else shown.shape[-1] - len(BODY_PARTS)
        inside = batch.classes != NONE
        person = batch.actions != NONE
        found = {
            "patch": F.binary_cross_entropy_with_logits(
                model.patch(patches)[..., :first], shown[..., :first], reduction="sum"
            ) / shown[..., 0].numel(),
            "object": F.cross_entropy(model.object(objects[inside]), batch.classes[inside]),
            "action": F.cross_entropy(model.action(objects[person]), batch.actions[person]),
            "predicate": F.cross_entropy(model.predicate(pair_tokens(objects, batch.pairs)), batch.predicates),
            "frame": F.binary_cross_entropy_with_logits(
                frame[:, :whole], (shown[:few, :, :whole].amax(1) > 0).float(), reduction="sum"
            ) / few,
            "centre": patches.mean((0, 1)).square().mean() + (patches.square().mean() - 1).square(),
        }  # fmt: skip
        left_out = ("action", "predicate") if self.told == "things" else ()
        return {name: WEIGHTS[name] * value for name, value in found.items() if name not in left_out}

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Held-out accuracy of the linear heads on object tokens: class, person's class, action, predicate."""
        right: dict[str, list[Tensor]] = {name: [] for name in ("object", "person", "action", "predicate")}
        people = torch.tensor([OBJECT_CLASSES.index(name) for name in ("man", "woman", "child")])
        for begin in range(0, len(self.held_out), 64):
            batch = self._targets(self.held_out.take(slice(begin, begin + 64)), None)
            objects = batch.cover @ self.heads.tokens(batch.pixels)[:, 1:]
            inside, person = batch.classes != NONE, batch.actions != NONE
            kind = self.heads.object(objects[inside]).argmax(-1) == batch.classes[inside]
            right["object"].append(kind)
            right["person"].append(kind[torch.isin(batch.classes[inside], people)])
            right["action"].append(self.heads.action(objects[person]).argmax(-1) == batch.actions[person])
            said = self.heads.predicate(pair_tokens(objects, batch.pairs))[:, 1:].argmax(-1) + 1
            right["predicate"].append(said == batch.predicates)
        return {name: float(torch.cat(values).float().mean()) for name, values in right.items()}


def pair_tokens(objects: Tensor, pairs: Tensor) -> Tensor:
    """Subject's and object's token side by side: [B, E, D], [N, 3] -> [N, 2 D]."""
    return torch.cat([objects[pairs[:, 0], pairs[:, 1]], objects[pairs[:, 0], pairs[:, 2]]], -1)


def relit(batch: VisionBatch, rng: np.random.Generator) -> VisionBatch:
    """The pictures with another brightness and contrast each."""
    count = len(batch.pixels)
    gain = torch.from_numpy(rng.uniform(0.8, 1.2, (count, 1, 1, 1)).astype(np.float32))
    lift = torch.from_numpy(rng.uniform(-15, 15, (count, 1, 1, 1)).astype(np.float32))
    pixels = (batch.pixels.float() * gain + lift).clamp(0, 255).to(torch.uint8)
    values = {name: getattr(batch, name) for name in VisionBatch.__slots__}
    return VisionBatch(**{**values, "pixels": pixels})


@torch.no_grad()
def begin_well(tower: CLIPVisionModel, pictures: Pictures, *, seed: int, sample: int = 400) -> None:
    """New weights that learn faster: a patch embedding that whitens, and places as sinusoids of row and column.

    Neighbouring pixels are nearly equal, so that a random embedding sees brightness and little else. The embedding's
    filters become the D strongest principal components of the pictures' patches, each scaled to variance 1.

    Args:
        tower: What is changed.
        pictures: Whose patches are looked at.
        seed: Chooses them.
        sample: How many pictures.
    """
    rows = np.random.default_rng([seed, 2]).permutation(len(pictures))[:sample]
    pixels = normalise(torch.from_numpy(pictures.image[np.sort(rows)]).permute(0, 3, 1, 2))
    patches = F.unfold(pixels, PATCH, stride=PATCH).transpose(1, 2).flatten(0, 1)  # [N, 3 * PATCH * PATCH]
    patches = patches - patches.mean(0)
    strength, direction = torch.linalg.eigh(patches.T @ patches / len(patches))  # rising
    weight = tower.embeddings.patch_embedding.weight
    width = len(weight)
    chosen = direction[:, -width:] / (strength[-width:] + 1e-3 * strength[-1]).sqrt()
    weight.copy_(chosen.T.reshape(weight.shape))
    place = sinusoidal_time(GRID, width // 2, like=weight)  # [n, D / 2]
    grid = torch.cat([place[:, None].expand(-1, GRID, -1), place[None].expand(GRID, -1, -1)], -1)  # [n, n, D]
    tower.embeddings.position_embedding.weight[1:].copy_(PLACE_SIZE * grid.flatten(0, 1))


def normalise(pixels: Tensor) -> Tensor:
    """[B, 3, S, S] levels 0..255 as the tower reads them."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (CLIP_MEAN, CLIP_STD))
    return (pixels.float() - mean) / std
