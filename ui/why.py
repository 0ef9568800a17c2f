"""Why a model answers as it does: which parts of the image count for a digit, and which against it."""

from collections.abc import Sequence

import streamlit as st
from torch import Tensor

from mlpcore import figures
from mlpcore.inspection import METHODS, Target, closest_contest, votes
from ui.draw_address import ANSWER, DIGITS, NONE, RUNNER_UP, why_key
from ui.glossary import meaning
from ui.lessons import lesson
from ui.live_chart import as_json, live_chart
from ui.models import Choice
from ui.words import plain


def show_why(image: Tensor, choices: Sequence[Choice], key: str) -> None:
    """Asks for model, digit, rival and method, and shows how each pixel of `image`, uint8 [28, 28], votes."""
    if not choices or "why" in lesson().hidden:
        return
    st.markdown(
        "**Why?**",
        help="A vote is a change in the digit's logit or, with a rival, in the difference of the two logits. Near "
        "the border, where MNIST has no ink, a model has learned nothing, so its votes there mean little.\n\n"
        + meaning("attribution", "logit"),
    )
    by_key, locked = {choice.key: choice for choice in choices}, lesson().locks("why")
    if st.session_state[why_key(key, "model")] not in by_key:
        st.session_state[why_key(key, "model")] = choices[0].key
    with st.container(horizontal=True):
        chosen = st.selectbox(
            "Model",
            list(by_key),
            format_func=lambda name: by_key[name].title,
            key=why_key(key, "model"),
            disabled=locked,
            width=230,
            persist_state="session",
        )
        digit = st.selectbox(
            "Why",
            [ANSWER, *DIGITS],
            key=why_key(key, "digit"),
            disabled=locked,
            width=130,
            persist_state="session",
        )
        rival = st.selectbox(
            "Rather than",
            [RUNNER_UP, *DIGITS, NONE],
            key=why_key(key, "rival"),
            disabled=locked,
            width=190,
            persist_state="session",
        )
        method = st.selectbox(
            "Method",
            list(METHODS),
            format_func=lambda name: METHODS[name].title,
            key=why_key(key, "method"),
            disabled=locked,
            width=200,
            persist_state="session",
        )
    choice = by_key[chosen]
    target = _target(choice.model.logits(image.unsqueeze(0))[0], digit, rival)
    live_chart(
        as_json(figures.votes_image(votes(choice.model, image, target, method), image)),
        key=f"{key}_votes",
        alt=f"Map of the image: which pixels count for {target}, and which against it.",
        height=320,
    )
    account = METHODS[method]
    st.caption(
        f"**{target}**, according to {plain(choice.title)}. {account.meaning} ([{account.source}]({account.url}).)"
    )


def _target(logits: Tensor, digit: str, rival: str) -> Target:
    """What the fields ask for; "its answer" and "its second choice" are taken from these logits."""
    contest = closest_contest(logits)
    wanted = contest.digit if digit == ANSWER else int(digit)
    if rival == NONE:
        return Target(wanted)
    if rival != RUNNER_UP:
        return Target(wanted, int(rival)) if int(rival) != wanted else Target(wanted)
    # The strongest of the others.
    order = [int(other) for other in logits.argsort(descending=True) if int(other) != wanted]
    return Target(wanted, order[0])
