"""What came out of a run: how good the model is, what it confuses, and its surest mistakes."""

import streamlit as st

from mlpcore import datasets, figures
from mlpcore.evaluation import most_confident_mistakes
from mlpcore.runs import Run
from mlpcore.training import Result
from ui.words import duration, percent

MISTAKES = 12
_PICTURE_PIXELS = 96


def show_result(run: Run, result: Result) -> None:
    """The figures of the final model of `run`."""
    low, high = result.test.interval
    interval = f"{100 * low:.1f} to {percent(high)}"
    values = {
        "Test accuracy": (
            percent(result.test.accuracy, 2),
            f"Share of the {len(result.test.predictions):,} test images that it got right. Another seed "
            "would give another model and a somewhat different share.",
        ),
        "95 % interval": (
            interval,
            "Wilson score interval: how far the accuracy of this one model is pinned down by so many test images.",
        ),
        "Test loss": (f"{result.test.loss:.4f}", "Mean cross-entropy on the test images, in nats."),
        "Training accuracy": (
            percent(result.train.accuracy, 2),
            f"On all {len(result.train.predictions):,} training images of this run, with the labels that it was given.",
        ),
        "Gap": (
            f"{100 * result.gap:+.2f} points",
            "Training accuracy minus test accuracy, the generalisation gap: how much better it does on what it has "
            "seen. A large gap is a sign of overfitting. With label noise the two are measured on different kinds of "
            "labels.",
        ),
        "Training time": (
            duration(result.train_seconds),
            f"Spent computing on {result.device}; pauses and other runs' turns are left out.",
        ),
    }
    with st.container(horizontal=True, gap="small"):
        for label, (value, explanation) in values.items():
            st.metric(label, value, help=explanation, width="content")
    best, patience = run.history.best_epoch, run.experiment.hyperparameters.early_stopping
    if patience and best and result.weights_of_epoch == best.epoch:
        st.caption(
            f"Early stopping: trained for {len(run.history.epochs)} epochs; these figures are of the weights after "
            f"epoch {best.epoch}, where the validation loss was lowest."
        )
    elif best and best.epoch < len(run.history.epochs):
        st.caption(f"The validation loss was lowest after epoch {best.epoch}; these figures are of the final weights.")


def show_mistakes(run: Run, result: Result) -> None:
    """Where the final model of `run` goes wrong on the test images."""
    dataset = datasets.load(run.experiment.data.dataset)
    st.subheader("Where it goes wrong")
    left, right = st.columns(2)
    with left:
        st.markdown("**Which classes are taken for which**")
        st.plotly_chart(
            figures.confusion_matrix(result.test, dataset.classes),
            key=f"confusion_{run.id}",
            alt="Confusion matrix of the test images: true class by row, predicted class by column.",
            height=380,
        )
    with right:
        st.markdown("**Accuracy per class**")
        st.plotly_chart(
            figures.class_accuracies(result.test, dataset.classes),
            key=f"class_accuracies_{run.id}",
            alt="Bar chart: share of the test images of each class that were recognised, with 95 % intervals.",
            height=380,
        )
    mistakes = most_confident_mistakes(result.test, dataset.test.labels, MISTAKES)
    if not mistakes:
        return
    st.markdown("**The mistakes it was surest of**")
    with st.container(horizontal=True):
        for mistake in mistakes:
            said, true = dataset.classes[mistake.predicted], dataset.classes[mistake.true]
            st.image(
                dataset.test.images[mistake.index].numpy(),
                width=_PICTURE_PIXELS,
                caption=f"said {said} ({percent(mistake.confidence)}), is {true}",
                alt=f"Test image {mistake.index}: a {true} that the model took for {said}.",
            )
