"""The set-up of a comparison: up to six models side by side, their shared settings, and the number of seeds.

Settings that differ have fields of their own in each model, all others are set once for all models. The set-up is part
of the page's address, so a link restores it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st

from mlpcore import runs
from mlpcore.comparison.plan import IMPORTANT, MAX_EXPERIMENTS, MIN_EXPERIMENTS, SEED_COUNT, Plan, first_seeds
from mlpcore.experiment import Experiment, InvalidExperiment, experiment_from_fields
from mlpcore.links import as_given, as_text, fields_of, value_of
from mlpcore.network import parameter_count
from mlpcore.runs import Status
from mlpcore.training import check_machine
from ui.address import came_by_link, note_in_address, note_link
from ui.field_inputs import as_shown, as_value, field_input, number, plain, show_problem
from ui.fields import FIELDS
from ui.lessons import lesson
from ui.session import title_of, visible_runs

_SLOTS, _SEEDS, _IMPORTANT, _RUN = "compare_slots", "compare_seeds", "compare_important", "compare_run"
_PER_ROW = 3
_SEED_COUNT = 5
_BASE = Experiment()
# The dataset must be the same for all, and a seed is not a setting of one model.
_OWN = [name for name in FIELDS if name not in ("dataset", "seed", "device", "threads")]
_GROUPS = [
    ["optimizer", "learning_rate", "batch_size", "epochs", "schedule", "early_stopping", "weight_decay"],
    ["activation", "dropout", "batch_norm", "accumulate", "augment"],
    ["dataset", "train_size", "validation", "label_noise", "order", "normalize"],
    ["seed", "device", "threads"],
]
SETUPS: dict[str, list[tuple[int, ...]]] = {
    "1. Does a hidden layer help?": [(), (256,)],
    "2. One hidden layer or two?": [(256,), (512, 256)],
}
"""Comparisons to start with: first a clear difference, then the tutorial's pair."""


@dataclass(frozen=True)
class Setup:
    """What the fields hold: a plan and the page's address for it, or the problems to fix first."""

    plan: Plan | None
    problems: dict[str, str]
    address: dict[str, str | list[str]] = field(default_factory=dict)


def setup_from_address() -> str | None:
    """Fills the fields from the address of a link; without one, a new session starts with the tutorial's two models.

    Returns what is wrong with the address, if anything is.
    """
    if _SLOTS in st.session_state and not (came_by_link() and "model" in st.query_params):
        return None
    note_link()
    given = st.query_params
    problem = None
    try:
        if "model" not in given and any(name in given for name in ("all", "seeds", "important")):
            raise InvalidExperiment({"": "It names no models."})
        common = _BASE.changed(**fields_of(given.get("all", "")))
        own = [fields_of(text) for text in given.get_all("model")[: MAX_EXPERIMENTS + 1]]
        if len(own) == 1:
            raise InvalidExperiment({"": "It names only one model, and a comparison needs two or more."})
        if own:
            _fill(common, [list(fields) for fields in own], [common.changed(**fields) for fields in own])
            st.session_state[_SEEDS] = given.get("seeds", str(_SEED_COUNT))[:20]
            st.session_state[_IMPORTANT] = given.get("important", _points(IMPORTANT))[:20]
            return None
    except InvalidExperiment as invalid:
        problem = " ".join(invalid.problems.values())
    start_with(SETUPS["2. One hidden layer or two?"])
    return problem


def address_of(plan: Plan) -> dict[str, str | list[str]]:
    """The page's address for a plan: what differs for each model, and everything else once."""
    usual, each = _BASE.fields(), [experiment.fields() for experiment in plan.experiments]
    # The plan's seeds count up from the one that all models of the set-up share.
    shared = {**each[0], "seed": plan.seeds[0]}
    own = [name for name in _OWN if any(fields[name] != shared[name] for fields in each)]
    common = [name for name in FIELDS if name not in own and shared[name] != usual[name]]
    return _in_address(plan, [as_text(fields, ["hidden", *own]) for fields in each], as_text(shared, common))


