"""What to compare: up to six models side by side, what all of them share, and with how many seeds.

What differs between the models is set in each one's own fields, everything else once for all. The set-up is in the
page's address, so that a link brings it along.
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
"""Comparisons to begin with: a difference that is plain to see, then the tutorial's pair."""


@dataclass(frozen=True)
class Setup:
    """What the fields show: a plan and how the page's address says it, or the problems that are to be mended first."""

    plan: Plan | None
    problems: dict[str, str]
    address: dict[str, str | list[str]] = field(default_factory=dict)


def setup_from_address() -> str | None:
    """Fills the fields as the address of a link says, at a session's first visit else with the tutorial's two models.

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
            raise InvalidExperiment({"": "It names one model only, and a comparison takes two or more."})
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
    """What the page's address says of a plan: what differs for each model, all else once for all."""
    usual, each = _BASE.fields(), [experiment.fields() for experiment in plan.experiments]
    # The plan's seeds count on from one that all of the set-up's models share.
    shared = {**each[0], "seed": plan.seeds[0]}
    own = [name for name in _OWN if any(fields[name] != shared[name] for fields in each)]
    common = [name for name in FIELDS if name not in own and shared[name] != usual[name]]
    return _in_address(plan, [as_text(fields, ["hidden", *own]) for fields in each], as_text(shared, common))


def start_with(architectures: list[tuple[int, ...]]) -> None:
    """Puts models of these hidden layers into the fields, with the tutorial's settings and some validation images."""
    _fill(_BASE, [["hidden"]] * len(architectures), [_BASE.changed(hidden=hidden) for hidden in architectures])
    st.session_state[_SEEDS] = str(_SEED_COUNT)
    st.session_state[_IMPORTANT] = _points(IMPORTANT)


def start_over(architectures: list[tuple[int, ...]]) -> None:
    """Like `start_with`, but what a lesson has locked for all models stays as it is."""
    keys = {**{name: _all_key(name) for name in FIELDS}, "seeds": _SEEDS, "important": _IMPORTANT}
    kept = {key: st.session_state[key] for name, key in keys.items() if lesson().locks(name)}
    start_with(architectures)
    st.session_state.update(kept)


def comparison_setup() -> Setup:
    """Draws the fields, and returns what they show."""
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
            "How often each model is trained, each time from other random weights and with the images in another "
            f"order: {SEED_COUNT.allowed}. {SEED_COUNT.why} Decide before you look: whoever adds seeds until a "
            "difference appears, finds one sooner or later.",
        ),
        (
            "important",
            _IMPORTANT,
            "Important difference (points)",
            "The smallest difference in test accuracy that you would care about, in percentage points. It changes no "
            "result; you are told how many seeds it takes to find it.",
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
    """Where the settings are noted that were a model's own at the last look."""
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
    """The plan that the fields hold now, or what is wrong with which of them; a model's own fields by their keys."""
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
        # Seeds that count on from the first may go too far.
        assert plan.runs
        return Setup(plan, {}, _address(plan))
    except InvalidExperiment as invalid:
        return Setup(None, invalid.problems)


def _share(text: str) -> float:
    """The share that a number of percentage points stands for; ValueError with a sentence if it says no number."""
    try:
        return float(text) / 100
    except ValueError:
        raise ValueError(f"{text[:20]!r} is no number of points: give one such as 0.5.") from None


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
        help="Neurons of each hidden layer from input to output, separated by commas, such as 512,256. The word none "
        "makes a linear softmax classifier.",
    )
    if problem := problems.get(_hidden_key(slot)):
        show_problem(problem)
    else:
        hidden = value_of("hidden", state[_hidden_key(slot)].strip().lower() or "none")
        architecture = _BASE.changed(hidden=hidden).architecture
        st.caption(f"{architecture.title}: {parameter_count(architecture):,} parameters")
    st.multiselect(
        "What else is different",
        _OWN,
        key=_chosen_key(slot),
        format_func=lambda name: FIELDS[name].label,
        on_change=_begin_own,
        args=(slot,),
        placeholder="Nothing; choose settings",
        persist_state="session",
        help="Settings that only this model has. All others are the same for all models, see below.",
    )
    for name in state[_chosen_key(slot)]:
        own = problems.get(_own_key(slot, name))
        field_input(name, _own_key(slot, name), {name: own} if own else {})


def _begin_own(slot: int) -> None:
    """A setting that has just become a model's own starts with the value that all share."""
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
            help="Joins with its settings. It is not trained again if its seed is one of those of this comparison.",
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
    with st.expander(f"Settings that all models share: {_in_words()}", expanded=bool(wrong), key="compare_shared"):
        for names, column in zip(_GROUPS, st.columns(len(_GROUPS)), strict=True):
            with column:
                for name in names:
                    field_input(name, _all_key(name), problems)
                    if name == "seed":
                        st.caption("The first of the seeds; the others count on from it.")
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
        f"{shown['validation']} images for validation, {shown['train_size'] or 'all others'} to learn from",
    ]
    return plain(", ".join(parts))


def _address(plan: Plan) -> dict[str, str | list[str]]:
    """What the page's address says of the set-up, with each model's own fields as they were chosen."""
    state, usual = st.session_state, _BASE.fields()
    common = {name: as_value(name, state[_all_key(name)]) for name in FIELDS}
    models = [
        as_text(experiment.fields(), ["hidden", *state[_chosen_key(slot)]])
        for slot, experiment in zip(state[_SLOTS], plan.experiments, strict=True)
    ]
    return _in_address(plan, models, as_text(common, [name for name in FIELDS if common[name] != usual[name]]))


def _in_address(plan: Plan, models: list[str], common: str) -> dict[str, str | list[str]]:
    return {"model": models, "all": common, "seeds": str(len(plan.seeds)), "important": _points(plan.important)}
