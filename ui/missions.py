"""The way through the subject in five missions: predict, do it in the live page, and read what came out."""

import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import streamlit as st
from pydantic import BaseModel, ConfigDict

from mlpcore import datasets, runs
from mlpcore.claims import Finding
from mlpcore.comparison.job import Job
from mlpcore.comparison.plan import Plan
from mlpcore.comparison.results import compare
from mlpcore.comparison.verdict import architectures_sentence, models_sentence, short_sentence
from mlpcore.evaluation import evaluate
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment
from mlpcore.inspection.workbench import untrained
from mlpcore.runs import Run, Status
from mlpcore.sampling import epoch_order, split
from ui.claims import PREDICTION, Asked
from ui.comparison_list import link_to, my_jobs
from ui.cookies import set_cookie
from ui.field_inputs import plain, show_problem
from ui.navigation import MISSION, begin_mission
from ui.run_list import open_run
from ui.session import mark_of, owner
from ui.words import percent

_COOKIE = "mlplab_missions_"
"""What its name begins with: everybody who signs in at a browser has one."""

_STATE, _OLD = "missions", "missions_old"
_SEEDS = 5
_IN_A_ROW = 10
"""Steps over which a loss is averaged, since single ones jump."""
_ONE, _TWO = TUTORIAL_PRESETS["one-hidden"], TUTORIAL_PRESETS["two-hidden"]


@dataclass(frozen=True)
class Outcome:
    """What came out.

    Attributes:
        answer: the one that it bears out; None if it bears out none.
        values: what the text tells of it.
        evidence: the run or the comparison in which it came out, if there is one.
    """

    answer: int | None
    values: dict[str, str]
    evidence: Run | Job | None = None


