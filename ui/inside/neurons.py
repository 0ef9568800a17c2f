"""A model's layers for one image, its strongest neurons, one neuron's sum, and the model without some neurons."""

from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import streamlit as st

from mlpcore import datasets
from mlpcore.datasets import Images
from mlpcore.evaluation import Evaluation
from mlpcore.experiment import CLASSES, Experiment
from mlpcore.figures import inside as figures
from mlpcore.inspection import code
from mlpcore.inspection.ablation import evaluation_without, logits_without
from mlpcore.inspection.forward_pass import ForwardPass, HiddenLayer, forward_pass
from mlpcore.inspection.influence import LinearMap, contributions, linear_map, strongest
from mlpcore.inspection.layers import Neuron
from mlpcore.inspection.weighted_sum import weighted_sum
from mlpcore.models import Classifier
from mlpcore.network import MLP
from ui.inside.address import LAYER, NEURON, OFF, ORDER, ORDERS, note_address
from ui.inside.numbers import Change, change, in_words, with_minus
from ui.inside.pictured import Picture
from ui.inside.subjects import Subject, use_one_thread
from ui.lessons import lesson
from ui.live_chart import as_json, clickable_chart, last_click, live_chart
from ui.picture_buttons import PictureButton, picture_buttons
from ui.show_code import show_code
from ui.texts import texts
from ui.words import percent

_TEXTS = "inside"
_SHOWN = 8
_TERMS = 8
_PICTURE_PIXELS = 66
_EVERY = 5
"""Every fifth test image is enough for a quick look: 2,000 images."""

_EXACT, _LAYER_SHOWN, _LAYER_BEFORE = "inside_exact", "inside_layer_shown", "inside_layer_before"


@st.fragment
def look_at_neurons(subject: Subject, picture: Picture) -> None:
    """The layers one by one; a click reruns only this part."""
    use_one_thread()
    passed = forward_pass(subject.model, picture.image)
    neuron = _chosen(subject, passed)
    architecture = subject.model.experiment.architecture
    if passed.hidden:
        st.markdown(texts(_TEXTS)["hidden"].format(rule=texts(_TEXTS)[f"rule_{architecture.activation}"]))
    for number, layer in enumerate(passed.hidden):
        _show_layer(subject, number, layer, neuron)
    if not passed.hidden:
        st.info(texts(_TEXTS)["no_hidden"], icon=":material/info:")
    st.subheader("Neurons", anchor=False)
    if "neuron" not in lesson().hidden:
        _choose_layer(subject, neuron.layer)
    _show_strongest(subject, picture, passed, neuron)
    _show_sum(subject, picture, passed, neuron)
    if passed.hidden and "off" not in lesson().hidden:
        _switch_off(subject, picture, passed, neuron)
    note_address()


def _chosen(subject: Subject, passed: ForwardPass) -> Neuron:
    """The neuron to show: the chosen one, if this model has it, else the answer or the strongest."""
    state = st.session_state
    layer = min(state[LAYER], len(subject.hidden))
    if not lesson().locks("neuron"):
        state[LAYER] = layer
    state[_LAYER_BEFORE] = layer
    sums = passed.sums_of(layer)
    if state[NEURON] is None or state[NEURON] >= len(sums):
        if layer == len(passed.hidden):
            return Neuron(layer, int(passed.logits.argmax()))
        return Neuron(layer, int(strongest(_strengths(passed, layer), 1)[0]))
    return Neuron(layer, state[NEURON])


def _strengths(passed: ForwardPass, layer: int) -> figures.Floats:
    """A layer's activations; of the output, the logits."""
    return passed.hidden[layer].activations if layer < len(passed.hidden) else passed.logits


