"""The form for an experiment. What it returns is exactly what its fields show."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mlpcore.experiment import (
    LIMITS,
    MAX_HIDDEN_LAYERS,
    TUTORIAL_PRESETS,
    Experiment,
    InvalidExperiment,
    experiment_from_fields,
)
from mlpcore.training import check_machine
from ui.field_inputs import as_shown, as_value, field_input, number, show_problem
from ui.fields import FIELDS
from ui.lessons import lesson

_LAYERS = "form_layers"

_GROUPS = {
    "Architecture": ["activation", "dropout", "batch_norm"],
    "Optimization": ["weight_decay", "early_stopping", "schedule", "accumulate", "augment"],
    "Data": ["dataset", "normalize", "train_size", "label_noise", "order", "validation"],
    "Seed and machine": ["seed", "device", "threads"],
}
_NO_VALIDATION = "As in the tutorial, there are no validation images, so the curves cannot show overfitting."
_HOW_TO_VALIDATE = "To see it, set 5000 validation images under Data."


def fill_form(experiment: Experiment) -> None:
    """Puts the values of `experiment` into the form; call it before the form is drawn, or in a callback."""
    for name, value in experiment.fields().items():
        if name == "hidden":
            st.session_state[_LAYERS] = list(range(len(value)))
            for layer, size in enumerate(value):
                st.session_state[_layer_key(layer)] = str(size)
        else:
            st.session_state[_key(name)] = as_shown(name, value)


def experiment_form(
    basics: DeltaGenerator, details: DeltaGenerator, initial: Experiment
) -> tuple[Experiment | None, dict[str, str]]:
    """Draws the form: what a beginner needs in one container, the rest in expanders in another.

    A new session starts with the values of `initial`.

    Returns the experiment that it shows, or None and a message for each invalid field.
    """
    if _LAYERS not in st.session_state:
        fill_form(initial)
    experiment, problems = _read_form()
    with basics:
        if not lesson().locks("presets"):
            _preset_buttons(experiment)
        if "hidden" not in lesson().hidden:
            with st.container():
                _layer_rows(problems)
        for pair in [("optimizer", "learning_rate"), ("batch_size", "epochs")]:
            for column, name in zip(st.columns(2), pair, strict=True):
                with column:
                    field_input(name, _key(name), problems)
        # Depends on this field alone, so that nothing below moves while another one is being typed.
        if as_value("validation", st.session_state[_key("validation")]) == 0:
            st.caption(_NO_VALIDATION if lesson().locks("validation") else f"{_NO_VALIDATION} {_HOW_TO_VALIDATE}")
    with details:
        for group, group_names in _GROUPS.items():
            names = [name for name in group_names if name not in lesson().hidden]
            if not names:
                continue
            wrong = any(name in problems for name in names)
            with st.expander(group, expanded=wrong, key=f"form_group_{group}"):
                for name in names:
                    field_input(name, _key(name), problems)
    return experiment, problems


def _key(name: str) -> str:
    return f"form_{name}"


def _layer_key(layer: int) -> str:
    return f"form_layer_{layer}"


def _read_form() -> tuple[Experiment | None, dict[str, str]]:
    """The experiment in the fields, or None and a message for each invalid field."""
    values = {name: as_value(name, st.session_state[_key(name)]) for name in FIELDS}
    values["hidden"] = [number("hidden", st.session_state[_layer_key(n)]) for n in st.session_state[_LAYERS]]
    try:
        experiment = experiment_from_fields(values)
        check_machine(experiment)
    except InvalidExperiment as invalid:
        return None, invalid.problems
    return experiment, {}


def _preset_buttons(experiment: Experiment | None) -> None:
    # Not a selection, which would have to follow the fields and reset them whenever it lags behind.
    st.markdown(
        "Start from the tutorial",
        help="Fills in the tutorial's values: Adam, learning rate 0.001, batch size 64, 5 epochs, all 60,000 images. A "
        "check mark shows that the form has these values now.",
    )
    with st.container(horizontal=True, gap="xsmall"):
        for name, preset in TUTORIAL_PRESETS.items():
            shown = experiment and experiment == preset.changed(
                seed=experiment.seed, device=experiment.device, threads=experiment.threads
            )
            st.button(
                preset.architecture.title.partition(" (")[0],
                key=f"form_preset_{name}",
                icon=":material/check:" if shown else ":material/restart_alt:",
                on_click=fill_form,
                args=(preset,),
            )


def _layer_rows(problems: dict[str, str]) -> None:
    layers: list[int] = st.session_state[_LAYERS]
    for position, layer in enumerate(layers, start=1):
        row, message = st.container(horizontal=True, vertical_alignment="bottom"), st.container()
        with row:
            st.text_input(
                f"Hidden layer {position}",
                key=_layer_key(layer),
                live=True,
                disabled=lesson().locks("hidden"),
                persist_state="session",
                help=f"Neurons in this layer, 1 to {LIMITS['hidden'].high:,}. Each one computes a weighted sum of all "
                "outputs of the layer before. More neurons can learn more patterns, and take more time.",
            )
            st.button(
                "Remove",
                key=f"form_remove_{layer}",
                icon=":material/remove:",
                disabled=lesson().locks("hidden"),
                help=f"Remove hidden layer {position}",
                on_click=_remove_layer,
                args=(layer,),
            )
        try:
            LIMITS["hidden"].check(number("hidden", st.session_state[_layer_key(layer)]))
        except ValueError as problem:
            with message:
                show_problem(str(problem))
            problems = {name: text for name, text in problems.items() if name != "hidden"}
    if not layers:
        st.caption(
            "Without hidden layers, this is a linear softmax classifier: each pixel counts for or against each class."
        )
    if "hidden" in problems:
        show_problem(problems["hidden"])
    st.button(
        "Add hidden layer",
        key="form_add_layer",
        icon=":material/add:",
        on_click=_add_layer,
        disabled=len(layers) >= MAX_HIDDEN_LAYERS or lesson().locks("hidden"),
        help=f"Up to {MAX_HIDDEN_LAYERS} hidden layers.",
    )


def _add_layer() -> None:
    layers: list[int] = st.session_state[_LAYERS]
    for new in set(range(MAX_HIDDEN_LAYERS)).difference(layers):
        st.session_state[_layer_key(new)] = "128"
        layers.append(new)
        return


def _remove_layer(layer: int) -> None:
    st.session_state[_LAYERS] = [other for other in st.session_state[_LAYERS] if other != layer]
