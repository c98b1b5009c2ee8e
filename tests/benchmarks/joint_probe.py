"""How much of what people do can be told from true joints, and what averaging people before time costs.

Small networks of their own, not Hawkeye's: each reads a person's joints in a frame (places in the box and in the frame,
scores, velocities), pools people and says which actions somebody does in the frame. Trained for as many steps each on
the training videos of drawn worlds, measured on their other videos; average precision as `hawkeye tiny train scene` has
it (`ap_actions`).

    python tests/benchmarks/joint_probe.py --world W --store S [--world W2 --store S2 --all-of W2] [--steps 1500]
        [--kinds frame mean temporal] [--seed 0]

* ``frame``: three layers on a person's frame, actions said of each person, then the likeliest of them (logsumexp).
* ``mean``: the same, but people are averaged before actions are said, as in the paper's footnote 2.
* ``temporal``: ``frame`` with layers that look four frames either way of the same place in the list of people.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from hawkeye_core.model.scene_batch import SceneBatch
from hawkeye_core.tiny.scene_labels import mean_average_precision
from hawkeye_core.tiny.scene_task import RARE, SceneTask, label_loss
from hawkeye_core.tiny.scene_train import SceneRunSettings, scene_task
from hawkeye_core.training.scene_tensors import collate_scenes

KINDS = ("frame", "mean", "temporal")
WIDTH, POOLED, LAYERS, REACH = 96, 64, 3, 4
INPUTS = 17 * 7
NOT_THERE = -8.0  # logit of a place without a person
console = Console(highlight=False)


class Probe(nn.Module):
    """[B, T] frames of a :class:`SceneBatch` -> [B, T, A] logits."""

    def __init__(self, kind: str, actions: int) -> None:
        super().__init__()
        self.kind = kind
        size = 2 * REACH + 1 if kind == "temporal" else 1
        self.first = nn.Linear(INPUTS, WIDTH)
        self.layers = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, size, padding=size // 2) for _ in range(LAYERS))
        self.pooled = nn.Linear(WIDTH, POOLED)
        self.actions = nn.Linear(POOLED if kind == "mean" else WIDTH, actions)
        nn.init.constant_(self.actions.bias, RARE)

    def forward(self, scene: SceneBatch) -> Tensor:
        there = scene.person_mask[..., None]  # [B, T, P, 1]
        x = torch.relu(self.first(joint_features(scene).flatten(3) * there))
        batch, _, people = x.shape[:3]
        x = x.permute(0, 2, 3, 1).flatten(0, 1)  # [B P, d, T]
        for layer in self.layers:
            x = x + torch.relu(layer(x))
        x = x.unflatten(0, (batch, people)).permute(0, 3, 1, 2)  # [B, T, P, d]
        if self.kind == "mean":
            return self.actions((torch.relu(self.pooled(x)) * there).sum(2) / there.sum(2).clamp(min=1))
        return self.actions(x).masked_fill(~there, NOT_THERE).logsumexp(2)


def joint_features(scene: SceneBatch) -> Tensor:
    """[B, T, P, J, 7]: in the box, in the frame and score as -1 .. 1, and velocity in boxes a second."""
    corner, far = scene.person_box[..., None, :2], scene.person_box[..., None, 2:]
    inside = (scene.keypoints[..., :2] - corner) / (far - corner).clamp(min=1e-3)
    return torch.cat([2 * torch.cat([inside, scene.keypoints], -1) - 1, 8 * scene.velocity], -1)


def trained(kind: str, task: SceneTask, *, steps: int, seed: int) -> Probe:
    """AdamW, a short warm-up and half a cosine."""
    torch.manual_seed(seed)
    actions = len(task.book.actions)
    probe, batches = Probe(kind, actions), task.batches(seed, 0)
    optimizer = torch.optim.AdamW(probe.parameters(), lr=2e-3, weight_decay=0.01)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 50) * 0.5 * (1 + np.cos(np.pi * step / steps))
        batch = next(batches)
        mask = batch.scene.frame_mask
        optimizer.zero_grad()
        label_loss(probe(batch.scene)[mask], batch.labels[mask][:, :actions]).backward()
        optimizer.step()
    return probe.eval()


@torch.no_grad()
def measured(probe: Probe, task: SceneTask) -> float:
    scores, truth = [], []
    for video in task.held_out:
        scores.append(probe(collate_scenes([video.whole().window]))[0].numpy())
        truth.append(task.book.frames(video.account, video.frames, video.fps)[:, : scores[-1].shape[1]])
    return mean_average_precision(np.concatenate(scores), np.concatenate(truth))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--world", "--store", "--all-of"):
        parser.add_argument(name, action="append", default=[])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--held-out", type=int, default=32)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = scene_task(SceneRunSettings(
        worlds=tuple(options.world), stores=tuple(options.store), all_of=tuple(options.all_of), batch=8, noise=0.0,
        held_out=options.held_out, seed=options.seed, questions=False,
    ))  # fmt: skip
    title = f"{len(task.book.actions)} actions, {options.steps} steps, {len(task.held_out)} held-out videos"
    table = Table("what reads the joints", "AP of actions", "seconds", title=title)
    for kind in options.kinds:
        begun = time.perf_counter()
        score = measured(trained(kind, task, steps=options.steps, seed=options.seed), task)
        table.add_row(kind, f"{score:.3f}", f"{time.perf_counter() - begun:.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