def _show_layer(subject: Subject, number: int, layer: HiddenLayer, neuron: Neuron) -> None:
    size, inputs = len(layer.sums), subject.model.experiment.architecture.sizes[number]
    st.subheader(f"{layer.name}: {size:,} neurons", anchor=False)
    silent = int((layer.activations == 0).sum())
    norm = " → batch norm" if layer.normalised is not None else ""
    st.markdown(
        f"W `[{size}, {inputs}]` · x `[{inputs}]` + b `[{size}]` → sums `[{size}]`{norm} → {subject.activation} → "
        f"activations `[{size}]`" + (f"; **{silent}** of them are 0" if subject.activation == "ReLU" else "")
    )
    rows = {"sums": layer.sums}
    if layer.normalised is not None:
        rows["normalised"] = layer.normalised
    rows["activations"] = layer.activations
    key = f"inside_strip_{subject.key}_{number}"
    clickable_chart(
        as_json(figures.strip(rows, "neuron", neuron.index if neuron.layer == number else None)),
        key=key,
        alt=f"{layer.name}: the sums of {size} neurons, from {layer.sums.min():.3g} to {layer.sums.max():.3g}, and "
        f"their activations, from {layer.activations.min():.3g} to {layer.activations.max():.3g}.",
        height=50 + 38 * len(rows),
        on_click=_on_strip(key, number),
    )


def _on_strip(key: str, layer: int) -> Callable[[], None]:
    def choose() -> None:
        clicked = last_click(key)
        if clicked is not None:
            _choose(layer, round(clicked))

    return choose


def _choose(layer: int, index: int | None) -> None:
    # A lesson may have locked it, and the strips are still there to be clicked.
    if not lesson().locks("neuron"):
        st.session_state[LAYER], st.session_state[NEURON] = layer, index


def _choose_layer(subject: Subject, layer: int) -> None:
    locked = lesson().locks("neuron")
    if locked:
        # What is locked stays as it is, also while a model is shown that has no such layer.
        st.session_state[_LAYER_SHOWN] = layer
    names = [*(f"Hidden layer {number}" for number in range(1, len(subject.hidden) + 1)), "Output"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Layer",
            range(len(names)),
            key=_LAYER_SHOWN if locked else LAYER,
            format_func=names.__getitem__,
            required=True,
            disabled=locked,
            persist_state="session",
            on_change=_forget_neuron_of_other_layer,
        )
        if layer < len(subject.hidden):
            st.segmented_control(
                "Strongest by",
                ORDERS,
                key=ORDER,
                format_func={"activation": "Activation", "push": "Contribution to the answer"}.__getitem__,
                required=True,
                disabled=locked,
                persist_state="session",
                on_change=_forget_neuron,
            )


def _forget_neuron_of_other_layer() -> None:
    # A click right after one on a strip brings the layer that the strip has set, and Streamlit takes that for a change.
    if st.session_state[LAYER] != st.session_state[_LAYER_BEFORE]:
        _forget_neuron()


def _forget_neuron() -> None:
    st.session_state[NEURON] = None