class Texts(BaseModel):
    """What texts/missions.toml says about a mission.

    Attributes:
        covers: the tutorial's chapters that one comes through.
        ask: what number the reader is asked for afterwards; empty where the app knows itself.
        between, whole: what that number can be.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    minutes: int
    covers: tuple[str, ...]
    why: str
    question: str
    answers: tuple[str, ...]
    do: str
    told: str
    ask: str = ""
    between: tuple[float, float] = (0, 0)
    whole: bool = False


@dataclass(frozen=True)
class Mission:
    """One of the five.

    Attributes:
        page, address: where it is done, and the address's parameters there.
        outcome: finds out what came out, given the number that the reader was asked for; None if nothing has yet.
    """

    name: str
    texts: Texts
    page: str
    address: dict[str, str | list[str]]
    outcome: Callable[[float | None], Outcome | None]


def show_missions() -> None:
    """All missions, each with what the reader has predicted and found."""
    state = _state()
    outcomes = {
        mission.name: mission.outcome(state.numbers.get(mission.name)) if mission.name in state.predictions else None
        for mission in missions()
    }
    # What was found before this visit is folded away; what is news stays open.
    old: set[str] = st.session_state.setdefault(_OLD, {name for name, outcome in outcomes.items() if outcome})
    for number, mission in enumerate(missions(), start=1):
        outcome, begun = outcomes[mission.name], mission.name in state.predictions
        with st.expander(
            f"**{number}. {mission.texts.title}** · {mission.texts.minutes} minutes",
            icon=f":material/{'check_circle' if outcome else 'pending' if begun else 'radio_button_unchecked'}:",
            expanded=begun and mission.name not in old,
            key=f"mission_{mission.name}",
        ):
            _show(mission, state, outcome)
    if str(state) != _cookie():
        set_cookie(_cookie_name(), str(state))


def missions() -> list[Mission]:
    """All missions in their order."""
    file = Path(__file__).parent / "texts" / "missions.toml"
    texts = {name: Texts.model_validate(of) for name, of in tomllib.loads(file.read_text("utf-8")).items()}
    return [
        Mission("data", texts["data"], "pages/data.py", {"view": "loader"}, _kinds_in_a_batch),
        Mission(
            "forward",
            texts["forward"],
            "pages/inside.py",
            {"view": "forward", "model": "untrained-two-hidden"},
            _loss_of_a_fresh_network,
        ),
        Mission("train", texts["train"], "pages/train.py", {}, _what_a_run_learned),
        Mission(
            "compare", texts["compare"], "pages/compare.py", {"model": ["hidden:256", "hidden:512,256"]}, _what_follows
        ),
        Mission(
            "overfitting", texts["overfitting"], "pages/compare.py", {"claim": "overfitting"}, _what_it_did_with_noise
        ),
    ]


@dataclass
class _State:
    """What the reader has answered: predictions by their places, and numbers that they read."""

    predictions: dict[str, int]
    numbers: dict[str, float]

    def __str__(self) -> str:
        """As it stands in the cookie: name, prediction and number of each mission, with dots and hyphens."""
        return ".".join(
            f"{name}-{prediction}" + (f"-{self.numbers[name]:.4f}".replace(".", "_") if name in self.numbers else "")
            for name, prediction in self.predictions.items()
        )


def _state() -> _State:
    if _STATE not in st.session_state:
        state = _State({}, {})
        known = {mission.name: mission for mission in missions()}
        for name, prediction, _, number in re.findall(r"([a-z]+)-(\d)(-(\d{1,6}_\d{4}))?", _cookie()):
            if name in known and int(prediction) < len(known[name].texts.answers):
                state.predictions[name] = int(prediction)
                if number:
                    state.numbers[name] = float(number.replace("_", "."))
        st.session_state[_STATE] = state
    current: _State = st.session_state[_STATE]
    return current


def _cookie() -> str:
    cookie = st.context.cookies.get(_cookie_name())
    return cookie if isinstance(cookie, str) else ""


def _cookie_name() -> str:
    return _COOKIE + mark_of(owner())


def _show(mission: Mission, state: _State, outcome: Outcome | None) -> None:
    st.markdown(mission.texts.why)
    prediction = state.predictions.get(mission.name)
    if prediction is None:
        answer = st.radio(
            mission.texts.question,
            range(len(mission.texts.answers)),
            index=None,
            key=f"predict_{mission.name}",
            format_func=mission.texts.answers.__getitem__,
        )
        if answer is None:
            st.caption("Predict first; then you are told where to try it.")
        else:
            state.predictions[mission.name] = answer
            st.rerun()
        return
    st.markdown(f"{mission.texts.question} You predicted: **{mission.texts.answers[prediction]}**")
    st.markdown(mission.texts.do)
    title = mission.page.removeprefix("pages/").removesuffix(".py").capitalize()
    address = {**mission.address, MISSION: mission.name}
    if mission.name == "overfitting":
        # Its page asks the same question, and once is enough.
        address[PREDICTION] = str(prediction)
    st.page_link(mission.page, label=f"Go to {title}", icon=":material/arrow_forward:", query_params=address)
    if mission.texts.ask and outcome is None:
        _ask(mission, state)
    elif outcome is None:
        st.caption("What came out for you appears here when you come back.")
    else:
        _tell(mission, prediction, outcome)
    st.button(
        "Start this mission again",
        key=f"again_{mission.name}",
        type="tertiary",
        icon=":material/restart_alt:",
        on_click=_start_again,
        args=(mission.name,),
    )


def _start_again(name: str) -> None:
    state = _state()
    state.predictions.pop(name, None)
    state.numbers.pop(name, None)
    st.session_state.pop(f"predict_{name}", None)


def _ask(mission: Mission, state: _State) -> None:
    text = st.text_input(mission.texts.ask, key=f"read_{mission.name}", width=320, persist_state="session").strip()
    if not text:
        return
    low, high = mission.texts.between
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not low <= number <= high or (mission.texts.whole and not number.is_integer()):
        kind = "a whole number" if mission.texts.whole else "a number"
        show_problem(f"{text[:20]!r} is not possible here: it is {kind} from {low:g} to {high:g}.")
        return
    state.numbers[mission.name] = number
    st.rerun()


def _tell(mission: Mission, prediction: int, outcome: Outcome) -> None:
    predicted = mission.texts.answers[prediction]
    if outcome.answer == prediction:
        st.success(f"As you predicted: {predicted}.", icon=":material/check:")
    elif outcome.answer is None:
        st.info(f"You predicted “{predicted}”; none of the answers came out.", icon=":material/help:")
    else:
        came_out = mission.texts.answers[outcome.answer]
        st.info(f"You predicted “{predicted}”. It came out otherwise: {came_out}.", icon=":material/lightbulb:")
    st.markdown(mission.texts.told.format_map(outcome.values))
    match outcome.evidence:
        case Run() as run:
            if st.button("See the run", key=f"see_{mission.name}", icon=":material/monitoring:", type="tertiary"):
                begin_mission(mission.name)
                open_run(run)
        case Job() as job:
            st.page_link(
                "pages/compare.py",
                label="See the result",
                icon=":material/compare_arrows:",
                query_params={**link_to(job), MISSION: mission.name},
            )


def _kinds_in_a_batch(number: float | None) -> Outcome | None:
    if number is None:
        return None
    mean, all_ten, steps = _kinds_in_an_epoch()
    return Outcome(
        2 if mean > 9 else 1 if 5 <= mean <= 8 else 0 if mean < 5 else None,
        {"number": f"{number:g}", "mean": f"{mean:.2f}", "all_ten": percent(all_ten, 0), "steps": f"{steps:,}"},
    )


@cache
def _kinds_in_an_epoch() -> tuple[float, float, int]:
    """Mean number of different digits in the batches of an epoch, share of batches with all ten, and batches."""
    labels = datasets.load("mnist").train.labels
    rows, _ = split(_TWO.data)
    batches = epoch_order(_TWO, labels, rows, 0).split(_TWO.batch_images)
    kinds = np.array([len(labels[batch].unique()) for batch in batches])
    return float(kinds.mean()), float((kinds == 10).mean()), len(kinds)


def _loss_of_a_fresh_network(number: float | None) -> Outcome | None:
    if number is None:
        return None
    loss, accuracy = _fresh_network()
    return Outcome(
        0 if loss < 1 else 1 if 1.8 < loss < 2.8 else 2 if loss > 8 else None,
        {
            "number": f"{number:g}",
            "mean": f"{loss:.3f}",
            "accuracy": percent(accuracy),
            "ln10": f"{math.log(10):.3f}",
        },
    )


@cache
def _fresh_network() -> tuple[float, float]:
    """Loss and accuracy of the tutorial's larger network before training, on the test images."""
    test = datasets.load("mnist").test
    evaluation = evaluate(untrained(_TWO).network, test.images, test.labels)
    return evaluation.loss, evaluation.accuracy


