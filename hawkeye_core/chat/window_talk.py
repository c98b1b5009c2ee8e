"""The conversation of one window, on its own clock."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import NamedTuple

from hawkeye_core.answers.render import render_answer
from hawkeye_core.chat.clock import MovedPieces, moved
from hawkeye_core.chat.decode import Greedy, Said
from hawkeye_core.chat.exchange import Piece, Reply
from hawkeye_core.chat.guided_talk import GuidedTalk, guided_talk
from hawkeye_core.chat.pieces import TextPieces
from hawkeye_core.chat.prefix import KeptWindow, Seen
from hawkeye_core.chat.turns import Layout, Turn
from hawkeye_core.evaluation.anomaly_curve import frame_curve
from hawkeye_core.evaluation.by_second import BySecond
from hawkeye_core.evaluation.predict import Predictor
from hawkeye_core.evaluation.router_weights import window_router
from hawkeye_core.evaluation.window_answers import WindowAnswer
from hawkeye_core.model.opening import Opening
from hawkeye_core.training.scene_tensors import collate_scenes
from hawkeye_core.training.windows import WindowSample, WindowSpec

Turns = tuple[Turn, ...]


class Told(NamedTuple):
    """What came of a question."""

    turns: Turns  # with the new one
    reply: Reply
    answer: WindowAnswer  # the same as the predictor has it


class WindowTalk:
    """Asks one window.

    Args:
        predictor: Of the model.
        spec: The window.
        read: Its features; called when it is read.
    """

    def __init__(self, predictor: Predictor, spec: WindowSpec, read: Callable[[], WindowSample]) -> None:
        self.spec = spec
        self._predictor = predictor
        self._layout = Layout(predictor.collate, spec, room=predictor.max_new_tokens)
        self._read = read
        self._kept: KeptWindow | None = None

    def on_clock(self, question: str) -> str:
        """A question with its times on the window's clock."""
        return moved(question, -self.spec.start_s, duration_s=self.spec.duration_s)

    def fit(self, turns: Turns, asked: str) -> Turns:
        """The turns that leave room for a question (:meth:`Layout.fit`)."""
        return self._layout.fit(turns, asked)

    def answer(self, turns: Turns, asked: str, *, paper: bool) -> Generator[Piece, None, Told]:
        """What is said, on the clock of the video, piece by piece.

        Args:
            turns: What was said before.
            asked: On the window's clock.
            paper: Whether it is the paper's question, whose first token the predictor has a rule for.
        """
        predictor = self._predictor
        if paper and predictor.curve_threshold is not None:
            return (yield from self._guided(turns, asked, predictor.curve_threshold))
        kept = self._open()
        opening = None
        if paper and predictor.presence is not None:
            opening = Opening(predictor.none, threshold=predictor.presence)
        choose = Greedy(predictor.model, opening=opening)
        pieces, shown = TextPieces(predictor.tokenizer), MovedPieces(self.spec.start_s)
        row, said, texts = self._layout.row(turns, asked), list[Said](), list[str]()
        eos = predictor.tokenizer.eos_token_id
        while len(said) < predictor.max_new_tokens:
            said.append(choose(kept.read(row)))
            if said[-1].token == eos:
                break
            row.append(said[-1].token)
            texts.append(shown.add(pieces.add(said[-1].token)))
            if texts[-1]:
                yield Piece(texts[-1])
        texts.append(shown.add(pieces.rest()) + shown.rest())
        if texts[-1]:
            yield Piece(texts[-1])
        return self._told(kept, turns, asked, said, "".join(texts))

    def _guided(self, turns: Turns, asked: str, threshold: float) -> Generator[Piece, None, Told]:
        """The paper's question where the dense head says when; a piece is a sentence."""
        spec, kept = self.spec, self._open()
        talk = guided_talk(self._predictor, kept, self._layout.row(turns, asked), spec, threshold)
        texts: list[str] = []
        while True:
            try:
                segment = next(talk)
            except StopIteration as end:
                told: GuidedTalk = end.value
                break
            sentence = render_answer([] if segment is None else [segment.shifted(spec.start_s)])
            texts.append(f" {sentence}" if texts else sentence)
            yield Piece(texts[-1])
        seen = kept.seen
        answer = WindowAnswer(
            video=spec.video, start_s=spec.start_s, end_s=spec.start_s + spec.duration_s, text=told.text,
            status=told.status,
            segments=tuple(replace(one, segment=one.segment.shifted(spec.start_s)) for one in told.segments),
            curve=_curve(spec, seen),
            router=None if seen is None or seen.router is None else window_router(spec, seen.router),
        )  # fmt: skip
        reply = _reply(answer, asked, "".join(texts), complete=True)
        ids = self._predictor.collate.end_answer(told.text)[:-1]
        return Told((*turns, Turn(asked, tuple(ids))), reply, answer)

    def settle(self, turns: Turns) -> None:
        """Keep what belongs to these turns only."""
        if self._kept is not None:
            self._kept.keep(self._layout.row(turns))

    def _open(self) -> KeptWindow:
        if self._kept is None:
            self._kept = KeptWindow(
                self._predictor.model, lambda: collate_scenes([self._read().window]), self._layout.prefix,
                autocast=self._predictor.autocast,
            )  # fmt: skip
        return self._kept

    def _told(self, kept: KeptWindow, turns: Turns, asked: str, said: list[Said], text: str) -> Told:
        spec, ids = self.spec, [token for token, _ in said]
        seen = kept.seen
        answer = self._predictor.read_answer(
            spec, ids, [probability for _, probability in said], curve=_curve(spec, seen),
            weights=None if seen is None else seen.router,
        )  # fmt: skip
        complete = ids[-1] == self._predictor.tokenizer.eos_token_id
        reply = _reply(answer, asked, text, complete=complete)
        return Told((*turns, Turn(asked, tuple(ids[:-1] if complete else ids))), reply, answer)


def _curve(spec: WindowSpec, seen: Seen | None) -> BySecond | None:
    return None if seen is None or seen.frame_scores is None else frame_curve(spec, seen.frame_scores.tolist())


def _reply(answer: WindowAnswer, asked: str, text: str, *, complete: bool) -> Reply:
    return Reply(
        start_s=answer.start_s, end_s=answer.end_s, asked=asked, said=answer.text, text=text, status=answer.status,
        segments=answer.segments, complete=complete,
    )  # fmt: skip