def _show_strongest(subject: Subject, picture: Picture, passed: ForwardPass, chosen: Neuron) -> None:
    layer, answer = chosen.layer, int(passed.logits.argmax())
    values = _strengths(passed, layer)
    is_hidden = layer < len(subject.hidden)
    pushed = contributions(subject.model, picture.image, layer, answer) if is_hidden else None
    by_push = pushed is not None and st.session_state[ORDER] == "push"
    order = strongest(pushed if by_push and pushed is not None else values, _SHOWN) if is_hidden else np.arange(CLASSES)
    maps = {index: linear_map(subject.model, picture.image, Neuron(layer, index)) for index in order.tolist()}
    has_maps = next(iter(maps.values())) is not None
    otherwise = "turns it into 0" if subject.activation == "ReLU" else "multiplies it by 0.01"
    name = "pictures_first" if layer == 0 else "pictures_deep" if has_maps else "pictures_none"
    st.markdown(texts(_TEXTS)[name].format(activation=subject.activation, otherwise=otherwise))
    kind, gives = ("Neuron", "gives") if is_hidden else ("Class", "logit")
    picture_buttons(
        [
            PictureButton(
                index,
                None if found is None else figures.signed_picture(found.weights, 1),
                f"{kind} {index}",
                f"{gives} {in_words(float(values[index]))}",
                f"{kind} {index}",
                disabled=lesson().locks("neuron"),
            )
            for index, found in maps.items()
        ],
        key="inside_open",
        label="Strongest neurons" if is_hidden else "Classes",
        side=_PICTURE_PIXELS,
        pressed=chosen.index,
        on_click=lambda index: _choose(layer, index),
    )
    if pushed is not None:
        live_chart(
            as_json(figures.contributions(order.tolist(), pushed[order].tolist(), answer)),
            key=f"inside_pushes_{subject.key}",
            alt=f"What each of these neurons adds to the logit of {answer}, or takes from it.",
            height=200,
        )
        is_last = layer == len(subject.hidden) - 1
        name = (
            "contributions_last"
            if is_last
            else "contributions_relu"
            if has_maps or layer == 0
            else "contributions_curved"
        )
        and_norm = " and from batch norm" if subject.model.experiment.architecture.batch_norm else ""
        st.caption(
            texts(_TEXTS)[name].format(
                answer=answer,
                total=with_minus(f"{pushed.sum():+.3f}"),
                logit=with_minus(f"{passed.logits[answer]:.3f}"),
                and_norm=and_norm,
            )
        )


def _show_sum(subject: Subject, picture: Picture, passed: ForwardPass, neuron: Neuron) -> None:
    is_output = neuron.layer == len(subject.hidden)
    title = f"Class {neuron.index}" if is_output else f"Neuron {neuron.index} of hidden layer {neuron.layer + 1}"
    with st.container(border=True, key="inside_neuron_panel"):
        st.markdown(f"**{title}: its sum, w · x + b**")
        terms = weighted_sum(subject.model, picture.image, neuron, _TERMS)
        found = linear_map(subject.model, picture.image, neuron)
        left, right = st.columns([2, 3]) if found is not None else (None, st.container())
        if left is not None and found is not None:
            with left:
                live_chart(
                    as_json(figures.looked_for(found.weights, picture.image)),
                    key="inside_looked_for",
                    alt="Its picture with the image's outline: ink on orange makes the sum larger, on blue smaller.",
                    height=300,
                )
                st.caption(_map_in_words(found, terms.total))
        with right:
            live_chart(
                as_json(figures.sum_waterfall(terms, "pixel" if neuron.layer == 0 else "neuron")),
                key="inside_waterfall",
                alt=f"Waterfall: the {len(terms.terms)} largest terms, all others, the bias, and the sum "
                f"{terms.total:.4g}.",
                height=340,
            )
        st.markdown(_sum_in_words(subject, passed, neuron, terms.total))
        text = code.adding_up(subject.model, neuron, _TERMS, picture.code(subject.model))
        show_code(text, key="inside_sum_code")


def _map_in_words(found: LinearMap, total: float) -> str:
    pictured = total - found.bias
    bias = f"{'+' if found.bias >= 0 else '−'} {in_words(abs(found.bias))}"
    return f"Picture × image: {in_words(pictured)} {bias} from the biases = {in_words(total)}, the same sum."


def _sum_in_words(subject: Subject, passed: ForwardPass, neuron: Neuron, total: float) -> str:
    if neuron.layer == len(subject.hidden):
        return f"The sum, {in_words(total)}, is the logit of {neuron.index}."
    layer = passed.hidden[neuron.layer]
    normalised = ""
    if layer.normalised is not None:
        normalised = f" Batch norm turns it into {in_words(float(layer.normalised[neuron.index]))}."
    given = float(layer.activations[neuron.index])
    after = f"{subject.activation} turns it into {in_words(given)} for the next layer."
    return f"The sum is {in_words(total)}.{normalised} {after}"


