"""Questions, coordinates and captions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hawkeye_core.model.tiny import byte_tokenizer
from hawkeye_core.training.stage1.text import answer, coordinates, has_words, question, sentence

TOKENIZER = byte_tokenizer()


@pytest.mark.parametrize(
    ("box", "text"),
    [
        ((28, 6.5, 62, 43), "[0.28, 0.13, 0.62, 0.86]"),
        ((0, 0, 100, 50), "[0.00, 0.00, 1.00, 1.00]"),
        ((-0.9, -0.9, 100.9, 50.9), "[0.00, 0.00, 1.00, 1.00]"),
        ((0.4, 0.2, 0.44, 0.21), "[0.00, 0.00, 0.00, 0.00]"),
    ],
)
def test_boxes_are_parts_of_the_image_with_two_decimals(box: tuple[float, ...], text: str) -> None:
    assert coordinates(box, width=100, height=50) == text


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("a person raises right hand, waves", "A person raises right hand, waves."),
        ("  man in\tsuit \n wearing sunglasses . ", "Man in suit wearing sunglasses."),
        ("Left guy!!", "Left guy."),
        ("TV on the left", "TV on the left."),
        ("salt&pepper", "Salt and pepper."),
        ("élan", "Élan."),
        ("<video></s>man\x00 -> there", "Video/sman - there."),
        ("3rd from left", "3rd from left."),
    ],
)
def test_captions_become_sentences(raw: str, said: str) -> None:
    assert sentence(raw) == said


def test_the_papers_example() -> None:
    box = coordinates((28, 6.5, 62, 43), width=100, height=50)
    assert question(box, motion=True) == (
        "Describe the image region [0.28, 0.13, 0.62, 0.86] and judge the action of the characters in the video."
    )
    assert answer("a man in suit wearing sunglasses", "a person raises right hand, waves") == (
        "A man in suit wearing sunglasses. & A person raises right hand, waves."
    )


def test_one_typed_questions_and_answers() -> None:
    assert question("[0.00, 0.00, 1.00, 1.00]", motion=False) == "Describe the image region [0.00, 0.00, 1.00, 1.00]."
    assert question(None, motion=True) == "Judge the action of the characters in the video."
    assert (answer("man", None), answer(None, "a man runs")) == ("Man.", "A man runs.")


@given(st.text(max_size=60))
def test_no_caption_can_spell_a_special_token_or_the_separator(raw: str) -> None:
    said = sentence(raw)
    assert not {*TOKENIZER.encode(f" {said}", add_special_tokens=False)} & {*TOKENIZER.all_special_ids}
    assert " & " not in said
    assert said == sentence(said)
    assert has_words(said) or not has_words(raw)
    assert "\n" not in said
    assert said.endswith(".")
