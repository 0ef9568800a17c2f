"""Which models answer: one's own, shared runs, models that were imported, and those bundled with MLP Lab."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property, partial

import streamlit as st

from mlpcore import figures
from mlpcore.models import BUNDLED, InvalidModel, Score, TrainedModel, load
from mlpcore.runs import Run
from ui.imports import imported_ids, imported_title, read_imported
from ui.lessons import lesson
from ui.session import called, my_models, owner, title_of, visible_runs
from ui.words import plain

MOST = 4
"""Models that can answer at the same time."""

PICKED = "models_picked"
"""Key of the session's state for the keys of the models that answer."""

_MOST_RUNS = 50
_USUAL, _NEXT = "models_usual", "models_next"


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
        """The model itself, which may have to be read from disk."""
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
    """Every model that reads digits, by its key: one's own, the newest first, and the bundled ones last."""
    mine, shared = _readable_runs()
    choices = [
        *_tuned_copies(),
        *(_of_run(run) for run in mine[:_MOST_RUNS]),
        *_imported(),
        *(_of_run(run) for run in shared[:_MOST_RUNS]),
    ]
    choices += [
        _of_model(
            name,
            model,
            f"Bundled: {model.title}",
            f"{model.title.partition(' (')[0]} (bundled)",
            figures.BUNDLED_COLORS[name],
        )
        for name, model in _bundled().items()
    ]
    return {choice.key: choice for choice in choices}


def _readable_runs() -> tuple[list[Run], list[Run]]:
    """Runs with a model that reads digits, the newest first: one's own, and those of others."""
    readable = [run for run in visible_runs() if run.outcome and run.experiment.data.dataset == "mnist"]
    me = owner()
    return [run for run in readable if run.owner == me], [run for run in readable if run.owner != me]


def _of_run(run: Run) -> Choice:
    return Choice(run.id, title_of(run), called(run), figures.run_color(run.number), partial(_read_run, run))


def _read_run(run: Run) -> TrainedModel:
    model, result = run.model, run.result
    if not (model and result):
        raise InvalidModel(run.unsaved or f"The model of {title_of(run)} cannot be read.")
    return TrainedModel(title_of(run), run.experiment, model, Score.of(result.test))


def _tuned_copies() -> list[Choice]:
    copies = [
        _of_model(key, model, model.title, model.title.partition(" of ")[0], _tuned_color(number))
        for number, (key, model) in enumerate(my_models().items())
    ]
    return copies[::-1]


def _imported() -> list[Choice]:
    oldest_first = [
        Choice(
            model_id,
            f"Import {number}: {imported_title(name, model_id)}",
            f"Import {number}",
            _tuned_color(number),
            partial(read_imported, name, model_id),
        )
        for number, (name, model_id) in enumerate(reversed(imported_ids()), start=1)
    ]
    return oldest_first[::-1]


def _of_model(key: str, model: TrainedModel, title: str, short_title: str, color: str) -> Choice:
    return Choice(key, title, short_title, color, lambda: model)


def _tuned_color(number: int) -> str:
    return figures.TUNED_COLORS[number % len(figures.TUNED_COLORS)]


def usual_models() -> list[str]:
    """The keys of the models that answer until others are chosen: one's newest run, and the bundled ones."""
    mine, _ = _readable_runs()
    # A run that was started to watch it learn may have been stopped at any stage; and a lesson is the same for all.
    newest = [run.id for run in mine if run.watch is None and not lesson().locks("models")][:1]
    return [*newest, *_bundled()]


def model_picker() -> list[Choice]:
    """Shows the choice of up to four models; returns them in the order in which they were chosen."""
    choices, locked = all_choices(), lesson().locks("models")
    st.session_state[PICKED] = _picked(choices, locked=locked)
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
            help="Three models are bundled with MLP Lab. Your runs appear here when they have finished.",
        )
    chosen = [choices[key] for key in st.session_state[PICKED] if can_be_asked(choices[key])]
    return [_nameless(choice, place) for place, choice in enumerate(chosen)] if nameless else chosen


def draw_with(key: str) -> None:
    """Lets the Draw page's next run ask this model first; it replaces the last one where there are four already."""
    st.session_state[_NEXT] = key


def _picked(choices: Collection[str], *, locked: bool) -> list[str]:
    """The keys of the models that answer in this run of the page."""
    picked: list[str] = st.session_state[PICKED]
    usual, newcomer = usual_models(), st.session_state.pop(_NEXT, None)
    if not locked:
        # A run that has finished since joins, unless other models have been chosen.
        if picked == st.session_state.get(_USUAL):
            picked = usual
        if newcomer:
            picked = [newcomer, *(key for key in picked if key != newcomer)][:MOST]
    st.session_state[_USUAL] = usual
    return [key for key in picked if key in choices]


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
        st.error(f"{plain(choice.title)} was not trained on digits.", icon=":material/error:")
    return dataset == "mnist"