def _switch_off(subject: Subject, picture: Picture, passed: ForwardPass, neuron: Neuron) -> None:
    off, locked = _off(subject), lesson().locks("off")
    st.subheader("Switch neurons off", anchor=False)
    st.markdown(texts(_TEXTS)["off"])
    layer = min(neuron.layer, len(subject.hidden) - 1)
    values = _strengths(passed, layer)
    with st.container(horizontal=True, vertical_alignment="center"):
        if neuron.layer < len(subject.hidden):
            is_off = neuron in off
            st.button(
                f"Switch neuron {neuron.index} {'back on' if is_off else 'off'}",
                key="inside_toggle",
                icon=":material/power_settings_new:",
                disabled=locked,
                on_click=_set_off,
                args=(subject, off - {neuron} if is_off else off | {neuron}),
            )
        shown = {Neuron(layer, index) for index in strongest(values, _SHOWN).tolist()}
        st.button(
            f"Switch off the {len(shown)} strongest of hidden layer {layer + 1}",
            key="inside_off_strongest",
            disabled=locked,
            on_click=_set_off,
            args=(subject, off | shown),
        )
        half = {Neuron(layer, index) for index in range(0, len(values), 2)}
        st.button(
            f"Switch off every second neuron of hidden layer {layer + 1}",
            key="inside_off_half",
            disabled=locked,
            on_click=_set_off,
            args=(subject, off | half),
        )
        st.button(
            "Switch all on", key="inside_all_on", on_click=_set_off, args=(subject, set()), disabled=not off or locked
        )
    _show_without(subject, picture, off)


def _show_without(subject: Subject, picture: Picture, off: frozenset[Neuron]) -> None:
    everything = subject.test.correct
    quick = everything[::_EVERY]
    answer = int(logits_without(subject.model, picture.image.unsqueeze(0), off)[0].argmax())
    found = _without(subject.model.experiment, subject.model.network, off, _EVERY)
    with st.container(horizontal=True, gap="medium", key="inside_without"):
        st.metric("Switched off", f"{len(off):,} of {sum(subject.hidden):,}", width="content")
        st.metric("Its answer now", str(answer), width="content")
        st.metric(
            f"On {len(quick):,} test images",
            percent(found.accuracy, 2),
            width="content",
            help="Every fifth test image; the difference is to the whole model on the same images.",
            **(_difference(found, quick) if off else {}),
        )
        if st.session_state.get(_EXACT) == (subject.key, off):
            exact = _without(subject.model.experiment, subject.model.network, off, 1)
            st.metric(
                f"On all {len(everything):,}",
                percent(exact.accuracy, 2),
                width="content",
                **(_difference(exact, everything) if off else {}),
            )
        else:
            st.button(
                f"Measure on all {len(everything):,}",
                key="inside_count_all",
                icon=":material/fact_check:",
                on_click=_count_all,
                args=(subject, off),
            )
    show_code(code.switching_off(subject.model, off, _EVERY), key="inside_off_code")


def _difference(found: Evaluation, whole: npt.NDArray[np.bool_]) -> Change:
    return change(100 * (found.accuracy - float(whole.mean())), "+.2f", " points", good="up")


def _count_all(subject: Subject, off: frozenset[Neuron]) -> None:
    st.session_state[_EXACT] = subject.key, off


def _off(subject: Subject) -> frozenset[Neuron]:
    """The neurons of this model that are switched off."""
    off: frozenset[Neuron] = st.session_state[OFF].get(subject.key, frozenset())
    # An address may name more than there are.
    return frozenset(
        each for each in off if each.layer < len(subject.hidden) and each.index < subject.hidden[each.layer]
    )


def _set_off(subject: Subject, off: Iterable[Neuron]) -> None:
    st.session_state[OFF] = st.session_state[OFF] | {subject.key: frozenset(off)}


@lru_cache(maxsize=64)
def _without(experiment: Experiment, network: MLP, off: frozenset[Neuron], every: int) -> Evaluation:
    test: Images = datasets.load("mnist").test
    model = Classifier(experiment, network)
    return evaluation_without(model, test.images[::every], test.labels[::every], off)
