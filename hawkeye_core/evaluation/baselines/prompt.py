"""What a video-text model is asked, and the whole prompt as its own processor writes it."""

from __future__ import annotations

import re
from typing import Any

from hawkeye_core.answers.render import INSTRUCTION
from hawkeye_core.answers.time_text import format_seconds
from hawkeye_core.errors import ConfigError
from hawkeye_core.evaluation.baselines.settings import DURATION, QUESTION, VIDEO, BaselineSettings, Parser

_LASTS = f"The video is {DURATION} seconds long."
_NONE = "If there are none, answer: No anomaly."

DEFAULT_QUESTIONS: dict[Parser, str] = {
    "seconds": f"{INSTRUCTION} {_LASTS} Give the start and the end of each in seconds, in the form "
    f'"From 3.2 to 6.6 seconds". {_NONE}',
    "percent": f'{INSTRUCTION} {_LASTS} Give the start and the end of each in percent of its length, in the form "From '
    f'23 to 41". {_NONE}',
    "glue": f"{INSTRUCTION} {_LASTS} Give the start and the end of each in seconds, in the form "
    f"<glue>[3.2, 6.6]</glue>; <glue>[]</glue> if there are none.",
    "hawkeye": f"{INSTRUCTION} {_LASTS}",
}
"""Asked where `baseline.question` is not set: the paper's question, the length, and the form that is read."""

TEMPLATE_REMEDY = (
    f"set `baseline.prompt_template`, with {VIDEO} and {QUESTION} in it, as the model's card says, such as "
    f"""'baseline.prompt_template="USER: {VIDEO}\\n{QUESTION} ASSISTANT:"'"""
)


def question_of(settings: BaselineSettings) -> str:
    """The question with its place for the length."""
    return settings.question or DEFAULT_QUESTIONS[settings.parser]


def ask(question: str, duration_s: float) -> str:
    """The question about a window of that length."""
    return question.replace(DURATION, format_seconds(duration_s))


def video_mark(processor: Any) -> str:
    """The text that stands for a video in a prompt of this processor.

    Raises:
        ConfigError: It knows none: the model takes no videos.
    """
    mark = getattr(processor, "video_token", None)
    if not isinstance(mark, str) or not mark or getattr(processor, "video_processor", None) is None:
        raise ConfigError(
            f"{type(processor).__name__} takes no videos",
            remedy="take a video-text model, such as hf:LanguageBind/Video-LLaVA-7B-hf",
        )
    return mark


def write_prompt(processor: Any, question: str, *, template: str | None = None) -> str:
    """The whole prompt, with one mark of a video in it.

    Args:
        processor: From ``AutoProcessor``.
        question: With the length filled in. The mark of a video is taken out of it.
        template: ``baseline.prompt_template``; None: the processor's chat template.

    Raises:
        ConfigError: There is no chat template, it cannot be used, or it puts no mark of a video, or several.
    """
    mark = video_mark(processor)
    question = question.replace(mark, " ")
    if template is not None:
        places = {QUESTION: question, VIDEO: mark}
        return re.sub(f"{re.escape(QUESTION)}|{re.escape(VIDEO)}", lambda match: places[match[0]], template)
    if not getattr(processor, "chat_template", None):
        raise ConfigError(f"{type(processor).__name__} comes without a chat template", remedy=TEMPLATE_REMEDY)
    content = [{"type": "video"}, {"type": "text", "text": question}]
    try:
        prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    except Exception as error:  # whatever a template of others raises (Jinja2 errors, TypeError, ...)
        said = f"the chat template of {type(processor).__name__} cannot be used ({type(error).__name__}: {error})"
        raise ConfigError(said, remedy=TEMPLATE_REMEDY) from error
    found = str(prompt).count(mark)
    if found != 1:
        said = f"the chat template of {type(processor).__name__} puts {found} marks of a video ({mark})"
        raise ConfigError(said, remedy=TEMPLATE_REMEDY)
    return str(prompt)
