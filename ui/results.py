"""The results of a run: how good the model is, which classes it confuses, and its most confident mistakes."""

import streamlit as st

from mlpcore import datasets, figures
from mlpcore.evaluation import most_confident_mistakes
from mlpcore.runs import Run
from mlpcore.training import Result
from ui.glossary import meaning
from ui.models import draw_with
from ui.pictures import ink_on_paper
from ui.words import duration, percent, signed

MISTAKES = 12
_PICTURE_PIXELS = 96


def show_score(result: Result) -> None:
    """How good the final model is, in a row."""
    low, high = result.test.interval
    _metrics(
        {
            "Test accuracy": (
                percent(result.test.accuracy, 2),
                f"Share of the {len(result.test.predictions):,} test images that the model gets right. With another "
                "seed, it would be slightly different.\n\n" + meaning("test image"),
            ),
            "95 % interval": (
                f"{100 * low:.1f} to {percent(high)}",
                "Wilson score interval: how precisely this many test images determine the accuracy of this one "
                "model.\n\n" + meaning("confidence interval"),
            ),
            "Gap": (
                f"{signed(100 * result.gap, 2)} points",
                meaning("generalization gap") + "\n\nA large gap is a sign of overfitting. With label noise, the two "
                "accuracies are not comparable: the test labels have no noise.",
            ),
        }
    )


def show_more_results(run: Run, result: Result) -> None:
    """The other results of the final model of `run`, and which weights it has."""
    _metrics(
        {
            "Training accuracy": (
                percent(result.train.accuracy, 2),
                f"On all {len(result.train.predictions):,} training images of this run, with the labels it was trained "
                "on.",
            ),
            "Test loss": (
                f"{result.test.loss:.4f}",
                "Mean cross-entropy on the test images, in nats.\n\n" + meaning("loss", "nat"),
            ),
            "Training time": (
                duration(result.train_seconds),
                f"Time spent computing on {result.device}, without pauses and turns of other runs.",
            ),
        }
    )
    best, patience = run.history.best_epoch, run.experiment.hyperparameters.early_stopping
    if patience and best and result.weights_of_epoch == best.epoch:
        st.caption(
            f"Early stopping: trained for {len(run.history.epochs)} epochs. These results are for the weights after "
            f"epoch {best.epoch}, where the validation loss was lowest."
        )
    elif best and best.epoch < len(run.history.epochs):
        st.caption(f"The validation loss was lowest after epoch {best.epoch}; these results are for the final weights.")


def _metrics(values: dict[str, tuple[str, str]]) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        for label, (value, explanation) in values.items():
            st.metric(label, value, help=explanation, width="content")


def draw_button(run: Run) -> None:
    """Opens the Draw page with the model of `run`, if it reads digits."""
    if run.experiment.data.dataset == "mnist" and st.button(
        "Draw with this model", key="draw_with", type="tertiary", icon=":material/draw:"
    ):
        draw_with(run.id)
        st.switch_page("pages/draw.py")


def show_mistakes(run: Run, result: Result) -> None:
    """The mistakes of the final model of `run` on the test images."""
    dataset = datasets.load(run.experiment.data.dataset)
    st.subheader("Mistakes on the test images")
    left, right = st.columns(2)
    with left:
        st.markdown("**Which classes it confuses**", help=meaning("confusion matrix"))
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
            alt="Bar chart: share of the test images of each class that the model got right, with 95 % intervals.",
            height=380,
        )
    mistakes = most_confident_mistakes(result.test, dataset.test.labels, MISTAKES)
    if not mistakes:
        return
    st.markdown("**Its most confident mistakes**")
    with st.container(horizontal=True):
        for mistake in mistakes:
            said, true = dataset.classes[mistake.predicted], dataset.classes[mistake.true]
            st.image(
                ink_on_paper(dataset.test.images[mistake.index], _PICTURE_PIXELS),
                width=_PICTURE_PIXELS,
                caption=f"{true}, read as {said} ({percent(mistake.confidence)})",
                alt=f"Test image {mistake.index}: class {true}, read as {said}.",
            )
