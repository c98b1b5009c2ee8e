"""From the channels of a pose to joints: angles for the trunk, targets for hands and feet.

The trunk is turned joint by joint (forward kinematics). An arm or a leg is a chain of two bones that ends at a target,
which fixes it but for the side on which the elbow or knee lies (inverse kinematics, law of cosines). So planted feet
stay planted, and every bone keeps its length.

Legend: T moments, C channels, J3 = 22 body joints.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.datasets.reconsim.body import JOINT, Skeleton

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

REST: dict[str, float] = {
    # the pelvis: place in leg lengths from the person's origin, height in standing heights, and the whole body's turn
    "px": 0.0, "py": 0.0, "pz": 0.985, "yaw": 0.0, "pitch": 0.0, "roll": 0.0,
    # 1: the pelvis sinks until both feet can touch their targets; 0: feet leave their targets instead
    "sink": 1.0,
    # the trunk from pelvis to neck: forward, to the right, counter-clockwise; the head: forward
    "bend": 0.03, "side": 0.0, "twist": 0.0, "nod": 0.0,
    # hands from their shoulder: outward, forward, up, in arm lengths; elbow: 0 down and back, 1 outward
    "lx": 0.12, "ly": 0.07, "lz": -0.97, "lel": 0.0, "rx": 0.12, "ry": 0.07, "rz": -0.97, "rel": 0.0,
    # ankles from where they stand: outward, forward, up, in leg lengths; foot: toes down, toes outward; knee: outward
    "lfx": 0.04, "lfy": 0.0, "lfz": 0.0, "ltp": 0.0, "lty": 0.2, "lkn": 0.15,
    "rfx": 0.04, "rfy": 0.0, "rfz": 0.0, "rtp": 0.0, "rty": 0.2, "rkn": 0.15,
}  # fmt: skip
"""Channels of a pose and their values when standing; angles in radians."""

CHANNELS: dict[str, int] = {name: i for i, name in enumerate(REST)}
REST_VALUES: F64 = np.array(list(REST.values()))

_SWAPPED = np.array(
    [CHANNELS[{"l": "r", "r": "l"}[name[0]] + name[1:]] if name[0] in "lr" and name != "roll" else i
     for i, name in enumerate(REST)]
)  # fmt: skip
_SIGN = np.array([-1.0 if name in ("px", "yaw", "roll", "side", "twist") else 1.0 for name in REST])


def mirror(channels: F64) -> F64:
    """Left and right exchanged, [..., C] -> [..., C]."""
    return channels[..., _SWAPPED] * _SIGN


def pose_joints(skeleton: Skeleton, channels: F64) -> F32:
    """Joints in the person's own frame, none below the ground.

    Args:
        skeleton: Bone lengths.
        channels: [T, C] in the order of :data:`CHANNELS`.

    Returns:
        [T, J3, 3] metres.
    """
    value = {name: channels[:, i] for name, i in CHANNELS.items()}
    joints = np.zeros((len(channels), len(JOINT), 3))
    root = _turns(value["yaw"], -value["pitch"], value["roll"])
    ankles, toes = zip(*(_feet(skeleton, value, side) for side in "lr"), strict=True)
    pelvis = np.stack([value["px"] * skeleton.leg, value["py"] * skeleton.leg, value["pz"] * skeleton.pelvis], axis=-1)
    hips = [pelvis + root @ _sided(skeleton.hip, side) for side in "lr"]
    drop = np.maximum(
        *(_out_of_reach(hip, ankle, 0.995 * skeleton.leg) for hip, ankle in zip(hips, ankles, strict=True))
    )
    drop *= value["sink"]
    for part in (pelvis, *hips):
        part[:, 2] -= drop
    joints[:, JOINT["pelvis"]] = pelvis

    third = _turns(value["twist"] / 3, -value["bend"] / 3, value["side"] / 3)
    frame, place = root, pelvis
    for name, length in zip(("spine1", "spine2", "spine3"), skeleton.spine, strict=False):
        place = place + frame[..., 2] * length
        joints[:, JOINT[name]] = place
        frame = frame @ third
    neck = place + frame[..., 2] * skeleton.spine[3]
    joints[:, JOINT["neck"]] = neck
    joints[:, JOINT["head"]] = neck + (frame @ _around_x(-value["nod"])) @ np.array(skeleton.head)

    for side, name, out, hip, ankle, toe in zip("lr", ("left", "right"), (-1, 1), hips, ankles, toes, strict=True):
        collar = place + frame @ _sided(skeleton.collar, side)
        shoulder = collar + frame @ _sided(skeleton.shoulder, side)
        hand = np.stack([out * value[side + "x"], value[side + "y"], value[side + "z"]], axis=-1) * skeleton.arm
        el = value[side + "el"]
        hint = np.stack([out * (0.2 + 0.8 * el), -0.7 + 0.6 * el, -0.7 + 0.6 * el], axis=-1)
        elbow, wrist = _two_bones(
            shoulder, shoulder + _rotate(root, hand), _rotate(root, hint), skeleton.upper_arm, skeleton.forearm
        )
        hint = np.stack([out * value[side + "kn"], np.ones(len(el)), np.full(len(el), 0.3)], axis=-1)
        knee, ankle = _two_bones(hip, ankle, _rotate(root, hint), skeleton.thigh, skeleton.shin)
        found = {"collar": collar, "shoulder": shoulder, "elbow": elbow, "wrist": wrist,
                 "hip": hip, "knee": knee, "ankle": ankle, "foot": ankle + toe}  # fmt: skip
        for part_name, part in found.items():
            joints[:, JOINT[f"{name}_{part_name}"]] = part
    joints[..., 2] -= np.minimum(joints[..., 2].min(axis=1, keepdims=True), 0.0)
    return joints.astype(np.float32)


def _feet(skeleton: Skeleton, value: dict[str, F64], side: str) -> tuple[F64, F64]:
    """Target of an ankle [T, 3], and the ball of the foot from it [T, 3]; the ankle rises with the heel."""
    out = -1.0 if side == "l" else 1.0
    tip, turn = value[side + "tp"], -out * value[side + "ty"]
    ahead, up = skeleton.foot
    forward, lift = ahead * np.cos(tip) + up * np.sin(tip), up * np.cos(tip) - ahead * np.sin(tip)
    toe = np.stack([-forward * np.sin(turn), forward * np.cos(turn), lift], axis=-1)
    high = np.maximum(skeleton.ankle + value[side + "fz"] * skeleton.leg, skeleton.ankle + up - lift)
    ankle = np.stack(
        [out * (skeleton.hip[0] + value[side + "fx"] * skeleton.leg), value[side + "fy"] * skeleton.leg, high], axis=-1
    )
    return ankle, toe


def _out_of_reach(hip: F64, ankle: F64, length: float) -> F64:
    """How far a hip must sink, [T] metres, for a leg to touch its target; half a leg at most where it never can."""
    away = np.square(ankle[:, :2] - hip[:, :2]).sum(axis=-1)
    highest = ankle[:, 2] + np.sqrt(np.maximum(length**2 - away, (0.5 * length) ** 2))
    return np.maximum(hip[:, 2] - highest, 0.0)


def _two_bones(start: F64, target: F64, hint: F64, first: float, second: float) -> tuple[F64, F64]:
    """Middle joint and end of a chain of two bones towards a target; the middle lies on the side of the hint."""
    way = target - start
    far = np.linalg.norm(way, axis=-1, keepdims=True)
    way = way / np.maximum(far, 1e-9)
    reach = np.clip(far, abs(first - second) + 0.25 * min(first, second), 0.9995 * (first + second))
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    aside = hint - (hint * way).sum(axis=-1, keepdims=True) * way
    aside = aside / np.maximum(np.linalg.norm(aside, axis=-1, keepdims=True), 1e-9)
    middle = start + along * way + np.sqrt(np.maximum(first**2 - along**2, 0.0)) * aside
    return middle, start + reach * way


def _sided(offset: tuple[float, float, float], side: str) -> F64:
    return np.array([-offset[0] if side == "l" else offset[0], offset[1], offset[2]])


def _rotate(frame: F64, vectors: F64) -> F64:
    """[T, 3, 3] on [T, 3]."""
    return (frame @ vectors[..., None])[..., 0]


def _around_x(angle: F64) -> F64:
    """[T] -> [T, 3, 3]."""
    return _turns(np.zeros_like(angle), angle, np.zeros_like(angle))


def _turns(z: F64, x: F64, y: F64) -> F64:
    """Rotation around y, then x, then z; [T] each -> [T, 3, 3]."""
    sz, cz, sx, cx, sy, cy = np.sin(z), np.cos(z), np.sin(x), np.cos(x), np.sin(y), np.cos(y)
    rows = [
        cz * cy - sz * sx * sy, -sz * cx, cz * sy + sz * sx * cy,
        sz * cy + cz * sx * sy, cz * cx, sz * sy - cz * sx * cy,
        -cx * sy, sx, cx * cy,
    ]  # fmt: skip
    return np.stack(rows, axis=-1).reshape(*z.shape, 3, 3)