def start_with(architectures: list[tuple[int, ...]]) -> None:
    """Fills the fields with models of these hidden layers, the tutorial's settings and some validation images."""
    _fill(_BASE, [["hidden"]] * len(architectures), [_BASE.changed(hidden=hidden) for hidden in architectures])
    st.session_state[_SEEDS] = str(_SEED_COUNT)
    st.session_state[_IMPORTANT] = _points(IMPORTANT)


def start_over(architectures: list[tuple[int, ...]]) -> None:
    """Like `start_with`, but keeps what a lesson has locked for all models."""
    keys = {**{name: _all_key(name) for name in FIELDS}, "seeds": _SEEDS, "important": _IMPORTANT}
    kept = {key: st.session_state[key] for name, key in keys.items() if lesson().locks(name)}
    start_with(architectures)
    st.session_state.update(kept)


def comparison_setup() -> Setup:
    """Shows the fields and returns what they hold."""
    setup = _read()
    slots: list[int] = st.session_state[_SLOTS]
    for first in range(0, len(slots), _PER_ROW):
        row = slots[first : first + _PER_ROW]
        for place, column in enumerate(st.columns(max(2, len(row)))[: len(row)], start=first + 1):
            with column, st.container(border=True):
                _model(place, row[place - first - 1], setup.problems)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "Add a model",
            key="compare_add",
            icon=":material/add:",
            on_click=_add,
            disabled=len(slots) >= MAX_EXPERIMENTS or lesson().locks("hidden"),
            help=f"Up to {MAX_EXPERIMENTS} models side by side.",
        )
        _add_a_run(len(slots))
    _shared(setup.problems)
    note_in_address(setup.address)
    return setup


def seeds_fields(problems: dict[str, str]) -> None:
    """The number of seeds and what counts as an important difference."""
    for name, key, label, explanation in [
        (
            "seeds",
            _SEEDS,
            "Seeds",
            "How many times each model is trained, each time with other initial weights and the images in another "
            f"order: {SEED_COUNT.allowed}. {SEED_COUNT.why} Decide before you see any result: if you add seeds until "
            "a difference appears, you will find one sooner or later.",
        ),
        (
            "important",
            _IMPORTANT,
            "Important difference (points)",
            "The smallest difference in test accuracy that matters to you, in percentage points. It does not change "
            "any result; the conclusion says how many seeds it takes to find such a difference.",
        ),
    ]:
        if name in lesson().hidden:
            continue
        with st.container(width=220):
            locked = lesson().locks(name)
            st.text_input(label, key=key, help=explanation, live=True, disabled=locked, persist_state="session")
            if name in problems:
                show_problem(problems[name])


def _points(share: float) -> str:
    return f"{100 * share:g}"


def _all_key(name: str) -> str:
    return f"compare_all_{name}"


def _own_key(slot: int, name: str) -> str:
    return f"compare_{slot}_{name}"


def _hidden_key(slot: int) -> str:
    return f"compare_hidden_{slot}"


def _chosen_key(slot: int) -> str:
    return f"compare_own_{slot}"


def _known_key(slot: int) -> str:
    """The key of the settings that were a model's own in the last run of the page."""
    return f"compare_known_{slot}"


def _fill(common: Experiment, own: list[list[str]], models: list[Experiment]) -> None:
    for name, value in common.fields().items():
        if name != "hidden":
            st.session_state[_all_key(name)] = as_shown(name, value)
    st.session_state[_SLOTS] = list(range(len(models)))
    for slot, (model, names) in enumerate(zip(models, own, strict=True)):
        _fill_slot(slot, model, [name for name in names if name in _OWN])


