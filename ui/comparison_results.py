"""The results of a comparison: the conclusion in sentences, the numbers behind it, and where the models differ."""

from datetime import UTC, datetime
from weakref import WeakKeyDictionary

import streamlit as st
import torch

from mlpcore import datasets, figures
from mlpcore.comparison.agreement import Indices, agreement, recognized_by_nobody
from mlpcore.comparison.batch import Batch
from mlpcore.comparison.costs import seconds_per_image
from mlpcore.comparison.job import Job
from mlpcore.comparison.plan import Plan
from mlpcore.comparison.results import Comparison, Summary, TrainedRun, compare
from mlpcore.comparison.verdict import (
    architectures_sentence,
    models_sentence,
    sensitivity_sentence,
    short_sentence,
)
from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.models import Classifier
from mlpcore.network import MLP
from ui.glossary import meaning
from ui.local_time import date_and_time
from ui.pictures import ink_on_paper
from ui.words import bytes_in_words, duration, percent, plain, short_count

_PICTURES = 12
_PICTURE_PIXELS = 112
_TIMED_IMAGES = 1000
_COMPARED: WeakKeyDictionary[Batch, Comparison] = WeakKeyDictionary()
"""The comparison of a finished batch, shared by all visitors; goes with the job that the batch belongs to."""


def compared(job: Job, plan: Plan) -> Comparison | None:
    """The comparison of the finished runs of `job`, which is over; None if none is finished."""
    comparison = _compared(plan, job.batches[-1]) if job.batches else None
    return comparison if comparison and any(summary.runs for summary in comparison.summaries) else None


def show_conclusion(job: Job, comparison: Comparison) -> None:
    """The conclusion in sentences, and the numbers behind it."""
    st.subheader("Conclusion", anchor="conclusion")
    if len(comparison.pairs) == 1 and comparison.is_complete:
        st.markdown(f"**{plain(short_sentence(comparison))}**")
    for sentence in [models_sentence(comparison), architectures_sentence(comparison), sensitivity_sentence(comparison)]:
        lead, colon, rest = sentence.partition(": ")
        st.markdown(f"**{plain(lead)}:** {plain(rest)}" if colon else plain(sentence))
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown(
            "**Test accuracy**",
            help="Each dot is a trained model. The diamond is the mean over the seeds, and the line through it is "
            "its 95 % confidence interval.\n\n" + meaning("confidence interval"),
        )
        st.plotly_chart(
            figures.accuracy_over_seeds(comparison),
            key=f"accuracies_{job.id}",
            alt="; ".join(map(_accuracy_in_words, comparison.summaries)),
            height=90 + 62 * len(comparison.summaries),
        )
    with right:
        st.markdown("**Test accuracy against parameters**")
        st.plotly_chart(
            figures.accuracy_against_parameters(comparison),
            key=f"parameters_{job.id}",
            alt="Test accuracy against the number of parameters: "
            + "; ".join(f"{_accuracy_in_words(s)}, {s.parameters:,} parameters" for s in comparison.summaries),
            height=max(240, 90 + 62 * len(comparison.summaries)),
        )
    answer_seconds, measured = _answer_times(tuple(each.experiment.changed(seed=0) for each in comparison.summaries))
    st.table(_as_table(comparison, answer_seconds), alt="Accuracy and costs of each model.")
    st.caption(
        "All values are means over the seeds. The conclusion compares the models seed by seed, since models with the "
        "same seed have something in common. So two intervals may overlap although a difference is shown. FLOPs: "
        "multiplications and additions of one forward pass. Time to answer: per image, in batches of "
        f"{_TIMED_IMAGES:,} on one thread, measured on this machine on {date_and_time(measured)}."
    )


def _compared(plan: Plan, batch: Batch) -> Comparison:
    if batch not in _COMPARED:
        _COMPARED[batch] = compare(plan, [run for run in batch.trained if run])
    return _COMPARED[batch]


def _accuracy_in_words(summary: Summary) -> str:
    return f"{summary.name}: {_accuracy(summary)}"


def _accuracy(summary: Summary) -> str:
    return "none finished" if summary.mean is None else percent(summary.mean, 2)


def _interval(summary: Summary) -> str:
    if summary.interval is None:
        return "unknown with one seed" if len(summary.runs) == 1 else "–"
    low, high = summary.interval
    return f"{100 * low:.2f} to {percent(high, 2)}"


def _as_table(comparison: Comparison, answer_seconds: tuple[float, ...]) -> dict[str, list[str]]:
    """A column per experiment, a row per quantity."""
    rows = [
        "Test accuracy",
        "95 % interval over seeds",
        "Seeds finished",
        "Generalization gap",
        "Parameters",
        "FLOPs per image",
        "Size of the model",
        "Training time",
        "Time to answer",
    ]
    columns = {
        plain(summary.name): _column(summary, seconds)
        for summary, seconds in zip(comparison.summaries, answer_seconds, strict=True)
    }
    return {"": rows, **columns}


