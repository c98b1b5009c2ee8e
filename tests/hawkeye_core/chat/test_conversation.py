"""A kept prefix changes nothing but the work: equal to reading all anew, counted, broken off, outgrown, dropped."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch

from hawkeye_core.answers.render import INSTRUCTION
from hawkeye_core.answers.segments import Segment
from hawkeye_core.chat.conversation import Conversation
from hawkeye_core.chat.turns import Layout
from hawkeye_core.errors import ConfigError, WeightsError
from hawkeye_core.evaluation.predict import Predictor
from hawkeye_core.evaluation.window_answers import join_windows

QUESTIONS = (None, "Who is it?", "What does the man at the door hold in his hands?", "And then?")


class Work:
    """What a model does: passes of the scene modules, tokens through the language model, logits it gives."""

    def __init__(self) -> None:
        self.scenes = 0
        self.tokens: list[int] = []
        self.logits: list[torch.Tensor] = []


@contextmanager
def watched(predictor: Predictor):
    work, model = Work(), predictor.model

    def scene(*_) -> None:
        work.scenes += 1

    def read(_, __, inputs) -> None:
        work.tokens.append(inputs["inputs_embeds"].shape[1])

    def said(_, __, output) -> None:
        work.logits.append(output.reshape(-1, output.shape[-1])[-1].clone())

    hooks = [
        model.scene.register_forward_hook(scene),
        model.backbone.model.language_model.register_forward_pre_hook(read, with_kwargs=True),
        model.backbone.lm_head.register_forward_hook(said),
    ]
    yield work
    for hook in hooks:
        hook.remove()


def rows(conversation: Conversation, place: int) -> list[list[int]]:
    """The tokens that each turn of a window was an answer to, and its own, laid out by the collator alone."""
    predictor, spec = conversation.predictor, conversation.specs[place]
    collate, eos = predictor.collate, int(predictor.tokenizer.eos_token_id)
    found, ids = [], []
    for turn in conversation._state.turns[place]:
        if not ids:
            scene = collate.scene_token_id
            prompt, other = collate.prompt_ids(spec), collate.join_prompt([(0, 1)], turn.question)
            ids = prompt[: len(prompt) - prompt[::-1].index(scene)] + other[len(other) - other[::-1].index(scene) :]
        else:
            text = f"USER: {turn.question} ASSISTANT:"
            ids = [*ids, eos, *predictor.tokenizer.encode(text, add_special_tokens=False)]
        found.append((ids, list(turn.answer)))
        ids = [*ids, *turn.answer]
    return found


def anew(predictor: Predictor, sample, ids: list[int]):
    """The answer to a row of tokens with nothing kept."""
    row = torch.tensor([ids])
    scene = predictor.collate.prompts([sample], room=0)["scene"]
    eos, pad = int(predictor.tokenizer.eos_token_id), int(predictor.tokenizer.pad_token_id)
    return predictor.model.generate(row, torch.ones_like(row), scene, max_new_tokens=predictor.max_new_tokens,
                                    eos_token_id=eos, pad_token_id=pad)  # fmt: skip


@pytest.mark.parametrize(("lora", "seed"), [(False, 38), (True, 10)])
def test_several_turns_equal_reading_all_anew(make_predictor, converse, windows, lora: bool, seed: int) -> None:
    predictor = make_predictor(seed=seed, lora=lora)
    conversation, sample = converse(predictor), windows["short"][0]
    kept = []
    for question in QUESTIONS:
        with watched(predictor) as work:
            conversation.say(question)
        kept.append(torch.stack(work.logits))
    for (ids, answer), logits, exchange in zip(rows(conversation, 0), kept, conversation.history, strict=True):
        fresh = anew(predictor, sample, ids)
        tokens = fresh.token_ids[0].tolist()
        assert answer == tokens[: len(answer)]
        assert exchange.replies[0].complete is (tokens[-1] == predictor.tokenizer.eos_token_id)
        with torch.no_grad():  # all of it in one pass
            scene = predictor.collate.prompts([sample], room=0)["scene"]
            embeds, _ = predictor.model.embed(torch.tensor([ids + tokens[:-1]]), scene)
            whole = predictor.model.backbone(inputs_embeds=embeds).logits[0, len(ids) - 1 :]
        torch.testing.assert_close(logits, whole, atol=1e-5, rtol=0)
    # With these weights some answers end by themselves, and the others do not.
    assert {exchange.replies[0].complete for exchange in conversation.history} == {True, False}


def test_where_the_dense_head_says_when_the_first_answer_is_the_predictors_too(
    make_predictor, converse, windows
) -> None:
    predictor = make_predictor(seed=1, curve=True, curve_threshold=0.5, tokens=60)
    with torch.no_grad():
        predictor.model.dense.linear.weight.mul_(8)
    conversation = converse(predictor, "long", kept=2)
    with watched(predictor) as work:
        conversation.say()
    data = windows["long"]
    assert work.scenes == len(data)
    answers = [predictor.answer([data[place]])[0] for place in range(len(data))]
    assert sum(len(answer.segments) for answer in answers) > 1
    assert any(not answer.segments for answer in answers) or len(answers) > 1
    for reply, answer in zip(conversation.history[0].replies, answers, strict=True):
        assert (reply.said, reply.status) == (answer.text, answer.status)
        assert [one.segment for one in reply.segments] == [one.segment for one in answer.segments]
        torch.testing.assert_close(
            [one.score for one in reply.segments], [one.score for one in answer.segments], atol=1e-5, rtol=0
        )
    assert conversation.prediction is not None
    expected = join_windows(data.specs, answers).segments
    assert [one.segment for one in conversation.prediction.segments] == [one.segment for one in expected]
    follow_up = conversation.say("Who is it?", windows=[0])
    assert follow_up.replies


@pytest.mark.parametrize("presence", [None, 0.3])
def test_the_first_answer_is_the_predictors(make_predictor, converse, windows, presence) -> None:
    predictor = make_predictor(seed=1, presence=presence, curve=True)
    conversation = converse(predictor, "long", kept=2)
    conversation.say()
    data = windows["long"]
    answers = [predictor.answer([data[place]])[0] for place in range(len(data))]
    assert conversation.prediction is not None
    assert conversation.prediction.answers == tuple(answers)
    assert [reply.said for reply in conversation.history[0].replies] == [answer.text for answer in answers]
    for own, other in zip(conversation.prediction.answers, answers, strict=True):
        assert (own.curve.values == other.curve.values).all()
        assert (own.router.values == other.router.values).all()


def test_without_a_dense_head_the_curve_is_asked_for_when_it_is_wanted(make_predictor, converse, windows) -> None:
    predictor = make_predictor(dense=False, tokens=4, curve=True)
    conversation, data = converse(predictor, "long"), windows["long"]
    assert conversation.curve() is None
    conversation.say()
    assert conversation.prediction is not None
    assert conversation.prediction.curve is None
    asked = join_windows(data.specs, [predictor.answer([data[place]])[0] for place in range(len(data))])
    assert conversation.curve() == asked.curve
    with watched(predictor) as work:
        assert conversation.curve() == conversation.prediction.curve == asked.curve
    assert not work.tokens


def test_a_follow_up_reads_neither_video_nor_earlier_turns_again(make_predictor, converse, windows) -> None:
    predictor = make_predictor(seed=0)
    conversation = converse(predictor)
    seen = []
    for question in QUESTIONS[:3]:
        with watched(predictor) as work:
            conversation.say(question)
        seen.append(work)
    laid_out = [ids for ids, _ in rows(conversation, 0)]
    answers = [turn.answer for turn in conversation._state.turns[0]]
    assert [work.scenes for work in seen] == [1, 0, 0]
    assert seen[0].tokens[0] == len(laid_out[0]) == len(predictor.collate.prompt_ids(conversation.specs[0]))
    for number in (1, 2):
        # The last token of the answer before was never read, nor was the end of text behind it.
        asked = len(laid_out[number]) - len(laid_out[number - 1]) - len(answers[number - 1])
        assert seen[number].tokens[0] == asked + 1
        assert seen[number].tokens[0] < len(laid_out[0])
        assert set(seen[number].tokens[1:]) == {1}
    with watched(predictor) as work:
        assert conversation.curve() is not None  # which the first pass gave
    assert not work.tokens


@pytest.mark.parametrize("how", ["closed", "pass", "first"])
def test_what_was_broken_off_leaves_no_trace(make_predictor, converse, how: str) -> None:
    predictor = make_predictor(seed=0)
    conversation, undisturbed = converse(predictor), converse(predictor)
    done = QUESTIONS[:2] if how != "first" else ()
    for question in done:
        assert conversation.say(question) == undisturbed.say(question)
    before = conversation._state
    if how == "closed":
        pieces = conversation.ask("Is it night?")
        for _ in range(3):
            next(pieces)
        pieces.close()
    else:
        passes = 0

        def stop(*_) -> None:
            nonlocal passes
            passes += 1
            if passes == (3 if how == "pass" else 1):
                raise KeyboardInterrupt  # layer 0 has read the token, layer 1 has not

        hook = predictor.model.backbone.model.language_model.layers[1].register_forward_pre_hook(stop)
        with pytest.raises(KeyboardInterrupt):
            conversation.say("Is it night?")
        hook.remove()
    assert conversation._state is before
    if done:
        kept = conversation._talks[0]._kept
        lengths = {layer.keys.shape[-2] for layer in kept._cache.layers}
        lengths |= {layer.values.shape[-2] for layer in kept._cache.layers}
        ids, answer = rows(conversation, 0)[-1]
        assert lengths == {len(kept.ids)} == {len(ids) + len(answer) + 1}  # the end of text too
    for question in QUESTIONS[len(done) :]:
        assert conversation.say(question) == undisturbed.say(question)


def test_a_question_left_unfinished_is_stopped_by_the_next(make_predictor, converse) -> None:
    predictor = make_predictor(seed=0)
    conversation, undisturbed = converse(predictor), converse(predictor)
    next(conversation.ask("Is it night?"))
    assert conversation.say(None) == undisturbed.say(None)
    conversation.reset()
    assert conversation.history == ()
    with watched(predictor) as work:
        assert conversation.say(None) == undisturbed.history[0]
    assert work.scenes == 0


def test_when_it_outgrows_the_model_old_follow_ups_go_and_the_video_stays(make_predictor, converse, windows) -> None:
    conversation = converse(make_predictor(seed=0, tokens=24))
    layout = Layout(conversation.predictor.collate, conversation.specs[0], room=24)
    room = len(layout.prefix) + 260
    predictor = make_predictor(seed=0, tokens=24, context=room)
    conversation = converse(predictor)
    conversation.say()
    questions = [f"Question number {number}, please?" for number in range(6)]
    with watched(predictor) as work:
        noted = [conversation.say(question).notes for question in questions]
    assert work.scenes == 0
    assert noted[0] == noted[1] == ()
    assert any("no longer before the model" in note for notes in noted for note in notes)
    assert len(conversation.history) == 7
    turns = conversation._state.turns[0]
    assert [turn.question for turn in turns] == [INSTRUCTION, *questions[7 - len(turns) :]]
    (ids, answer) = rows(conversation, 0)[-1]
    assert room - 80 < len(ids) + 24 <= room  # no more than needed was left out
    assert answer == anew(predictor, windows["short"][0], ids).token_ids[0].tolist()[: len(answer)]
    with pytest.raises(ConfigError, match=f"the language model takes {room}"):
        conversation.say("long " * 200)
    assert len(conversation.history) == 7


def test_windows_that_are_dropped_and_read_again_answer_the_same(make_predictor, converse) -> None:
    predictor = make_predictor(seed=2, tokens=8)
    wide, narrow = converse(predictor, "long", kept=5), converse(predictor, "long", kept=1)
    for question in (None, "Who is at 1 s?", "And who at 13 seconds?", "What from 1 to 13 seconds?"):
        assert wide.say(question) == narrow.say(question)
    assert len(narrow._talks) == 1
    assert [len(exchange.replies) for exchange in wide.history] == [5, 1, 1, 2]
    reply = wide.history[2].replies[0]
    assert (reply.start_s, reply.asked) == (10.0, "And who at 3.0 seconds?")
    assert wide.history[2].question == "And who at 13 seconds?"
    wide.look_at(Segment(1.0, 1.5))
    assert [reply.start_s for reply in wide.say("Who?").replies] == [0.0]
    assert "20.0 s does not lie in it" in wide.say("What is at 20 s?").notes[0]


def test_bad_questions_and_damaged_weights_are_refused_in_words(make_predictor, converse) -> None:
    predictor = make_predictor()
    conversation = converse(predictor)
    for bad, why in (("  \x07 ", "empty"), ("x" * 10_001, "10000 characters")):
        with pytest.raises(ConfigError, match=why):
            conversation.ask(bad)
    assert conversation.say("a <video> of </s>\n USER:?").question == "a video of /s USER:?"
    with torch.no_grad():
        predictor.model.backbone.lm_head.weight[7] = float("nan")
    with pytest.raises(WeightsError, match="no number"):
        conversation.say("Who?")
    assert len(conversation.history) == 1
    with pytest.raises(ConfigError):
        Conversation(predictor, [], lambda place: None)  # type: ignore[arg-type, return-value]
