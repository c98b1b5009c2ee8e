"""Hawkeye: scene tokens in front of a Video-LLaVA, for training and for answering."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel, VideoLlavaForConditionalGeneration

from hawkeye_core.model.action_graph import ActionTokens
from hawkeye_core.model.backbone import build_backbone
from hawkeye_core.model.config import HawkeyeConfig
from hawkeye_core.model.dense_head import DenseHead, dense_loss, spread_frames
from hawkeye_core.model.kept import Kept, first_output
from hawkeye_core.model.lora import add_lora, freeze
from hawkeye_core.model.opening import Opening
from hawkeye_core.model.outputs import IGNORE, Generated, HawkeyeOutput
from hawkeye_core.model.relation_graph import RelationGraph
from hawkeye_core.model.scene_batch import SceneBatch
from hawkeye_core.model.scene_encoder import SceneEncoder, SceneOutput
from hawkeye_core.model.scene_init import EMBEDDING_STD, init_scene


class HawkeyeModel(PreTrainedModel):
    """The whole model.

    Features of the vision tower come from the feature store, so the towers of the backbone are not built; what is
    used of it is ``multi_modal_projector``, ``language_model`` and ``lm_head``, under their published names.

    Args:
        config: The configuration.
        backbone: From :func:`~hawkeye_core.model.backbone.load_backbone`; random weights if not given, whatever
            ``config.base`` says. :func:`~hawkeye_core.model.saving.new_model` reads what it names.
    """

    config_class = HawkeyeConfig
    base_model_prefix = "hawkeye"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    config: HawkeyeConfig

    def __init__(self, config: HawkeyeConfig, backbone: VideoLlavaForConditionalGeneration | None = None) -> None:
        super().__init__(config)
        self.scene = SceneEncoder(config)
        self.backbone = build_backbone(config.llava_config()) if backbone is None else backbone
        text: Any = self.backbone.config.text_config
        self.dense = DenseHead(int(text.hidden_size)) if config.dense_head else None
        self.post_init()
        init_scene(self.scene, router_std=config.initializer_range)
        if config.lora:  # behind post_init, which would make B of the adapters random
            add_lora(self)

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, ActionTokens):
            nn.init.normal_(module.nobody, std=EMBEDDING_STD)
        elif isinstance(module, RelationGraph):
            nn.init.normal_(module.nothing, std=EMBEDDING_STD)

    def get_input_embeddings(self) -> nn.Module:
        """Embeddings of the language model's vocabulary."""
        return self.backbone.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the embeddings of the language model's vocabulary."""
        self.backbone.set_input_embeddings(value)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """As in transformers; a folder of trained tensors only (``save_trainable``) takes the rest from its base."""
        from hawkeye_core.model.saving import TRAINABLE, load_trainable  # which builds models, so imports this file

        name = str(pretrained_model_name_or_path)
        if (Path(name) / TRAINABLE).is_file():
            dtype = kwargs.get("dtype")
            return load_trainable(name, dtype=dtype if isinstance(dtype, torch.dtype) else None)
        loaded = super().from_pretrained(name, *args, **kwargs)
        model = loaded[0] if isinstance(loaded, tuple) else loaded  # a tuple with output_loading_info=True
        if model.config.lora:  # transformers makes every tensor it loads trainable
            freeze(model)
        return loaded

    @property
    def scene_token_id(self) -> int:
        """Id of the placeholder that scene tokens replace (Video-LLaVA's video token)."""
        return int(self.backbone.config.video_token_index)

    def encode(self, scene: SceneBatch) -> SceneOutput:
        """The scene modules alone; sharded weights are gathered around methods of the model, not of its parts."""
        return self.scene(scene)

    def embed(self, input_ids: Tensor, scene: SceneBatch) -> tuple[Tensor, SceneOutput]:
        """Text embeddings with the projected scene tokens in place of their placeholders, frame after frame.

        Args:
            input_ids: [B, L] with two placeholders for each frame that is there.
            scene: The windows' features.

        Returns:
            [B, L, H], and what the scene modules gave.

        Raises:
            ValueError: A sample's placeholders are not two a frame.
        """
        places = input_ids == self.scene_token_id
        encoded = self.scene(scene)
        wanted = scene.frame_mask.sum(1) * encoded.tokens.shape[2]
        if not torch.equal(places.sum(1), wanted):
            raise ValueError(f"scene placeholders a sample {places.sum(1).tolist()}, scene tokens {wanted.tolist()}")
        text = self.get_input_embeddings()(input_ids.masked_fill(places, 0))
        projector = self.backbone.model.multi_modal_projector
        tokens = projector(encoded.tokens[scene.frame_mask].flatten(0, 1).to(projector.linear_1.weight.dtype))
        return text.masked_scatter(places[..., None], tokens.to(text.dtype)), encoded

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, scene: SceneBatch, labels: Tensor,
        anomalous: Tensor | None = None, **_: Any,
    ) -> HawkeyeOutput:  # fmt: skip
        """Loss on the answers: ``L_total = L + lambda L_bc`` (paper, section 3.3).

        The language model's head runs on the rows that predict an answer token only; the loss is the same.

        Args:
            input_ids: [B, L].
            attention_mask: [B, L], 0 for padding.
            scene: The windows' features.
            labels: [B, L], the token ids of the answers, -100 elsewhere.
            anomalous: [B, T] 1 for frames inside of segments, for the dense head; None: nothing is known of frames.
        """
        embeds, encoded = self.embed(input_ids, scene)
        hidden = self.backbone.model.language_model(
            inputs_embeds=embeds, attention_mask=attention_mask, use_cache=False
        ).last_hidden_state
        targets = labels[:, 1:]
        learned = targets != IGNORE
        logits = self.backbone.lm_head(hidden[:, :-1][learned])  # [answer tokens, V]
        lm_loss = F.cross_entropy(logits.float(), targets[learned])
        loss = lm_loss + self.config.lambda_bc * encoded.balance_loss
        dense = None
        if self.dense is not None and anomalous is not None:
            dense = dense_loss(self.dense(hidden, input_ids == self.scene_token_id), anomalous, scene.frame_mask)
            loss = loss + self.config.lambda_dense * dense.loss
        return HawkeyeOutput(
            loss=loss,
            lm_loss=lm_loss,
            balance_loss=encoded.balance_loss,
            answer_tokens=int(learned.sum()),
            columns=encoded.columns,
            weights=None if encoded.weights is None else encoded.weights.detach(),
            dense=dense,
        )

    @torch.no_grad()
    def frame_scores(
        self, input_ids: Tensor, attention_mask: Tensor, scene: SceneBatch, *, hidden: Tensor | None = None
    ) -> Tensor:
        """[B, T] probability of each frame to be anomalous by the dense head, 0 for padding.

        Args:
            input_ids: [B, L].
            attention_mask: [B, L].
            scene: The windows' features.
            hidden: [B, L, H] of the language model, if it has read the prompts already.

        Raises:
            ValueError: The model has no dense head.
        """
        if self.dense is None:
            raise ValueError("this model has no dense head (model.dense_head)")
        if hidden is None:
            embeds, _ = self.embed(input_ids, scene)
            hidden = self.backbone.model.language_model(
                inputs_embeds=embeds, attention_mask=attention_mask, use_cache=False
            ).last_hidden_state
        logits = self.dense(hidden, input_ids == self.scene_token_id)
        return spread_frames(logits.float().sigmoid(), scene.frame_mask)

    @torch.no_grad()
    def generate(
        self, input_ids: Tensor, attention_mask: Tensor, scene: SceneBatch, *, max_new_tokens: int, eos_token_id: int,
        pad_token_id: int, opening: Opening | None = None,
    ) -> Generated:  # fmt: skip
        """Answer greedily; placeholders of scene and image are never said.

        Args:
            input_ids: [B, L], prompts padded on the left.
            attention_mask: [B, L].
            scene: The windows' features.
            max_new_tokens: Longest answer.
            eos_token_id: Ends an answer.
            pad_token_id: Fills up behind it.
            opening: Decides the first token; none: the likeliest.
        """
        embeds, encoded = self.embed(input_ids, scene)
        decoded = self.decode(
            embeds, attention_mask, max_new_tokens=max_new_tokens, eos_token_id=eos_token_id,
            pad_token_id=pad_token_id, opening=opening,
        )  # fmt: skip
        return decoded._replace(embeds=embeds, weights=encoded.weights)

    @torch.no_grad()
    def decode(
        self, embeds: Tensor, attention_mask: Tensor, *, max_new_tokens: int, eos_token_id: int, pad_token_id: int,
        opening: Opening | None = None, past: Any = None,
    ) -> Generated:  # fmt: skip
        """:meth:`generate` from prompts that are embedded already.

        Args:
            embeds: [B, L, H] padded on the left.
            attention_mask: [B, L].
            max_new_tokens: Longest answer.
            eos_token_id: Ends an answer.
            pad_token_id: Fills up behind it.
            opening: Decides the first token; none: the likeliest.
            past: Keys and values of the first tokens of each prompt, fewer than L, which are not read again.
        """
        backbone: Any = self.backbone  # transformers annotates generate() for a protocol that no model class states
        with first_output(backbone.model.language_model) as first:
            result = backbone.generate(
                inputs_embeds=embeds,
                attention_mask=attention_mask,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                eos_token_id=eos_token_id,
                pad_token_id=pad_token_id,
                suppress_tokens=[self.scene_token_id, int(backbone.config.image_token_index)],
                logits_processor=[] if opening is None else [opening],
                return_dict_in_generate=True,
                output_logits=True,
                past_key_values=past,
                synced_gpus=False,  # processes have other numbers of answers; their weights must be whole here
            )
        tokens = result.sequences
        chosen = [
            logits.float().softmax(-1).gather(1, tokens[:, step : step + 1])
            for step, logits in enumerate(result.logits)
        ]
        return Generated(tokens, torch.cat(chosen, 1), kept=Kept(first[0].last_hidden_state, result.past_key_values))


AutoConfig.register(HawkeyeConfig.model_type, HawkeyeConfig, exist_ok=True)
AutoModel.register(HawkeyeConfig, HawkeyeModel, exist_ok=True)
