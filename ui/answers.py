"""What the chosen models say to one image, side by side."""

from collections.abc import Sequence

import streamlit as st
import torch
from torch import Tensor

from mlpcore import figures
from mlpcore.doubt import is_unsure, remarks
from mlpcore.experiment import CLASSES
from mlpcore.models import TrainedModel
from ui.live_chart import as_json, live_chart
from ui.models import Choice
from ui.words import a_digit

_DIGITS = [str(digit) for digit in range(CLASSES)]
_UNSURE = (
    "The drawing is unlike what the model was taught, or, on the test images, answers with about this probability were "
    "wrong too often to be trusted."
)


def show_answers(image: Tensor, choices: Sequence[Choice], key: str) -> None:
    """Shows what each model answers to a drawing, with all ten probabilities, and where they disagree.

    Args:
        image: uint8 [28, 28].
        choices: the models that are asked.
        key: of the place on the page.
    """
    if not choices:
        st.info("Choose at least one model above.", icon=":material/arrow_upward:")
        return
    # For this thread: several would wait for each other at every small operation, and for whatever trains meanwhile.
    torch.set_num_threads(1)
    probabilities = [choice.model.probabilities(image.unsqueeze(0))[0] for choice in choices]
    answers = [int(each.argmax()) for each in probabilities]
    odd = remarks(image)
    with st.container(key=f"{key}_answers"):
        st.markdown(_verdict(answers, choices, is_odd=bool(odd)))
        # A place of their own, there or not, so that what follows is not made anew.
        with st.container():
            for remark in odd:
                st.warning(remark.sentence, icon=":material/psychology_alt:")
        for column, choice, answer, each in zip(st.columns(len(choices)), choices, answers, probabilities, strict=True):
            with column:
                _show_answer(choice, answer, each, key, is_odd=bool(odd))


def _show_answer(choice: Choice, answer: int, probabilities: Tensor, key: str, *, is_odd: bool) -> None:
    confidence = float(probabilities[answer])
    with st.container(key=f"{key}_answer_{choice.key}", gap=None):
        st.markdown(f"**{choice.short_title}**")
        st.metric(
            choice.short_title,
            f"{answer} · {figures.probability_in_words(confidence)}",
            label_visibility="collapsed",
            width="content",
        )
    live_chart(
        as_json(figures.answer_bars(probabilities.numpy(), choice.color, _DIGITS)),
        key=f"{key}_bars_{choice.key}",
        alt=f"Bar chart: the probability that {choice.title} gives to each digit; "
        f"most, {figures.probability_in_words(confidence)}, to {answer}.",
        height=250,
    )
    st.caption(_track_record(choice.model, confidence))
    if is_odd or is_unsure(choice.model, confidence):
        st.badge("unsure", icon=":material/help:", color="orange", help=_UNSURE)


def _verdict(answers: Sequence[int], choices: Sequence[Choice], *, is_odd: bool) -> str:
    if len(set(answers)) == 1:
        who = f"{choices[0].short_title} reads" if len(answers) == 1 else f"All {len(answers)} models read"
        icon = ":material/help:" if is_odd else ":material/check:"
        return f"{icon} {who} **{a_digit(answers[0])}**."
    by_answer: dict[int, list[str]] = {answer: [] for answer in dict.fromkeys(answers)}
    for answer, choice in zip(answers, choices, strict=True):
        by_answer[answer].append(choice.short_title)
    said = "; ".join(
        f"{' and '.join(titles)} {'say' if len(titles) > 1 else 'says'} **{answer}**"
        for answer, titles in by_answer.items()
    )
    return f":orange[:material/call_split: They disagree.] {said}."


def _track_record(model: TrainedModel, confidence: float) -> str:
    """How often such answers were right in the test."""
    record = model.test.at(confidence)
    if not record.images:
        return "No test image got an answer with such a probability."
    return f"In the test {record.right:,} of {record.images:,} answers as sure as this were right."