def _column(summary: Summary, answer_seconds: float) -> list[str]:
    return [
        f"**{_accuracy(summary)}**",
        _interval(summary),
        str(len(summary.runs)),
        "–" if summary.gap is None else f"{100 * summary.gap:+.2f} points",
        f"{summary.parameters:,}",
        short_count(summary.flops),
        bytes_in_words(summary.bytes),
        "–" if summary.train_seconds is None else duration(summary.train_seconds),
        f"{1e6 * answer_seconds:.2g} µs",
    ]


@st.cache_data(show_spinner=False, max_entries=200, hash_funcs={Experiment: Experiment.model_dump_json})
def _answer_times(experiments: tuple[Experiment, ...]) -> tuple[tuple[float, ...], datetime]:
    """Seconds per image for each model, measured one after the other, and when. The weights make no difference."""
    generator = torch.Generator()
    images = datasets.load(experiments[0].data.dataset).test.images[:_TIMED_IMAGES]
    networks = (MLP(experiment.architecture, generator, generator).eval() for experiment in experiments)
    seconds = (
        seconds_per_image(Classifier(experiment, network), images)
        for experiment, network in zip(experiments, networks, strict=True)
    )
    return tuple(seconds), datetime.now(UTC)


def show_differences(job: Job, comparison: Comparison) -> None:
    """The test images on which the models differ, and how their answers differ."""
    finished = [number for number, summary in enumerate(comparison.summaries) if summary.runs]
    if len(finished) < 2:
        return
    dataset = datasets.load(comparison.plan.experiments[0].data.dataset)
    st.subheader("Where they differ")
    first, second = finished[:2]
    if len(finished) > 2:
        with st.container(horizontal=True):
            first, second = (
                st.selectbox(
                    label,
                    finished,
                    index=place,
                    key=f"differ_{place}_{job.id}",
                    format_func=lambda number: comparison.summaries[number].name,
                    width=320,
                )
                for place, label in enumerate(["First model", "Second model"])
            )
    if first == second:
        st.info("Choose two different models.", icon=":material/info:")
        return
    pair = next(pair for pair in comparison.pairs if {pair.first, pair.second} == {first, second})
    if pair.image_seed is None:
        st.info("There is no seed with which both are finished, so they cannot be compared.", icon=":material/info:")
        return
    names = comparison.summaries[first].name, comparison.summaries[second].name
    a, b = (
        next(run for run in comparison.summaries[number].runs if run.seed == pair.image_seed)
        for number in (first, second)
    )
    found = agreement(a.test, b.test)
    st.caption(
        f"The two models with seed {pair.image_seed} on the {len(a.test.correct):,} test images: both recognize "
        f"{found.both:,}, only the first {len(found.only_first):,}, only the second {len(found.only_second):,}, "
        f"neither of them {len(found.nobody):,}. They give the same answer for {percent(found.same_answers, 2)} of "
        "the images. "
        f"First: {plain(names[0])}. Second: {plain(names[1])}."
    )
    for which, name, indices in zip(["first", "second"], names, [found.only_first, found.only_second], strict=True):
        st.markdown(f"**Only the {which} is right: {plain(name)}**")
        if len(indices):
            _pictures(dataset, indices, (a, b))
        else:
            st.caption("No such image.")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(
            "**Answers of both models**",
            help="How often the first model answered the class of the row and the second that of the column.",
        )
        st.plotly_chart(
            figures.agreement_matrix(found, names, dataset.classes),
            key=f"agreement_{job.id}_{first}_{second}",
            alt=f"Matrix of the answers of {names[0]} by row and {names[1]} by column; the same for "
            f"{percent(found.same_answers, 2)} of the images.",
            height=400,
        )
    with right:
        st.markdown(
            "**Accuracy per class**",
            help="Bars show the mean over the seeds, whiskers the lowest and the highest seed.",
        )
        st.plotly_chart(
            figures.class_accuracies_compared(comparison, dataset.classes),
            key=f"classes_{job.id}",
            alt="Bar chart: test accuracy of each class, a bar per model.",
            height=400,
        )
    runs = [run for summary in comparison.summaries for run in summary.runs]
    nobody = recognized_by_nobody([run.test for run in runs])
    st.markdown(f"**Recognized by none of the {len(runs)} trained models: {len(nobody):,} images**")
    if len(nobody):
        _pictures(dataset, nobody, (a, b))


def _pictures(dataset: Dataset, indices: Indices, runs: tuple[TrainedRun, TrainedRun]) -> None:
    with st.container(horizontal=True):
        for index in indices[:_PICTURES].tolist():
            true = dataset.classes[int(dataset.test.labels[index])]
            answers = [_answer(dataset, run, index) for run in runs]
            st.image(
                ink_on_paper(dataset.test.images[index], _PICTURE_PIXELS),
                width=_PICTURE_PIXELS,
                caption=f"**{plain(true)}**  \nfirst: {plain(answers[0])}  \nsecond: {plain(answers[1])}",
                alt=f"Test image {index}, a {true}; the first model said {answers[0]}, the second {answers[1]}.",
            )
    if len(indices) > _PICTURES:
        st.caption(f"The {_PICTURES} of {len(indices):,} for which both were most confident.")


def _answer(dataset: Dataset, run: TrainedRun, index: int) -> str:
    said = dataset.classes[int(run.test.predictions[index])]
    return f"{said} ({percent(float(run.test.confidences[index]), 0)})"