def _fill_slot(slot: int, model: Experiment, own: list[str]) -> None:
    fields = model.fields()
    st.session_state[_hidden_key(slot)] = as_given(fields["hidden"])
    st.session_state[_chosen_key(slot)] = own
    st.session_state[_known_key(slot)] = list(own)
    for name in own:
        st.session_state[_own_key(slot, name)] = as_shown(name, fields[name])


def _read() -> Setup:
    """The plan that the fields hold, or the problems by field; a model's own fields are named by their keys."""
    state = st.session_state
    common = {name: as_value(name, state[_all_key(name)]) for name in FIELDS}
    problems: dict[str, str] = {}
    experiments = []
    for slot in state[_SLOTS]:
        own = {name: as_value(name, state[_own_key(slot, name)]) for name in state[_chosen_key(slot)]}
        hidden = value_of("hidden", state[_hidden_key(slot)].strip().lower() or "none")
        try:
            experiment = experiment_from_fields({**common, **own, "hidden": hidden})
            check_machine(experiment)
            experiments.append(experiment)
        except InvalidExperiment as invalid:
            for name, sentence in invalid.problems.items():
                if name == "hidden":
                    problems[_hidden_key(slot)] = sentence
                else:
                    problems[_own_key(slot, name) if name in own else name] = sentence
    checks: dict[str, Callable[[], object]] = {
        "seeds": lambda: SEED_COUNT.check(number("seed", state[_SEEDS])),
        "important": lambda: _share(state[_IMPORTANT]),
    }
    for name, check in checks.items():
        try:
            check()
        except ValueError as problem:
            problems[name] = str(problem)
    if problems:
        return Setup(None, problems)
    try:
        seeds = first_seeds(number("seed", state[_SEEDS]), experiments[0].seed)
        plan = Plan(tuple(experiments), seeds, _share(state[_IMPORTANT]))
        # Raises if a seed, counted up from the first, is too large.
        assert plan.runs
        return Setup(plan, {}, _address(plan))
    except InvalidExperiment as invalid:
        return Setup(None, invalid.problems)


def _share(text: str) -> float:
    """The fraction for a number of percentage points; ValueError with a sentence if `text` is no number."""
    try:
        return float(text) / 100
    except ValueError:
        raise ValueError(f"{text[:20]!r} is not a number of points: enter one such as 0.5.") from None


def _model(place: int, slot: int, problems: dict[str, str]) -> None:
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Model {place}**", width="stretch")
        st.button(
            "Remove",
            key=f"compare_remove_{slot}",
            type="tertiary",
            icon=":material/close:",
            help=f"Remove model {place}",
            on_click=_remove,
            args=(slot,),
            disabled=len(state[_SLOTS]) <= MIN_EXPERIMENTS,
        )
    if "hidden" in lesson().hidden:
        return
    st.text_input(
        "Hidden layers",
        key=_hidden_key(slot),
        live=True,
        disabled=lesson().locks("hidden"),
        persist_state="session",
        placeholder="none",
        help="Number of neurons in each hidden layer from input to output, separated by commas, such as 512,256. Enter "
        "none for a linear softmax classifier.",
    )
    if problem := problems.get(_hidden_key(slot)):
        show_problem(problem)
    else:
        hidden = value_of("hidden", state[_hidden_key(slot)].strip().lower() or "none")
        architecture = _BASE.changed(hidden=hidden).architecture
        st.caption(f"{architecture.title}: {parameter_count(architecture):,} parameters")
    st.multiselect(
        "Other settings that differ",
        _OWN,
        key=_chosen_key(slot),
        format_func=lambda name: FIELDS[name].label,
        on_change=_begin_own,
        args=(slot,),
        placeholder="None; choose settings",
        persist_state="session",
        help="Settings that only this model has. All others are the same for all models and set below.",
    )
    for name in state[_chosen_key(slot)]:
        own = problems.get(_own_key(slot, name))
        field_input(name, _own_key(slot, name), {name: own} if own else {})


