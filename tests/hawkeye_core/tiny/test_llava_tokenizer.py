import pytest

from hawkeye_core.model.tiny import EOS, IMAGE, PAD, SCENE
from hawkeye_core.tiny.llava_tokenizer import SPECIAL, train_tokenizer

TEXTS = ["From 3.0 to 4.5 seconds, a man walks forward.", "A woman waves. It is not present."] * 4


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS)


@pytest.mark.parametrize(
    "text",
    [
        *TEXTS[:2], "words never seen: zyxwv", " two  spaces\n\nand\ttabs ", "Zürich, 東京, 🙂 \u0000", "1234.5678s",
        "",
        "USER: 0.0s\nQuestion? ASSISTANT: From 12.5 to 100.25 seconds!", "\r\n & <video", "a_b-c'd\"e",
    ],
)  # fmt: skip
def test_any_text_comes_back(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token_id is None or tokenizer.unk_token_id not in ids


def test_digits_stand_alone(tokenizer):
    assert tokenizer.tokenize("15.0s") == ["1", "5", ".", "0", "s"]
    assert tokenizer.tokenize(" 15.0") == ["Ġ", "1", "5", ".", "0"]


def test_words_of_the_corpus_are_one_token(tokenizer):
    assert tokenizer.tokenize(" seconds, a man walks") == ["Ġseconds", ",", "Ġa", "Ġman", "Ġwalks"]


def test_special_tokens_are_one_id_each(tokenizer):
    ids = tokenizer.encode("".join(SPECIAL), add_special_tokens=False)
    assert ids == [tokenizer.convert_tokens_to_ids(token) for token in SPECIAL] == [0, 1, 2, 3, 4]
    assert (tokenizer.pad_token, tokenizer.eos_token) == (PAD, EOS)
    assert tokenizer.decode([3, 4], skip_special_tokens=True) == ""
    assert {IMAGE, SCENE} <= set(tokenizer.all_special_tokens)


def test_a_text_spelling_a_byte_sequence_needs_no_corpus():
    bare = train_tokenizer([])
    assert bare.decode(bare.encode("anything é", add_special_tokens=False)) == "anything é"
