"""The page, made of Gradio's parts. This module needs the extra ``app``; only the command imports it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from hawkeye_core.app.config import AppSettings
from hawkeye_core.app.talk import FORGOTTEN, OWN_TIMES, answered, conversation_of, messages, own_times
from hawkeye_core.app.uploads import shown_name
from hawkeye_core.app.view import asset, done_html, header_html, notice_html, stage_html, zone_html
from hawkeye_core.app.visits import Visit, Visits
from hawkeye_core.app.work import FAULTS, StoppedError, in_words, work_on
from hawkeye_core.ground.hawkeye import Hawkeye

logger = logging.getLogger(__name__)

MODEL = "model"
"""Name of the queue that all use of the model goes through: one at a time."""
STATUS_S = 1.0
"""Seconds between two reports of the place in the queue."""


def theme() -> gr.themes.Base:
    """Gradio's plain looks with the fonts of the system: none are fetched."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue, neutral_hue=gr.themes.colors.slate,
        font=["system-ui", "Segoe UI", "Roboto", "sans-serif"], font_mono=["ui-monospace", "monospace"],
    )  # fmt: skip


class Page:
    """Handlers of the page, and the page itself.

    Args:
        hawkeye: Answers.
        visits: Who is there.
        settings: Limits.
    """

    def __init__(self, hawkeye: Hawkeye, visits: Visits, settings: AppSettings) -> None:
        self.hawkeye, self.visits, self.settings = hawkeye, visits, settings

    def build(self) -> gr.Blocks:
        """The page."""
        quiet: dict[str, Any] = {"api_visibility": "private"}
        plain: dict[str, Any] = {"apply_default_css": False}
        model: dict[str, Any] = {**quiet, "concurrency_id": MODEL, "concurrency_limit": 1}
        with gr.Blocks(title="Hawkeye", analytics_enabled=False) as blocks:
            gr.HTML(header_html(self.hawkeye.note), **plain, js_on_load=None)
            zone = gr.HTML(zone_html(self.settings), **plain, js_on_load=asset("zone.js.j2"))
            status = gr.HTML("", **plain, elem_id="hk-status", js_on_load=None)
            stop = gr.Button("Stop", visible=False, size="sm", elem_id="hk-stop")
            stage = gr.HTML("", **plain, elem_id="hk-stage", js_on_load=asset("stage.js.j2"))
            with gr.Column(visible=False, elem_id="hk-talk") as talk:
                chat = gr.Chatbot(
                    label="Ask about this video", height=280, render_markdown=False, sanitize_html=True, buttons=[],
                    feedback_options=None, allow_file_downloads=False, latex_delimiters=[],
                    placeholder="Ask about this video; a time (at 3 s) says which part is meant.",
                )  # fmt: skip
                with gr.Row():
                    question = gr.Textbox(
                        label="Question", placeholder="Who is there at 3 s?", lines=1, max_length=2000, scale=5,
                        elem_id="hk-question", autofocus=False,
                    )  # fmt: skip
                    send = gr.Button("Ask", variant="primary", scale=1, min_width=90, elem_id="hk-ask")
                told = gr.HTML("", **plain, js_on_load=None)
        with blocks:
            gr.on(
                [zone.upload],
                self.begin,
                None,
                [status, stage, talk, chat, stop, told],
                queue=False,
                show_progress="hidden",
                **quiet,
            ).then(self.find, None, [status, stage, talk, stop], show_progress="full", show_progress_on=status, **model)
            stop.click(self.stop, None, [stop], queue=False, **quiet)
            gr.on(
                [question.submit, send.click], self.ask, [question], [chat, question, told],
                show_progress="minimal", show_progress_on=chat, **model,
            )  # fmt: skip
            chat.clear(self.forget, None, [told], queue=False, show_progress="hidden", **quiet)
            blocks.unload(self.leave)
        blocks.queue(max_size=self.settings.waiting, status_update_rate=STATUS_S, api_open=False)
        return blocks

    def begin(self, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """A video has arrived: what was there goes, and the page says that it waits."""
        visit = self._visit(request)
        data = getattr(event, "_data", None)
        data = data if isinstance(data, dict) else {}
        visit.stopped.set()
        if visit.busy:
            words = notice_html("The video before this one is being stopped", "Send the new one again in a moment.",
                                kind="warning")  # fmt: skip
            return words, gr.skip(), gr.skip(), gr.skip(), gr.update(visible=True), gr.skip()
        visit.renew()
        visit.stopped.clear()
        visit.name = shown_name(data.get("name", ""))
        visit.source = self.visits.take(str(data.get("ticket", "")), visit)
        waits = notice_html(f"{visit.name} is here", "It is worked on when it is its turn.", kind="info working")
        return waits, "", gr.update(visible=False), [], gr.update(visible=True), ""

    def find(self, request: gr.Request, progress: gr.Progress = gr.Progress()) -> tuple[Any, ...]:  # noqa: B008
        """Work on the video, and show what was found."""
        visit = self._visit(request)
        if visit.found is not None or visit.busy:
            return (gr.skip(),) * 4
        visit.busy += 1
        try:
            done = work_on(
                self.hawkeye, visit, self.settings,
                lambda stage, done, total: progress((done, total or None), desc=stage, unit="steps"),
            )  # fmt: skip
            html = stage_html(*done, token=visit.token, served=list(visit.served))
            return done_html(done[0]), html, gr.update(visible=True), gr.update(visible=False)
        except FAULTS as error:
            return self._fault(error, visit), "", gr.update(visible=False), gr.update(visible=False)
        finally:
            visit.busy -= 1

    def ask(self, question: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Answer a question, piece by piece."""
        visit = self._visit(request)
        visit.busy += 1
        visit.stopped.clear()
        note = ""
        try:
            lost = visit.conversation is None
            conversation = conversation_of(self.hawkeye, visit, self.visits)
            if lost and visit.talked:
                note = notice_html(FORGOTTEN)
            visit.talked = True
            for shown in answered(conversation, question, visit):
                yield shown, "", note
            if not note and own_times(conversation, visit):
                yield shown, "", notice_html(OWN_TIMES)
        except FAULTS as error:
            shown = messages(visit.conversation.history) if visit.conversation else []
            yield shown, question, self._fault(error, visit)
        finally:
            visit.busy -= 1

    def stop(self, request: gr.Request) -> Any:
        """The job of this page ends at its next step."""
        self._visit(request).stopped.set()
        return gr.update(visible=False)

    def forget(self, request: gr.Request) -> str:
        """Questions and answers are forgotten; the video is not read again."""
        visit = self._visit(request)
        if visit.busy:
            visit.stopped.set()
        elif visit.conversation is not None:
            visit.conversation.reset()
        return ""

    def leave(self, request: gr.Request) -> None:
        """The page was closed."""
        self.visits.leave(str(request.session_hash))

    def _visit(self, request: gr.Request) -> Visit:
        return self.visits.of(str(request.session_hash))

    def _fault(self, error: BaseException, visit: Visit) -> str:
        if isinstance(error, StoppedError):
            return notice_html("Stopped")
        logger.warning("a video could not be worked on", exc_info=error)
        text, remedy = in_words(error, visit)
        return notice_html(text, remedy, kind="error")
