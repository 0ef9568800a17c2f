"""The models that can be looked into: all that read digits, and the tutorial's two models before any training."""

from dataclasses import dataclass
from functools import cache, lru_cache

import streamlit as st
import torch

from mlpcore import datasets
from mlpcore.evaluation import Evaluation, judge
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment
from mlpcore.figures.style import NEUTRAL
from mlpcore.inspection.code import FILE
from mlpcore.inspection.layers import Model
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier, TrainedModel, as_bytes
from mlpcore.network import MLP
from ui.fields import FIELDS
from ui.lessons import lesson
from ui.models import all_choices, can_be_asked

_FRESH = "untrained-"


@dataclass(frozen=True, eq=False)
class Subject:
    """A model that is looked into, what it is called, and its colour."""

    key: str
    model: Model
    title: str
    color: str

    @property
    def is_trained(self) -> bool:
        """Whether it has learned anything."""
        return isinstance(self.model, TrainedModel)

    @property
    def hidden(self) -> tuple[int, ...]:
        """Neurons of each hidden layer."""
        return self.model.experiment.architecture.hidden

    @property
    def activation(self) -> str:
        """What its hidden layers' activation is called."""
        return (FIELDS["activation"].choices or {})[self.model.experiment.architecture.activation]

    @property
    def test(self) -> Evaluation:
        """How good it is on the 10,000 test images."""
        return _tested(self.model.experiment, self.model.network)


@cache
def _fresh() -> dict[str, Subject]:
    return {
        f"{_FRESH}{name}": Subject(
            f"{_FRESH}{name}", untrained(experiment), f"Untrained: {experiment.architecture.title}", NEUTRAL
        )
        for name, experiment in TUTORIAL_PRESETS.items()
    }


def subject_titles() -> dict[str, str]:
    """Every model that can be looked into, by its key, and what it is called."""
    fresh = {key: subject.title for key, subject in _fresh().items()}
    return {key: choice.title for key, choice in all_choices().items()} | fresh


def pick_subject(key: str, usual: str) -> Subject:
    """Lets a person choose a model, whose key is in the session state under `key`."""
    titles = subject_titles()
    if st.session_state.get(key) not in titles:
        # A run may have been deleted since.
        st.session_state[key] = usual if usual in titles else next(iter(titles))
    if "model" not in lesson().hidden:
        st.selectbox(
            "Model",
            list(titles),
            key=key,
            format_func=titles.__getitem__,
            disabled=lesson().locks("model"),
            persist_state="session",
            width=290,
            help="The models that come with MLP Lab, finished runs, and the tutorial's two models before any training.",
        )
    chosen: str = st.session_state[key]
    if chosen in _fresh():
        return _fresh()[chosen]
    choice = all_choices()[chosen]
    if not can_be_asked(choice):
        return next(iter(_fresh().values()))
    return Subject(choice.key, choice.model, choice.title, choice.color)


def offer_file(subject: Subject, key: str) -> None:
    """The model as the file that the code on this page reads."""
    model = subject.model
    if isinstance(model, TrainedModel):
        st.download_button(
            "Download the model",
            lambda: as_bytes(model),
            file_name=FILE,
            key=key,
            icon=":material/download:",
            on_click="ignore",
            help=f"The file {FILE} that the code on this page reads.",
        )


def use_one_thread() -> None:
    """Limits PyTorch to one thread: several would wait for each other in small operations, and for trainings."""
    torch.set_num_threads(1)


@lru_cache(maxsize=16)
def _tested(experiment: Experiment, network: MLP) -> Evaluation:
    test = datasets.load("mnist").test
    return judge(Classifier(experiment, network).logits(test.images), test.labels)
