"""The action-sensitive graph: joints to one action token a frame (Eq. 1), and video tokens enriched by it (Eq. 2-3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hawkeye_core.model.attention import EncoderLayer, MultiHeadAttention
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.person_tracks import PersonTracks
from hawkeye_core.model.scene_batch import SceneBatch
from hawkeye_core.model.time_encoding import sinusoidal_time
from hawkeye_core.scene import COCO_JOINTS, COCO_SKELETON

JOINTS = len(COCO_JOINTS)
MIN_SIDE = 1e-3
"""Smallest side of a person's box, as part of the frame, that joints are divided by."""
FRAMES_A_SECOND = 8.0
"""Velocities come as sides of the box a frame and are read as sides a second: of the size of the other features."""


def skeleton_mask() -> Tensor:
    """[J, J] bool: True where two joints are neighbours in the COCO skeleton or the same."""
    mask = torch.eye(JOINTS, dtype=torch.bool)
    for a, b in COCO_SKELETON:
        mask[a, b] = mask[b, a] = True
    return mask


class JointAttention(nn.Module):
    """Eq. 1: graph attention over the skeleton.

    ``alpha_kj = softmax_j((W h_k) . (W h_j) / sqrt d)`` over the neighbours j of joint k and k itself,
    ``hat h_k = sum_j alpha_kj h_j``, ``h'_k = ReLU(W' [hat h_k, h_k])``.

    The paper calls both matrices W; the shapes demand two. Dense over a constant 17 x 17 mask: at this size one matrix
    product is faster than a sparse operator, and its sum has a fixed order. A joint that was not seen is no one's
    neighbour; a joint without seen neighbours has ``hat h_k = 0``.

    Args:
        width: d.

    Shapes:
        h [..., J, d], seen [..., J] bool -> [..., J, d]
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attend = nn.Linear(width, width, bias=False)
        self.update = nn.Linear(2 * width, width, bias=False)
        self.register_buffer("skeleton", skeleton_mask())
        self.skeleton: Tensor

    def forward(self, h: Tensor, seen: Tensor) -> Tensor:
        """See the class."""
        projected = self.attend(h)
        scores = projected @ projected.transpose(-1, -2) / math.sqrt(h.shape[-1])  # [..., J, J]
        edges = self.skeleton & seen[..., None, :]
        # The lowest finite number, not -inf: a row without neighbours stays finite, and is set to 0 below.
        scores = scores.masked_fill(~edges, torch.finfo(scores.dtype).min)
        alpha = scores.softmax(-1) * edges
        return torch.relu(self.update(torch.cat([alpha @ h, h], -1)))


class JointEmbedding(nn.Module):
    """A joint's input: place in the person's box, place in the frame, score, which joint, and (a switch) velocity.

    Each joint has a map of its own: what a raised wrist means is not what a raised ankle means. Places and scores are
    read as -1 .. 1: what is the same in all frames would hide what differs once joints are averaged.

    Shapes:
        keypoints [..., J, 3], person_box [..., 4], velocity [..., J, 2], as in :class:`SceneBatch` -> [..., J, d]
    """

    def __init__(self, width: int, *, velocity: bool) -> None:
        super().__init__()
        self.velocity = velocity
        inputs = 7 if velocity else 5
        self.project = nn.Parameter(torch.randn(JOINTS, inputs, width) / math.sqrt(inputs))
        self.joint = nn.Embedding(JOINTS, width)

    def forward(self, keypoints: Tensor, person_box: Tensor, velocity: Tensor) -> Tensor:
        """See the class."""
        xy, score = keypoints[..., :2], keypoints[..., 2:]
        corner, far = person_box[..., None, :2], person_box[..., None, 2:]
        inside = (xy - corner) / (far - corner).clamp(min=MIN_SIDE)
        features = 2 * torch.cat([inside, xy, score], -1) - 1  # [..., J, 5]
        if self.velocity:
            features = torch.cat([features, FRAMES_A_SECOND * velocity], -1)
        # One product a joint: as one a joint and person, maps are copied for every person, thirty times as slow.
        mapped = torch.einsum("...ji,jid->...jd", features.to(self.project.dtype), self.project)
        return mapped + self.joint.weight


class JointReadout(nn.Module):
    """A person's joints as one vector, each read by a map of its own: ``ReLU(sum_k W_k h'_k + b)`` over seen joints.

    A mean over joints gives the same whichever of them has moved unless each says so in its own numbers; maps of their
    own keep them apart, and the ReLU comes before people are averaged. A person without seen joints gives 0.

    Args:
        width: d.

    Shapes:
        h [S, J, d], seen [S, J] bool -> [S, d]
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.maps = nn.Parameter(torch.randn(JOINTS, width, width) / math.sqrt(JOINTS * width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, h: Tensor, seen: Tensor) -> Tensor:
        """See the class."""
        read = (h * seen[..., None]).flatten(1) @ self.maps.flatten(0, 1) + self.bias  # [S, J d] [J d, d]
        return torch.relu(read) * seen.any(1)[:, None]


class ActionTokens(nn.Module):
    """One action token a frame: Eq. 1 for every person, then the mean over the seen joints of up to five people.

    Footnote 2 of the paper: "Each token contains up to 5 people, and we average each token after graph attention."
    How a person's joints become one, it does not say. Here the mean runs over all seen joints of all people at once,
    times the root of 17: a mean of 17 joints differs a quarter as much between frames as a joint does, and what follows
    would learn it as slowly. With ``joint_readout`` (our addition, a switch) :class:`JointReadout` makes one of a
    person's joints first, and the mean runs over people with a seen joint; with ``track_layers`` each person looks at
    itself over time before. A frame without any gets the learned "nobody" token. Only people who are there are
    computed: most frames have room for more.

    Shapes:
        :class:`SceneBatch` -> [B, T, d]
    """

    def __init__(self, config: HawkeyeConfig) -> None:
        super().__init__()
        self.joint_score = config.joint_score
        self.embed = JointEmbedding(config.action_width, velocity=config.velocity)
        self.attention = JointAttention(config.action_width)
        self.readout = JointReadout(config.action_width) if config.joint_readout else None
        self.tracks = PersonTracks(config.action_width, config.track_layers) if config.track_layers else None
        self.nobody = nn.Parameter(torch.zeros(config.action_width))

    def forward(self, scene: SceneBatch) -> Tensor:
        """See the class."""
        there = scene.person_mask  # [B, T, P], S of them true
        keypoints, velocity = scene.keypoints[there], scene.velocity[there]
        seen = keypoints[..., 2] >= self.joint_score  # [S, J]
        h = self.attention(self.embed(keypoints, scene.person_box[there], velocity), seen)  # [S, J, d]
        if self.readout is None:
            person = (h * seen[..., None]).sum(1)  # [S, d]
            parts, scale = (scene.keypoints[..., 2] >= self.joint_score).sum(-1), math.sqrt(JOINTS)  # [B, T, P]
        else:
            person = self.readout(h, seen)
            parts, scale = (scene.keypoints[..., 2] >= self.joint_score).any(-1), 1.0
        if self.tracks is not None:
            person = self.tracks(person, scene.previous, there) * seen.any(1)[:, None]
        # Put back in their places before people are added up: the sum has the same order on every device.
        total = person.new_zeros(*there.shape, person.shape[-1]).index_put((there,), person).sum(2)  # [B, T, d]
        count = (there * parts).sum(2)[..., None]  # [B, T, 1]
        return torch.where(count > 0, scale * total / count.clamp(min=1), self.nobody)


class ActionGraph(nn.Module):
    """Video tokens enriched with action tokens: the paper's action-aware video tokens ``X_{c+1}``.

    ``X_c = V_a softmax(Q_v^T K_a)`` over the whole window, then one encoder layer (Eq. 2-3). A frame's video token is
    the mean of its g x g tokens. Sinusoidal time is added to queries and keys; the paper does not say how a query
    knows its frame. As printed the video reaches ``X_c`` through the queries only; ``video_residual`` adds ``X_v``.

    Shapes:
        :class:`SceneBatch` -> [B, T, D]
    """

    def __init__(self, config: HawkeyeConfig) -> None:
        super().__init__()
        width = config.vision_width
        self.video_residual = config.video_residual
        self.tokens = ActionTokens(config)
        self.cross = MultiHeadAttention(width, config.scene_heads, context_width=config.action_width)
        self.encoder = EncoderLayer(width, config.scene_heads)

    def forward(self, scene: SceneBatch, video: Tensor) -> Tensor:
        """``video``: [B, T, D], the frame's video token."""
        action = self.tokens(scene)  # [B, T, d]
        frames = action.shape[1]
        queries = video + sinusoidal_time(frames, video.shape[-1], like=video)
        context = action + sinusoidal_time(frames, action.shape[-1], like=action)
        crossed = self.cross(queries, context, scene.frame_mask)
        if self.video_residual:
            crossed = crossed + video
        return self.encoder(crossed, scene.frame_mask)
