"""What the chosen models say to one image, side by side."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st
import torch
from torch import Tensor

from mlpcore import figures
from mlpcore.doubt import is_unsure, remarks
from mlpcore.experiment import CLASSES
from ui.live_chart import as_json, live_chart
from ui.models import Choice
from ui.words import a_digit

_DIGITS = [str(digit) for digit in range(CLASSES)]
_UNSURE = (
    "A model is marked unsure if the drawing looks unlike MNIST's digits, or if, on the test images, too many of its "
    "answers with about this probability were wrong."
)
_NUMBERS = ["one", "two", "three", "four"]


def show_answers(image: Tensor, choices: Sequence[Choice], key: str) -> None:
    """Shows what each model answers to a drawing, with all ten probabilities, and whether they agree.

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
        st.subheader(_verdict(answers, choices, is_odd=bool(odd)), anchor=False)
        # A container in any case, so that what follows keeps its place.
        with st.container():
            for remark in odd:
                st.warning(remark.sentence, icon=":material/psychology_alt:")
        st.markdown(_table(choices, probabilities, is_odd=bool(odd)))
        st.caption(
            "Right in test: of the test images on which the model was about as sure. These are all digits; "
            "a letter or a scribble can get an answer just as sure.",
            help=_UNSURE,
        )
        live_chart(
            as_json(
                figures.answers_side_by_side(
                    [each.numpy() for each in probabilities],
                    [choice.short_title for choice in choices],
                    [choice.color for choice in choices],
                    _DIGITS,
                )
            ),
            key=f"{key}_bars",
            alt="Bar chart: the probability that each model gives to each digit. "
            + " ".join(f"{choice.title}: most to {answer}." for choice, answer in zip(choices, answers, strict=True)),
            height=290,
        )


def _verdict(answers: Sequence[int], choices: Sequence[Choice], *, is_odd: bool) -> str:
    counts = Counter(answers)
    if len(counts) == 1:
        who = f"{choices[0].short_title} reads" if len(answers) == 1 else f"All {len(answers)} models read"
        icon = ":material/help:" if is_odd else ":material/check:"
        return f"{icon} {who} {a_digit(answers[0])}"
    said = ", ".join(
        f"{_NUMBERS[count - 1]} read{'s' if count == 1 else ''} {a_digit(answer)}"
        for answer, count in counts.most_common()
    )
    return f":orange[:material/call_split: They disagree:] {said}"


def _table(choices: Sequence[Choice], probabilities: Sequence[Tensor], *, is_odd: bool) -> str:
    """What each model answers and how reliable such answers were, as Markdown."""
    rows = ["| Model | Answer | Right in test |", "| :-- | :-- | :-- |"]
    for choice, each in zip(choices, probabilities, strict=True):
        confidence = float(each.max())
        record = choice.model.test.at(confidence)
        # Never broken over two lines.
        answer = f"**{int(each.argmax())}** · {figures.probability_in_words(confidence)}".replace(" ", "\u00a0")
        unsure = " :orange-badge[:material/help: unsure]" if is_odd or is_unsure(choice.model, confidence) else ""
        rows.append(
            f"| {choice.short_title} | {answer}{unsure} "
            f"| {f'{record.right:,} of {record.images:,}' if record.images else 'no answer this sure'} |"
        )
    return "\n".join(rows)
