"""The form in which a person puts an experiment together. What it returns is exactly what its fields show."""

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
_NO_VALIDATION = (
    "No images are set aside for validation, as in the tutorial: nothing can warn of overfitting while it trains. "
    "Under Data, set 5000 validation images to see such curves."
)


def fill_form(experiment: Experiment) -> None:
    """Puts the values of `experiment` into the form; to be called before the form is drawn, or in a callback."""
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
    """Draws the form: what a beginner needs into one container, the rest, folded away, into another.

    A new session starts with the values of `initial`.

    Returns the experiment that it shows, or None with the problems by field if there are any.
    """
    if _LAYERS not in st.session_state:
        fill_form(initial)
    experiment, problems = _read_form()
    with basics:
        if not lesson().locks("presets"):
            _preset_buttons(experiment)
        # By its field alone, so that nothing below moves while another one is half typed.
        if as_value("validation", st.session_state[_key("validation")]) == 0 and not lesson().locks("validation"):
            st.caption(_NO_VALIDATION)
        if "hidden" not in lesson().hidden:
            with st.container():
                _layer_rows(problems)
        for pair in [("optimizer", "learning_rate"), ("batch_size", "epochs")]:
            for column, name in zip(st.columns(2), pair, strict=True):
                with column:
                    field_input(name, _key(name), problems)
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
    """The experiment that the fields hold now, or what is wrong with which of them."""
    values = {name: as_value(name, st.session_state[_key(name)]) for name in FIELDS}
    values["hidden"] = [number("hidden", st.session_state[_layer_key(n)]) for n in st.session_state[_LAYERS]]
    try:
        experiment = experiment_from_fields(values)
        check_machine(experiment)
    except InvalidExperiment as invalid:
        return None, invalid.problems
    return experiment, {}


def _preset_buttons(experiment: Experiment | None) -> None:
    # Buttons and no selection: a selection that follows the fields would, while it lags behind them, reset them.
    st.markdown(
        "Start from the tutorial",
        help="Fills in all of the tutorial's values: Adam, learning rate 0.001, batches of 64, 5 epochs, all 60,000 "
        "images. A tick marks the one that the form shows now.",
    )
    with st.container(horizontal=True):
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
                help=f"Neurons in this layer, 1 to {LIMITS['hidden'].high:,}. Each weighs all outputs of the layer "
                "before, so more neurons can pick up more patterns, and cost more time.",
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
        st.caption("No hidden layer: a linear softmax classifier, which can only weigh single pixels.")
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