def _begin_own(slot: int) -> None:
    """Starts a setting that has just become a model's own with the shared value."""
    for name in st.session_state[_chosen_key(slot)]:
        if name not in st.session_state.get(_known_key(slot), []):
            st.session_state[_own_key(slot, name)] = st.session_state[_all_key(name)]
    st.session_state[_known_key(slot)] = list(st.session_state[_chosen_key(slot)])


def _add() -> None:
    slots: list[int] = st.session_state[_SLOTS]
    new = next(slot for slot in range(MAX_EXPERIMENTS) if slot not in slots)
    st.session_state[_hidden_key(new)] = "128"
    st.session_state[_chosen_key(new)] = []
    st.session_state[_known_key(new)] = []
    st.session_state[_SLOTS] = [*slots, new]


def _remove(slot: int) -> None:
    st.session_state[_SLOTS] = [other for other in st.session_state[_SLOTS] if other != slot]


def _add_a_run(models: int) -> None:
    dataset = st.session_state[_all_key("dataset")]
    finished = {
        run.id: run
        for run in visible_runs()
        if run.status is Status.FINISHED and run.experiment.data.dataset == dataset
    }
    if not finished or lesson().locks("hidden"):
        return
    with st.popover("Add a finished run", icon=":material/model_training:", disabled=models >= MAX_EXPERIMENTS):
        st.selectbox(
            "Run",
            list(finished),
            key=_RUN,
            format_func=lambda run_id: title_of(finished[run_id]),
            help="Adds a model with the settings of this run. The run is not trained again if its seed is part of the "
            "comparison.",
        )
        st.button("Add", key="compare_add_run", icon=":material/add:", on_click=_add_chosen_run)


def _add_chosen_run() -> None:
    run = runs.queue.get(st.session_state[_RUN])
    if run is None or len(st.session_state[_SLOTS]) >= MAX_EXPERIMENTS:
        return
    _add()
    common = {name: as_value(name, st.session_state[_all_key(name)]) for name in _OWN}
    fields = run.experiment.fields()
    own = [name for name in _OWN if fields[name] != common[name]]
    _fill_slot(st.session_state[_SLOTS][-1], run.experiment, own)


def _shared(problems: dict[str, str]) -> None:
    wrong = [name for name in FIELDS if name in problems]
    with st.expander(f"Shared settings: {_in_words()}", expanded=bool(wrong), key="compare_shared"):
        for names, column in zip(_GROUPS, st.columns(len(_GROUPS)), strict=True):
            with column:
                for name in names:
                    field_input(name, _all_key(name), problems)
                    if name == "seed":
                        st.caption("The first seed; the others count up from it.")
    if "experiments" in problems:
        show_problem(problems["experiments"])


def _in_words() -> str:
    shown = {name: st.session_state[_all_key(name)] for name in FIELDS}
    optimizer = (FIELDS["optimizer"].choices or {})[shown["optimizer"]]
    parts = [
        optimizer,
        f"learning rate {shown['learning_rate']}",
        f"batch size {shown['batch_size']}",
        "1 epoch" if shown["epochs"] == "1" else f"{shown['epochs']} epochs",
        f"{shown['validation']} validation images, {shown['train_size'] or 'all other'} training images",
    ]
    return plain(", ".join(parts))


def _address(plan: Plan) -> dict[str, str | list[str]]:
    """The page's address for the set-up, with the fields that were chosen for each model."""
    state, usual = st.session_state, _BASE.fields()
    common = {name: as_value(name, state[_all_key(name)]) for name in FIELDS}
    models = [
        as_text(experiment.fields(), ["hidden", *state[_chosen_key(slot)]])
        for slot, experiment in zip(state[_SLOTS], plan.experiments, strict=True)
    ]
    return _in_address(plan, models, as_text(common, [name for name in FIELDS if common[name] != usual[name]]))


def _in_address(plan: Plan, models: list[str], common: str) -> dict[str, str | list[str]]:
    return {"model": models, "all": common, "seeds": str(len(plan.seeds)), "important": _points(plan.important)}
