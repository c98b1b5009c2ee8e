"""Questions and answers about one video, over the kept keys and values of its windows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

from hawkeye_core.answers.render import INSTRUCTION
from hawkeye_core.answers.segments import Segment
from hawkeye_core.chat.exchange import Exchange, Piece, stretch
from hawkeye_core.chat.turns import plain_question
from hawkeye_core.chat.which import outside, windows_asked
from hawkeye_core.chat.window_talk import Told, Turns, WindowTalk
from hawkeye_core.errors import ConfigError
from hawkeye_core.evaluation.predict import Predictor
from hawkeye_core.evaluation.window_answers import VideoPrediction, join_windows
from hawkeye_core.training.windows import WindowSample, WindowSpec

KEPT_WINDOWS = 4
"""Windows whose keys and values are kept: those asked last. A token is 0.5 MB at 7B in half precision, a window of 64 s
about 1,400 tokens."""


@dataclass(frozen=True, slots=True)
class _State:
    """All that a question changes; replaced as one, so that an interruption finds the old or the new one."""

    history: tuple[Exchange, ...] = ()
    turns: dict[int, Turns] = field(default_factory=dict)
    prediction: VideoPrediction | None = None
    focus: Segment | None = None


class Conversation:
    """Asks one video; in one thread at a time.

    Each window is read once, with its first question; follow-ups go behind what is kept (:mod:`.prefix`). Which windows
    a question goes to says :mod:`.which`; each has a conversation of its own, on its own clock. Answers are greedy: the
    same questions give the same answers, and the first answer is that of the predictor.

    Args:
        predictor: Its model, tokenizer, longest answer, rule of the first token and precision are used.
        specs: Windows of the video, in order.
        read: Features of the window in a place of ``specs``; called when a window is read.
        kept: Most windows whose keys and values are kept. With more, the window asked longest ago is dropped, and read
            again, with its turns, when it is asked again.

    Raises:
        ConfigError: No window, or none may be kept.
    """

    def __init__(
        self, predictor: Predictor, specs: Sequence[WindowSpec], read: Callable[[int], WindowSample], *,
        kept: int = KEPT_WINDOWS,
    ) -> None:  # fmt: skip
        if not specs or kept < 1:
            raise ConfigError("a conversation needs a window of video, and room to keep one")
        self.predictor = predictor
        self.specs = tuple(specs)
        self._read = read
        self._most = kept
        self._talks: OrderedDict[int, WindowTalk] = OrderedDict()
        self._state = _State()
        self._active: Generator[Piece, None, None] | None = None

    @property
    def history(self) -> tuple[Exchange, ...]:
        """Questions and answers so far, also those that no longer fit the language model."""
        return self._state.history

    @property
    def prediction(self) -> VideoPrediction | None:
        """What the windows said to the paper's question as their first one; None if they were not asked it."""
        return self._state.prediction

    @property
    def focus(self) -> Segment | None:
        """The segment spoken of last."""
        return self._state.focus

    def look_at(self, segment: Segment) -> None:
        """Make it the segment spoken of last: questions without a time go to its window."""
        self._state = replace(self._state, focus=segment)

    @property
    def duration_s(self) -> float:
        """Of the video."""
        return max(spec.start_s + spec.duration_s for spec in self.specs)

    def ask(
        self, question: str | None = None, *, windows: Sequence[int] | None = None
    ) -> Generator[Piece, None, None]:  # fmt: skip
        """Answer, piece by piece as it comes; at the end it stands in :attr:`history`.

        Whoever stops before the end (Ctrl-C, ``close()``) leaves the conversation as it was before the question; the
        next question stops one that was left unfinished.

        Args:
            question: On the clock of the video; None: the paper's question, to all windows.
            windows: Places of the windows it goes to; None: by the rule.

        Raises:
            ConfigError: The question is empty or too long.
            WeightsError: What the model gives is no number.
        """
        self._stop()
        text = INSTRUCTION if question is None else plain_question(question)
        if windows is None:
            every = range(len(self.specs))
            windows = every if question is None else windows_asked(text, self.specs, focus=self.focus)
        self._active = self._answered(text, tuple(windows), paper=question is None)
        return self._active

    def say(self, question: str | None = None, *, windows: Sequence[int] | None = None) -> Exchange:
        """The same, waited for."""
        for _ in self.ask(question, windows=windows):
            pass
        return self.history[-1]

    def curve(self) -> tuple[float, ...] | None:
        """P(anomalous) of each second of the video; None before the paper's question was asked.

        A model with a dense head gave it while it read the video; another one is asked about every second now, which
        reads the video again.
        """
        prediction = self.prediction
        if prediction is None or prediction.curve is not None:
            return None if prediction is None else prediction.curve
        own = self.predictor
        asker = Predictor(own.model, own.tokenizer, max_new_tokens=1, autocast=own.autocast, curve=True)
        answers = [
            replace(answer, curve=asker.answer([self._read(place)])[0].curve)
            for place, answer in enumerate(prediction.answers)
        ]
        self._state = replace(self._state, prediction=join_windows(self.specs, answers))
        return self._state.prediction.curve if self._state.prediction else None

    def reset(self) -> None:
        """Forget all questions and answers; what was read of the video, and what was found in it, stays."""
        self._stop()
        self._state = _State(prediction=self.prediction)
        self._settle(self._talks)

    def _stop(self) -> None:
        if self._active is not None:
            self._active.close()
            self._active = None

    def _answered(self, text: str, places: tuple[int, ...], *, paper: bool) -> Generator[Piece, None, None]:
        notes = [
            f"the video ends at {self.duration_s:.1f} s: {seconds:.1f} s does not lie in it"
            for seconds in outside(text, self.specs)
        ]
        told: dict[int, Told] = {}
        try:
            yield from (Piece(note, "note") for note in notes)
            for place in places:
                talk, before = self._talk(place), self._state.turns.get(place, ())
                if len(self.specs) > 1:
                    yield Piece(stretch(talk.spec.start_s, talk.spec.start_s + talk.spec.duration_s), "window")
                asked = talk.on_clock(text)
                turns = talk.fit(before, asked)
                if len(turns) < len(before):
                    notes.append(self._left_out(len(before) - len(turns)))
                    yield Piece(notes[-1], "note")
                told[place] = yield from talk.answer(turns, asked, paper=paper)
            self._state = self._after(text, told, notes, paper=paper)
        finally:
            self._settle(places)

    def _after(self, text: str, told: dict[int, Told], notes: list[str], *, paper: bool) -> _State:
        """The state with one more exchange."""
        state = self._state
        exchange = Exchange(text, tuple(item.reply for item in told.values()), tuple(notes))
        prediction = state.prediction
        if paper and len(told) == len(self.specs) and not state.turns:
            prediction = join_windows(self.specs, [item.answer for item in told.values()])
        return _State(
            history=(*state.history, exchange),
            turns=state.turns | {place: item.turns for place, item in told.items()},
            prediction=prediction,
            focus=exchange.segments[-1].segment if exchange.segments else state.focus,
        )

    def _talk(self, place: int) -> WindowTalk:
        """That of a window, now the one asked last; of too many, the one asked longest ago goes."""
        if place not in self._talks:
            self._talks[place] = WindowTalk(self.predictor, self.specs[place], lambda: self._read(place))
        self._talks.move_to_end(place)
        while len(self._talks) > self._most:
            self._talks.popitem(last=False)
        return self._talks[place]

    def _settle(self, places: Sequence[int] | OrderedDict[int, WindowTalk]) -> None:
        """Keys and values of finished turns only."""
        for place in places:
            if place in self._talks:
                self._talks[place].settle(self._state.turns.get(place, ()))

    def _left_out(self, lost: int) -> str:
        what = "the oldest question and its answer are" if lost == 1 else f"the {lost} oldest questions and answers are"
        return f"{what} no longer before the model, which takes {self.predictor.collate.max_length} tokens"