def _what_a_run_learned(_: float | None) -> Outcome | None:
    for run in runs.queue.runs():
        if run.owner != owner() or run.status is not Status.FINISHED or not _is_like(run.experiment, _ONE):
            continue
        result, losses, epochs = run.result, run.history.losses, run.history.epochs
        if result and epochs and (halved := _steps_to_half(losses)):
            accuracy, (low, high) = result.test.accuracy, result.test.interval
            steps = run.experiment.steps_per_epoch
            return Outcome(
                0 if halved <= 100 else 1 if halved <= 900 else 2 if halved > steps else None,
                {
                    "run": str(run.number),
                    "first": f"{losses[0]:.2f}",
                    "halved": f"{halved:,}",
                    "images": f"{halved * run.experiment.batch_images:,}",
                    "steps": f"{steps:,}",
                    "mean": f"{epochs[0].loss:.2f}",
                    "last": f"{epochs[-1].loss:.3f}",
                    "accuracy": percent(accuracy, 2),
                    "low": percent(low, 1),
                    "high": percent(high, 1),
                    "gap": f"{100 * result.gap:.1f}",
                },
                run,
            )
    return None


def _steps_to_half(losses: npt.NDArray[np.float32]) -> int | None:
    """After how many steps the mean loss of ten in a row was half of the first step's; None if it never was."""
    if len(losses) < _IN_A_ROW:
        return None
    means = np.convolve(losses, np.full(_IN_A_ROW, 1 / _IN_A_ROW), "valid")
    low = np.flatnonzero(means <= losses[0] / 2)
    return int(low[0]) + _IN_A_ROW if len(low) else None


def _mine() -> list[Job]:
    return [job for job in my_jobs() if job.is_over]


def _what_follows(_: float | None) -> Outcome | None:
    for job in _mine():
        plan = job.subject
        if not isinstance(plan, Plan) or not job.outcome or len(plan.experiments) != 2 or len(plan.seeds) < _SEEDS:
            continue
        kinds = [[_is_like(experiment, preset) for preset in (_ONE, _TWO)] for experiment in plan.experiments]
        if sorted(kinds) != [[False, True], [True, False]]:
            continue
        comparison = compare(plan, job.outcome)
        [pair] = comparison.pairs
        assert pair.architectures
        two_better = (pair.architectures.difference > 0) == kinds[pair.second][1]
        return Outcome(
            (0 if two_better else 1) if pair.architectures_differ else 2,
            {
                "short": plain(short_sentence(comparison)),
                "models": plain(models_sentence(comparison)),
                "architectures": plain(architectures_sentence(comparison)),
            },
            job,
        )
    return None


def _is_like(experiment: Experiment, preset: Experiment) -> bool:
    """Whether it is the tutorial's, but for what does not matter here: seed, validation images, the machine."""
    fields = {name: preset.fields()[name] for name in ("seed", "validation", "device", "threads")}
    return experiment.changed(**fields) == preset


def _what_it_did_with_noise(_: float | None) -> Outcome | None:
    for job in _mine():
        asked, finding = job.subject, job.outcome
        if isinstance(asked, Asked) and asked.claim.name == "overfitting" and isinstance(finding, Finding):
            return Outcome(finding.answer, {"sentences": "\n\n".join(map(plain, finding.sentences[:2]))}, job)
    return None
