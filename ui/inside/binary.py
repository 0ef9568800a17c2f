"""One output with a sigmoid beside ten with softmax, asked the same question."""

import random
from functools import lru_cache

import streamlit as st

from mlpcore import datasets
from mlpcore import figures as common
from mlpcore.datasets import Dataset
from mlpcore.experiment import CLASSES
from mlpcore.figures import inside as figures
from mlpcore.figures.style import ACCENT
from mlpcore.inspection import code
from mlpcore.inspection.binary import YesOrNo, ask_yes_or_no
from ui.inside.address import DIGIT, IMAGE, IMAGE_FIELD
from ui.inside.numbers import in_latex
from ui.inside.subjects import use_one_thread
from ui.lessons import lesson
from ui.live_chart import as_json, live_chart
from ui.pictures import ink_on_paper
from ui.show_code import show_code
from ui.texts import texts
from ui.words import a_digit, percent

_ASKED = "inside_asked"
_IMAGES = 6000
_PICTURE_PIXELS = 112


def show_yes_or_no(dataset: Dataset) -> None:
    """Lets a person choose the digit to ask for, trains both models, and compares their answers."""
    state = st.session_state
    if "digit" not in lesson().hidden:
        st.segmented_control(
            "Is it a …",
            range(CLASSES),
            key=DIGIT,
            required=True,
            disabled=lesson().locks("digit"),
            persist_state="session",
        )
    digit: int = state[DIGIT]
    st.markdown(texts("inside")["binary"].format(a_digit=a_digit(digit), images=_IMAGES))
    asked: set[int] = state.setdefault(_ASKED, set())
    if digit in asked:
        with st.spinner("Training both models"):
            found = _asked(digit)
        _compare(dataset, found)
    else:
        st.button(
            "Train both",
            key="inside_ask",
            type="primary",
            icon=":material/play_arrow:",
            on_click=asked.add,
            args=(digit,),
            help=texts("inside")["binary_before"],
        )
    show_code(code.yes_or_no(digit), key="inside_binary_code")


@lru_cache(maxsize=CLASSES)
def _asked(digit: int) -> YesOrNo:
    use_one_thread()
    return ask_yes_or_no(datasets.load("mnist"), digit)


def _compare(dataset: Dataset, found: YesOrNo) -> None:
    state, digit = st.session_state, found.digit
    st.table(
        {
            "": ["one output, sigmoid", "ten outputs, softmax", "always no"],
            "correct (accuracy)": [
                percent(each, 2) for each in (found.one_answers.right, found.ten_answers.right, found.always_no)
            ],
            f"{digit}s found (recall)": [
                *(percent(each.found, 2) for each in (found.one_answers, found.ten_answers)),
                percent(0.0, 2),
            ],
            "yes answers that are correct (precision)": [
                *(
                    "–" if each.true is None else percent(each.true, 2)
                    for each in (found.one_answers, found.ten_answers)
                ),
                "–",
            ],
        }
    )
    st.markdown(
        texts("inside")["binary_after"].format(always_no=percent(found.always_no), digit=digit, a_digit=a_digit(digit))
    )
    row: int = state[IMAGE]
    image, label = dataset.test.images[row : row + 1], int(dataset.test.labels[row])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.image(ink_on_paper(image[0], _PICTURE_PIXELS), width=_PICTURE_PIXELS, alt=f"Test image {row}, a {label}.")
        with st.container(width="content", key="inside_binary"):
            st.markdown(f"Test image {row:,}: **{a_digit(label)}**")
            locked = lesson().locks("image")
            st.button(
                "Random image",
                key="inside_binary_random",
                icon=":material/shuffle:",
                disabled=locked,
                on_click=_go_to,
                args=(None,),
            )
            st.button(
                f"Random {digit}",
                key="inside_binary_one",
                disabled=locked,
                on_click=_go_to,
                args=((dataset.test.labels == digit).nonzero().flatten().tolist(),),
            )
    logit, yes = float(found.one.logits(image)[0, 0]), float(found.sigmoid(image)[0])
    probabilities = found.softmax(image)[0]
    left, right = st.columns(2)
    with left:
        st.markdown("**One output: sigmoid**")
        live_chart(
            as_json(figures.sigmoid_curve(logit)),
            key="inside_sigmoid",
            alt=f"The sigmoid curve, with this image's logit {logit:.3f} on it: {100 * yes:.2f} % yes.",
            height=280,
        )
        lines = (
            r"P &= \sigma(z) = \frac{1}{1 + e^{-z}}",
            rf"&= \frac{{1}}{{1 + e^{{{in_latex(-logit)}}}}} = {in_latex(yes)}",
        )
        st.latex(r"\begin{aligned} " + r" \\[1ex] ".join(lines) + r" \end{aligned}")
        st.markdown(f"Answer: **{'yes' if logit > 0 else 'no'}**.")
    with right:
        st.markdown("**Ten outputs: softmax**")
        live_chart(
            as_json(common.answer_bars(probabilities, ACCENT, [str(each) for each in range(CLASSES)])),
            key="inside_binary_softmax",
            alt=f"The ten probabilities, with {100 * probabilities[digit]:.2f} % for {digit}.",
            height=280,
        )
        st.latex(rf"P_{{{digit}}} = {in_latex(float(probabilities[digit]))}")
        answer = int(probabilities.argmax())
        st.markdown(f"Answer: **{'yes' if answer == digit else 'no'}**, because it reads {a_digit(answer)}.")
    st.caption(texts("inside")["sigmoid"])


def _go_to(rows: list[int] | None) -> None:
    row = random.choice(rows) if rows else random.randrange(10_000)
    st.session_state[IMAGE] = row
    st.session_state[IMAGE_FIELD] = str(row)
