"""Graphs made less certain: missed people and joints, things and relations, some taken for others, lower scores.

A model that has seen true graphs only trusts every joint and every relation, and is lost on those that networks find;
one that has seen the same found graphs again and again knows them by heart.

Legend: T frames, S people or objects of all frames, R relations, J joints.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from feature_store.window import PoseTensors, RelationTensors, VisionTensors

DOUBTED = 0.4
"""Further factor of the score of what is taken for something else: networks are less sure where they are wrong."""


@dataclass(frozen=True, slots=True)
class NoiseLevels:
    """What happens to a window at level 1; at level u every number is u times as large.

    Probabilities with ``window`` hold for the whole window (a class that is never found), those with ``frame`` for
    each frame anew.
    """

    person_window: float = 0.3
    """A person is missed; people are told apart by their place in the frame's order."""
    person_frame: float = 0.25
    joint_frame: float = 0.25
    """A joint is not seen."""
    jump: float = 0.2
    """A joint is found anywhere in the person's box."""
    spread: float = 0.08
    """Standard deviation of a joint's place, in sides of the person's box."""
    class_window: float = 0.5
    """Nothing of a class is found."""
    object_frame: float = 0.5
    relation_frame: float = 0.6
    wrong: float = 0.15
    """A class or predicate is taken for another one of the window."""
    box: float = 0.1
    """Standard deviation of a box's corners, in its sides."""
    doubt: float = 0.7
    """Largest share of its score that anything loses."""


LEVELS = NoiseLevels()


def noisy_pose(
    pose: PoseTensors, rng: np.random.Generator, *, level: float, levels: NoiseLevels = LEVELS
) -> PoseTensors:
    """People and joints that are missed get score 0; the others are somewhere else, and less sure.

    Args:
        pose: People of T frames.
        rng: Chooses.
        level: 0..1.
        levels: At level 1.
    """
    n_people = pose.n_people.numpy()
    keypoints = pose.keypoints.numpy().copy()
    people, joints = keypoints.shape[:2]
    rank = np.arange(people) - np.repeat(np.cumsum(n_people) - n_people, n_people)
    most = int(rank.max(initial=-1)) + 1
    missed = (rng.random(most) < level * levels.person_window)[rank] | (
        rng.random(people) < level * levels.person_frame
    )
    box = pose.box.numpy()[:, None]  # [S, 1, 4]
    corner, side = box[..., :2], np.maximum(box[..., 2:] - box[..., :2], 1.0)
    spread = level * levels.spread * rng.standard_normal((people, joints, 2))
    anywhere = corner + side * rng.random((people, joints, 2))
    jumps = rng.random((people, joints, 1)) < level * levels.jump
    keypoints[..., :2] = np.where(jumps, anywhere, keypoints[..., :2] + spread * side)
    unseen = missed[:, None] | (rng.random((people, joints)) < level * levels.joint_frame)
    keypoints[..., 2] *= np.where(unseen, 0.0, 1 - 0.6 * level * rng.random((people, joints)))
    return replace(pose, keypoints=torch.from_numpy(keypoints.astype(np.float32)))


def noisy_graph(
    relations: RelationTensors, vision: VisionTensors, rng: np.random.Generator, *, level: float,
    levels: NoiseLevels = LEVELS,
) -> tuple[RelationTensors, VisionTensors]:  # fmt: skip
    """Objects and relations that are missed are gone, with the objects' tokens; some are taken for others; scores fall.

    Args:
        relations: Graphs of T frames.
        vision: Tokens of the same objects.
        rng: Chooses.
        level: 0..1.
        levels: At level 1.
    """
    kind = relations.object_class.numpy()
    classes, number = np.unique(kind, return_inverse=True)
    gone = (rng.random(len(classes)) < level * levels.class_window)[number]
    kept = ~gone & (rng.random(len(kind)) >= level * levels.object_frame)
    found = keep_objects(relations, kept, rng.random(len(relations.subject)) >= level * levels.relation_frame)
    box = found.object_box.numpy()
    side = np.tile(box[:, 2:] - box[:, :2], 2)
    moved = box + level * levels.box * side * rng.standard_normal(box.shape)
    corners = np.sort(moved.reshape(-1, 2, 2), axis=1).reshape(-1, 4)
    share, doubt = level * levels.wrong, level * levels.doubt
    object_class = _confused(found.object_class, share, rng)
    predicate = _confused(found.predicate, share, rng)
    relations = replace(
        found,
        object_class=object_class,
        object_score=_doubted(found.object_score, object_class != found.object_class, doubt, rng),
        object_box=torch.from_numpy(corners.astype(np.float32)),
        predicate=predicate,
        relation_score=_doubted(found.relation_score, predicate != found.predicate, doubt, rng),
    )
    tokens = vision.object_tokens[torch.from_numpy(kept)]
    return relations, replace(vision, n_objects=found.n_objects, object_tokens=tokens)


def keep_objects(
    relations: RelationTensors, objects: NDArray[np.bool_], triplets: NDArray[np.bool_]
) -> RelationTensors:
    """The graphs of some objects: relations of others, and those not in ``triplets``, are left out.

    Args:
        relations: Graphs of T frames.
        objects: [S] kept.
        triplets: [R] kept, if subject and object are.
    """
    n_objects, n_relations = relations.n_objects.numpy(), relations.n_relations.numpy()
    frames = len(n_objects)
    of_object = np.repeat(np.arange(frames), n_objects)
    of_relation = np.repeat(np.arange(frames), n_relations)
    first = np.cumsum(n_objects) - n_objects
    counts = np.bincount(of_object[objects], minlength=frames)
    new_first = np.cumsum(counts) - counts
    place = np.cumsum(objects) - 1 - new_first[of_object]  # [S] number within the frame, of those kept
    subject = first[of_relation] + relations.subject.numpy()
    object_ = first[of_relation] + relations.object.numpy()
    there = triplets & objects[subject] & objects[object_]

    def numbers(values: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(values.astype(np.int32))

    chosen, mask = torch.from_numpy(there), torch.from_numpy(objects)
    return RelationTensors(
        n_objects=numbers(counts),
        object_class=relations.object_class[mask],
        object_score=relations.object_score[mask],
        object_box=relations.object_box[mask],
        n_relations=numbers(np.bincount(of_relation[there], minlength=frames)),
        subject=numbers(place[subject[there]]),
        predicate=relations.predicate[chosen],
        object=numbers(place[object_[there]]),
        relation_score=relations.relation_score[chosen],
    )


def _confused(values: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Some of the values are exchanged for those of other rows."""
    given = values.numpy()
    if not len(given):
        return values
    other = given[rng.integers(len(given), size=len(given))]
    return torch.from_numpy(np.where(rng.random(len(given)) < share, other, given).astype(given.dtype))


def _doubted(scores: Tensor, wrong: Tensor, most: float, rng: np.random.Generator) -> Tensor:
    """Every score smaller by up to the share ``most`` of it, those that are ``wrong`` once more."""
    left = torch.from_numpy(1 - most * rng.random(len(scores))).float()
    return scores * torch.where(wrong, DOUBTED, 1.0) * left
