"""The forward pass of one image, from its pixels to the loss."""

import math

import streamlit as st

from mlpcore import datasets
from mlpcore import figures as common
from mlpcore.datasets import Dataset
from mlpcore.experiment import CLASSES
from mlpcore.figures import inside as figures
from mlpcore.figures.data import image_with_frame
from mlpcore.inspection import code
from mlpcore.inspection.forward_pass import ForwardPass, forward_pass
from ui.glossary import meaning
from ui.inside.address import MODEL, USUAL_MODEL
from ui.inside.neurons import look_at_neurons
from ui.inside.numbers import in_latex, in_words, with_minus
from ui.inside.pictured import Picture, pick_picture, show_drawings_hint, show_number_problem
from ui.inside.subjects import Subject, offer_file, pick_subject
from ui.live_chart import as_json, live_chart
from ui.show_code import show_code
from ui.texts import texts
from ui.words import a_digit, plain

_TEXTS = "inside"


def walk_forward(dataset: Dataset) -> None:
    """Lets a person choose a model and an image, and shows each stage of the forward pass."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        subject = pick_subject(MODEL, USUAL_MODEL)
        picture = pick_picture(dataset, subject)
        offer_file(subject, "inside_file")
    show_number_problem()
    show_drawings_hint()
    passed = forward_pass(subject.model, picture.image)
    _verdict(subject, picture, passed)
    _flattened(subject, picture, passed)
    look_at_neurons(subject, picture)
    _logits_and_softmax(subject, passed)
    _loss(subject, picture, passed)
    show_code(code.walking(subject.model, picture.code(subject.model)), key="inside_walking_code")


def _verdict(subject: Subject, picture: Picture, passed: ForwardPass) -> None:
    answer = int(passed.logits.argmax())
    share = common.probability_in_words(float(passed.softmax.probabilities[answer]))
    mark = ":material/check:" if answer == picture.label else ":material/close:"
    with st.container(key="inside_verdict"):
        st.markdown(
            f"{mark} {picture.title} shows **{a_digit(picture.label)}**. {plain(subject.title)} answers "
            f"**{answer}** with a probability of {share}."
        )


def _flattened(subject: Subject, picture: Picture, passed: ForwardPass) -> None:
    st.subheader("The image, flattened", anchor=False)
    st.markdown(texts(_TEXTS)["flattened"].format(pixels=len(passed.flattened)))
    left, right = st.columns([1, 3], vertical_alignment="center")
    with left:
        live_chart(
            as_json(image_with_frame(picture.image, 0, 0, 28)),
            key="inside_image_chart",
            alt=f"{picture.title}: {a_digit(picture.label)}, 28 by 28 pixels.",
            height=200,
        )
    with right:
        live_chart(
            as_json(figures.strip({"x": passed.flattened}, "pixel")),
            key="inside_flattened",
            alt=f"The {len(passed.flattened)} pixels one after another, row by row, as the network receives them.",
            height=110,
        )
        st.caption(
            f"Shape [28, 28] → [{len(passed.flattened)}], from {in_words(float(passed.flattened.min()))} to "
            f"{in_words(float(passed.flattened.max()))}."
            + (" This model takes normalized pixels." if subject.model.experiment.data.normalize else "")
        )


def _logits_and_softmax(subject: Subject, passed: ForwardPass) -> None:
    st.subheader("Logits and softmax", anchor=False, help=meaning("logit", "softmax"))
    inputs = len(passed.inputs_of(len(passed.hidden)))
    st.markdown(texts(_TEXTS)["logits"].format(inputs=inputs))
    softmax = passed.softmax
    answer = int(passed.logits.argmax())
    left, right = st.columns(2)
    with left:
        st.markdown("**Logits z**")
        live_chart(
            as_json(figures.logit_bars(passed.logits, subject.color)),
            key=f"inside_logits_{subject.key}",
            alt=f"The ten logits; the largest, {passed.logits[answer]:.3f}, is that of {answer}.",
            height=270,
        )
    with right:
        st.markdown("**Probabilities P**")
        live_chart(
            as_json(common.answer_bars(softmax.probabilities.astype("float32"), subject.color, _digits())),
            key=f"inside_probabilities_{subject.key}",
            alt=f"The ten probabilities; the largest is that of {answer}.",
            height=270,
        )
    first, last = passed.logits[0], passed.logits[-1]
    st.latex(
        rf"""
        \begin{{aligned}}
        P_{{{answer}}} &= \frac{{e^{{z_{{{answer}}}}}}}{{\sum_{{j=0}}^{{9}} e^{{z_j}}}}
        = \frac{{e^{{{in_latex(float(passed.logits[answer]))}}}}}
        {{e^{{{in_latex(float(first))}}} + \cdots + e^{{{in_latex(float(last))}}}}} \\[1ex]
        &= \frac{{{in_latex(float(softmax.exponentials[answer]))}}}{{{in_latex(softmax.total)}}}
        = {in_latex(float(softmax.probabilities[answer]))}
        \end{{aligned}}
        """
    )
    with st.expander("All ten, step by step", key="inside_softmax_table"):
        st.table(
            {
                "class": [*_digits(), "sum"],
                "logit z": [*(with_minus(f"{value:.4f}") for value in passed.logits), ""],
                "exp z": [*(with_minus(f"{value:,.4g}") for value in softmax.exponentials), f"{softmax.total:,.4g}"],
                "P": [*(f"{value:.6f}" for value in softmax.probabilities), f"{softmax.probabilities.sum():.6f}"],
            }
        )


def _loss(subject: Subject, picture: Picture, passed: ForwardPass) -> None:
    st.subheader("Cross-entropy", anchor=False, help=meaning("loss", "nat"))
    st.markdown(texts(_TEXTS)["loss"].format(true=picture.label))
    loss, probability = passed.cross_entropy(picture.label), passed.softmax.probabilities[picture.label]
    st.latex(
        rf"L = -\ln P_{{{picture.label}}} = -\ln {in_latex(float(probability))} = {in_latex(loss)}",
    )
    name = "loss_trained" if subject.is_trained else "loss_untrained"
    st.markdown(
        texts(_TEXTS)[name].format(
            mean=subject.test.loss,
            images=len(datasets.load("mnist").test.labels),
            chance=math.log(CLASSES),
            smallest=in_words(float(passed.logits.min())),
            largest=in_words(float(passed.logits.max())),
        )
    )


def _digits() -> list[str]:
    return [str(digit) for digit in range(CLASSES)]
