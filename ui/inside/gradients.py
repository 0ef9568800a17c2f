"""Gradients that add up by mistake or on purpose, and what each optimizer does with the same gradient."""

from functools import lru_cache

import streamlit as st

from mlpcore import datasets
from mlpcore.experiment import Experiment
from mlpcore.figures import inside as figures
from mlpcore.inspection import code
from mlpcore.inspection.accumulation import Halves, Loop, halves, training_loop
from mlpcore.inspection.layers import Model
from mlpcore.inspection.optimizer_updates import Update, pytorch_rates, updates
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier
from mlpcore.network import MLP
from ui.fields import FIELDS
from ui.glossary import meaning
from ui.inside.batches import SIZE, batches
from ui.inside.numbers import in_words, with_minus
from ui.inside.subjects import Subject, use_one_thread
from ui.live_chart import as_json, live_chart
from ui.show_code import show_code
from ui.texts import texts
from ui.words import percent, plain

_STEPS = 40
"""Of the loop that forgets `zero_grad`: with Adam its loss begins to suffer after some twenty."""

_BATCH = 1
_EQUAL = 1e-4
"""The largest relative difference that float32 rounding causes between two ways of adding up the same gradient."""


def show_forgetting(subject: Subject) -> None:
    """The training loop on the first batches of an epoch, with `zero_grad` and without."""
    st.subheader("What happens without zero_grad", anchor=False, help=meaning("gradient", "step"))
    st.markdown(texts("inside")["forgetting"].format(steps=_STEPS))
    with st.spinner("Running both loops"):
        with_it, without = _loops(subject.model.experiment, subject.model.network)
    left, right = st.columns(2)
    with left:
        live_chart(
            as_json(figures.loops(with_it, without, "gradient_norms")),
            key="inside_loop_norms",
            alt=f"Norm of the gradients at each step: at the end {with_it.gradient_norms[-1]:.3g} with zero_grad, "
            f"{without.gradient_norms[-1]:.3g} without.",
            height=250,
        )
    with right:
        live_chart(
            as_json(figures.loops(with_it, without, "losses")),
            key="inside_loop_losses",
            alt=f"Loss of each batch: at the end {with_it.losses[-1]:.3g} with zero_grad, "
            f"{without.losses[-1]:.3g} without.",
            height=250,
        )
    show_code(code.forgetting(subject.model, _BATCH, _STEPS), key="inside_forgetting_code")


def show_accumulation(subject: Subject) -> None:
    """A batch's gradient at once and from its halves, for this model and for one with batch norm."""
    st.subheader("On purpose: gradient accumulation", anchor=False)
    st.markdown(texts("inside")["accumulation"].format(half=SIZE // 2, size=SIZE))
    found = _halves(subject.model.experiment, subject.model.network)
    st.table(
        {
            "model": [f"{other}, untrained" if other else plain(subject.title) for other in found],
            "norm, whole batch": [in_words(each.whole) for each in found.values()],
            "norm, two halves": [in_words(each.added) for each in found.values()],
            "largest difference": [_difference(each) for each in found.values()],
        }
    )
    if subject.hidden:
        st.markdown(texts("inside")["accumulation_batch_norm"])
    if subject.model.experiment.architecture.dropout:
        st.markdown(texts("inside")["accumulation_dropout"])
    show_code(code.accumulating(subject.model, _BATCH), key="inside_accumulation_code")


def _difference(each: Halves) -> str:
    if each.difference < _EQUAL:
        return with_minus(f"{each.difference:.0e} of the largest: rounding")
    return f"{100 * each.difference:{'.0f' if each.difference > 0.1 else '.2g'}} % of the largest"


def show_optimizers(subject: Subject) -> None:
    """The first update of each optimizer with the same gradient."""
    st.subheader(
        "What each optimizer does with the same gradient", anchor=False, help=meaning("optimizer", "learning rate")
    )
    found = _updates(subject.model.experiment, subject.model.network)
    names = {each.optimizer: (FIELDS["optimizer"].choices or {})[each.optimizer] for each in found}
    st.markdown(texts("inside")["optimizers"].format(still=percent(found[0].without_gradient)))
    live_chart(
        as_json(figures.update_norms(found, names)),
        key="inside_updates",
        alt="Norm of each optimizer's first update for each layer, on a logarithmic axis.",
        height=380,
    )
    with st.expander("In numbers", key="inside_updates_table"):
        st.table(
            {
                "optimizer": list(names.values()),
                "learning rate": [with_minus(f"{each.learning_rate:g}") for each in found],
                "largest change": [in_words(each.largest) for each in found],
                "cosine": [with_minus(f"{each.cosine:.3f}") for each in found],
            }
        )
        st.caption(texts("inside")["cosine"])
    show_code(code.optimizing(subject.model, _BATCH, pytorch_rates()), key="inside_optimizers_code")


# All of this belongs to a model and the first batches of an epoch, so it is computed once for each model.


@lru_cache(maxsize=16)
def _loops(experiment: Experiment, network: MLP) -> tuple[Loop, Loop]:
    use_one_thread()
    following = batches(datasets.load("mnist"), _BATCH, _STEPS)
    model = Classifier(experiment, network)
    return training_loop(model, following, False), training_loop(model, following, True)


@lru_cache(maxsize=16)
def _halves(experiment: Experiment, network: MLP) -> dict[str, Halves]:
    """For the model, under the name "", and for the same with and without batch norm, but always without dropout."""
    use_one_thread()
    (batch,) = batches(datasets.load("mnist"), _BATCH, 1)
    compared: dict[str, Model] = {"": Classifier(experiment, network)}
    architecture = experiment.architecture
    if architecture.hidden:
        for norm in (False, True):
            if architecture.dropout or norm != architecture.batch_norm:
                name = f"The same {'with' if norm else 'without'} batch norm"
                name += f", {'and ' * (not norm)}without dropout" * bool(architecture.dropout)
                compared[name] = untrained(experiment.changed(batch_norm=norm, dropout=0.0))
    return {name: halves(model, batch) for name, model in compared.items()}


@lru_cache(maxsize=16)
def _updates(experiment: Experiment, network: MLP) -> list[Update]:
    use_one_thread()
    (batch,) = batches(datasets.load("mnist"), _BATCH, 1)
    return updates(Classifier(experiment, network), batch, pytorch_rates())
