"""Which models answer: those that come with MLP Lab, one's own runs as they finish, and copies tuned on My digits."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import streamlit as st

from mlpcore import figures
from mlpcore.models import BUNDLED, InvalidModel, Score, TrainedModel, load
from mlpcore.runs import Run
from ui.field_inputs import plain
from ui.imports import imported_ids, imported_title, read_imported
from ui.lessons import lesson
from ui.session import called, my_models, title_of, visible_runs

MOST = 4
"""Models that can answer at the same time."""

PICKED = "models_picked"
"""Key of the session's state for the keys of the models that answer."""

_MOST_RUNS = 50
_NEXT = "models_next"


@dataclass(frozen=True, eq=False)
class Choice:
    """A model that can be asked, what it is called, also in narrow places, and its colour in every figure."""

    key: str
    title: str
    short_title: str
    color: str
    load: Callable[[], TrainedModel]

    @cached_property
    def model(self) -> TrainedModel:
        """The model itself, which may have to be read from the disk."""
        return self.load()


@st.cache_resource(show_spinner=False)
def _bundled() -> dict[str, TrainedModel]:
    models = {}
    for name in ("drawing", "two-hidden", "one-hidden"):
        try:
            models[name] = load(BUNDLED[name])
        except InvalidModel as problem:
            st.error(str(problem), icon=":material/error:")
    return models


def all_choices() -> dict[str, Choice]:
    """Every model that reads digits, by its key; of one's own and shared runs, the newest."""
    choices = [_of_model(name, model, figures.BUNDLED_COLORS[name]) for name, model in _bundled().items()]
    choices += [
        _of_model(key, model, figures.TUNED_COLORS[number % len(figures.TUNED_COLORS)])
        for number, (key, model) in enumerate(my_models().items())
    ]
    choices += [
        Choice(
            model_id,
            f"{imported_title(name, model_id)} (brought in, {number})",
            f"Brought in {number}",
            figures.TUNED_COLORS[number % len(figures.TUNED_COLORS)],
            partial(read_imported, name, model_id),
        )
        for number, (name, model_id) in enumerate(reversed(imported_ids()), start=1)
    ]
    readable = [run for run in visible_runs() if run.outcome and run.experiment.data.dataset == "mnist"]
    choices += [
        Choice(run.id, title_of(run), called(run), figures.run_color(run.number), partial(_of_run, run))
        for run in readable[:_MOST_RUNS]
    ]
    return {choice.key: choice for choice in choices}


def _of_model(key: str, model: TrainedModel, color: str) -> Choice:
    return Choice(key, model.title, model.title.partition(" (")[0], color, lambda: model)


@st.cache_resource(show_spinner=False, max_entries=50, hash_funcs={Run: lambda run: run.id})
def _of_run(run: Run) -> TrainedModel:
    model, result = run.model, run.result
    if not (model and result):
        raise InvalidModel(run.unsaved or f"The model of {title_of(run)} cannot be read.")
    return TrainedModel(run.title, run.experiment, model, Score.of(result.test))


def model_picker() -> list[Choice]:
    """Lets one choose up to four models; returns them in the order in which they were chosen."""
    choices, locked = all_choices(), lesson().locks("models")
    newcomer = st.session_state.pop(_NEXT, None)
    picked = [key for key in st.session_state[PICKED] if key in choices]
    if newcomer and not locked:
        picked = [*[key for key in picked if key != newcomer][: MOST - 1], newcomer]
    st.session_state[PICKED] = picked
    nameless = lesson().locks("names")
    if not nameless and "models" not in lesson().hidden:
        st.multiselect(
            "Models that answer",
            list(choices),
            key=PICKED,
            format_func=lambda key: choices[key].title,
            max_selections=MOST,
            disabled=locked,
            placeholder="Choose up to four models",
            persist_state="session",
            help="Three come with MLP Lab. Runs join the list when they have finished.",
        )
    chosen = [choices[key] for key in st.session_state[PICKED] if can_be_asked(choices[key])]
    return [_nameless(choice, place) for place, choice in enumerate(chosen)] if nameless else chosen


def usual_models() -> list[str]:
    """The keys of the models that answer until others are chosen."""
    return list(_bundled())


def _nameless(choice: Choice, place: int) -> Choice:
    """The same model without what tells it from others: its name, and the colour that it has everywhere."""
    title = f"Model {place + 1}"
    return Choice(choice.key, title, title, figures.run_color(place + 1), lambda: replace(choice.model, title=title))


def can_be_asked(choice: Choice) -> bool:
    """Whether the model can be read and reads digits; says why where it cannot."""
    try:
        dataset = choice.model.experiment.data.dataset
    except InvalidModel as invalid:
        st.error(plain(str(invalid)), icon=":material/error:")
        return False
    if dataset != "mnist":
        st.error(f"{plain(choice.title)} has not learned digits.", icon=":material/error:")
    return dataset == "mnist"


def pick_next(key: str) -> None:
    """Lets the next run of the page choose this model, too, in place of the last one where there are four already."""
    st.session_state[_NEXT] = key
