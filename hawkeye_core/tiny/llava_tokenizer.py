"""The small tokenizer: byte-level BPE on ReconSim's words, single digits, the special tokens of Video-LLaVA.

Any text can be encoded, because what is no known word falls apart into bytes. Digits stand alone, so that a time is
written as it is read: ``15.0`` is ``1 5 . 0``.
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from hawkeye_core.model.tiny import BOS, EOS, IMAGE, PAD, SCENE

SPECIAL = (PAD, BOS, EOS, IMAGE, SCENE)

VOCABULARY = 1024
"""Tokens, with the 256 bytes and the special ones; a longer list would be words that the corpus has once."""

_PIECES = r"[0-9]|[.,:;?!&\n]| ?[^\s0-9.,:;?!&]+|\s"
"""A digit, a mark, a word with the space before it, a lone space."""


def train_tokenizer(texts: Iterable[str], *, size: int = VOCABULARY) -> PreTrainedTokenizerFast:
    """A tokenizer for a corpus; a function of its texts.

    Args:
        texts: Sentences as the model will read and write them.
        size: Tokens at most.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        show_progress=False,
        special_tokens=[AddedToken(token, special=True) for token in SPECIAL],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        additional_special_tokens=[IMAGE, SCENE],
        clean_up_tokenization_spaces=False,
    )
