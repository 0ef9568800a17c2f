"""The claim about overfitting: its conclusion from runs of known outcome, and a small real one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from mlpcore.claims import overfitting
from mlpcore.claims.claim import Claim
from mlpcore.claims.overfitting import OVERFITTING, PLAIN, REMEDIES, VARIANTS, conclude
from mlpcore.comparison.job import Job
from mlpcore.comparison.results import TrainedRun
from mlpcore.datasets import Dataset
from mlpcore.evaluation import Evaluation, judge
from mlpcore.experiment import Experiment
from mlpcore.figures.claims_overfitting import highest_and_final, learning_and_memorizing, surer_mistakes
from mlpcore.figures.style import TRAIN, VALIDATION
from mlpcore.history import EpochRecord, History
from mlpcore.runs import RunQueue
from tests.few_images import few_images

FALLING, RISING, POOR = (0.8, 0.88, 0.82, 0.76), (0.8, 0.88, 0.89, 0.9), (0.2, 0.3, 0.25, 0.2)
CLIMBING, SINKING = (0.5, 0.3, 0.35, 0.4), (0.5, 0.4, 0.35, 0.3)


def evaluation(share: float, sureness: float = 0.8, images: int = 1000) -> Evaluation:
    """So large a share is recognized; every answer has this probability."""
    labels = torch.arange(images) % 10
    answers = torch.where(torch.arange(images) < round(share * images), labels, (labels + 1) % 10)
    judged = judge(one_hot(answers, 10).float(), labels)
    return replace(judged, confidences=np.full(images, sureness, np.float32))


def run(
    experiment: Experiment,
    val_accuracies: Sequence[float],
    val_losses: Sequence[float] = CLIMBING,
    test: float | None = None,
    trained: float = 1.0,
    sureness: float = 0.8,
) -> TrainedRun:
    """Agreed with 60, 72, 85 and in the end `trained` of its training labels."""
    history = History(experiment)
    for place, (accuracy, loss) in enumerate(zip(val_accuracies, val_losses, strict=True)):
        agreed = (0.6, 0.72, 0.85, trained)[place]
        history.epochs.append(EpochRecord(place + 1, 1.0, 1.0, agreed, loss, accuracy, 1.0, 0.001))
    share = val_accuracies[-1] if test is None else test
    return TrainedRun(experiment, evaluation(share, sureness), trained, 1.0, history)


def runs_of(plain: Sequence[float], seeds: int = 3, **others: list[TrainedRun]) -> dict[str, list[TrainedRun]]:
    """A run per variant and seed, all like the plain ones but those with right labels; the seeds differ a little."""
    usual = {
        name: [
            run(variant.changed(seed=seed), RISING if name == "Right labels" else plain, test=plain[-1] + 0.01 * seed)
            for seed in range(seeds)
        ]
        for name, variant in VARIANTS.items()
    }
    return usual | {name.replace("_", " "): chosen for name, chosen in others.items()}


def said(runs: Mapping[str, Sequence[TrainedRun]], at_lowest: Sequence[TrainedRun] | None = None) -> str:
    return " ".join(conclude(runs, at_lowest or runs["Right labels"]).sentences)


@pytest.mark.parametrize(("course", "answer"), [(RISING, 0), (FALLING, 1), (POOR, 2)])
def test_the_answer_follows_from_the_plain_network_on_validation_images(course: Sequence[float], answer: int) -> None:
    runs = runs_of(course)
    finding = conclude(runs, runs["Right labels"])
    assert finding.answer == answer
    assert f"{100 * max(course):.1f} %" in finding.sentences[0]
    assert 2 <= len(finding.sentences) <= 5
    assert ("wrong label fits no pattern" in " ".join(finding.sentences)) == (answer == 1)


def test_the_claim_says_what_it_does() -> None:
    assert isinstance(OVERFITTING, Claim) and OVERFITTING.name == "overfitting" and len(OVERFITTING.answers) == 3
    assert "2,000 images" in OVERFITTING.done and "24 runs" in OVERFITTING.done
    for name, variant in VARIANTS.items():
        different = {field for field, value in variant.fields().items() if value != PLAIN.fields()[field]}
        assert len(different) == (name != "Plain")


def test_memorizing_is_said_only_where_more_was_learned_than_is_right() -> None:
    assert "can only have been learned by heart" in said(runs_of(FALLING))
    honest = [run(PLAIN.changed(seed=seed), FALLING, trained=0.74, test=0.76 + 0.01 * seed) for seed in range(3)]
    text = said(runs_of(FALLING, Plain=honest))
    assert "can only have been learned by heart" not in text and "hardly any wrong one" in text


def test_the_common_is_learned_first_where_the_best_epoch_shows_it() -> None:
    assert "gave the labels of 72.0 % of the training images, about as many as are right" in said(runs_of(FALLING))
    late = (0.8, 0.85, 0.88, 0.8)
    assert "learned first" not in said(runs_of(late))


def test_remedies_are_measured_on_test_images_with_what_the_seeds_leave_possible() -> None:
    runs = runs_of(FALLING)
    for name, shares in zip(REMEDIES, [(0.86, 0.86, 0.88), (0.75, 0.79, 0.78), (0.7, 0.7, 0.72)], strict=False):
        runs[name] = [run(VARIANTS[name].changed(seed=s), FALLING, test=share) for s, share in enumerate(shares)]
    sentence = conclude(runs, runs["Right labels"]).sentences[2]
    assert "plain network ends at 77.0 %" in sentence
    change = dict(zip(REMEDIES, sentence.split(": ")[1].split("; "), strict=True))
    assert change["Dropout"].startswith("dropout +9.7 (+") and "chance" not in change["Dropout"]
    assert change["Weight decay"].startswith("weight decay +0.3 (-") and "within chance" in change["Weight decay"]
    assert change["Early stopping"].startswith("early stopping -6.3 (-") and "chance" not in change["Early stopping"]
    assert change["More data"].startswith("more data +0.0 (with every seed)")


def test_more_data_that_are_memorised_are_called_so_and_others_are_not() -> None:
    assert "still learns their mistakes" in said(runs_of(FALLING))
    more = [run(VARIANTS["More data"].changed(seed=seed), RISING, trained=0.75) for seed in range(3)]
    text = said(runs_of(FALLING, More_data=more))
    assert "still learns their mistakes" not in text
    assert "reached 90.0 % on validation images and ended at 90.0 %, with 75.0 %" in text


def test_the_clean_case_is_told_as_it_came_out() -> None:
    clean = VARIANTS["Right labels"]
    lowest = [run(clean.changed(seed=seed), RISING[:2], CLIMBING[:2], sureness=0.7) for seed in range(3)]
    text = said(runs_of(FALLING), lowest)
    assert "went from 0.30, its lowest, to 0.40 at the end, and the accuracy from 88.0 % to 90.0 %" in text
    assert "wrong answers on test images went from 70.0 % to 80.0 %. It grew more confident" in text
    less_sure = [run(clean.changed(seed=seed), RISING[:2], CLIMBING[:2], sureness=0.9) for seed in range(3)]
    assert "grew more confident" not in said(runs_of(FALLING), less_sure)

    sank = [run(clean.changed(seed=seed), RISING, SINKING) for seed in range(3)]
    assert "hardly rose" in said(runs_of(FALLING, Right_labels=sank))
    worse = [run(clean.changed(seed=seed), FALLING, CLIMBING) for seed in range(3)]
    text = said(runs_of(FALLING, Right_labels=worse))
    assert "got worse" in text and "surer" not in text


def test_the_charts_show_the_runs() -> None:
    runs = runs_of(FALLING)
    finding = conclude(runs, runs["Right labels"])
    assert len(finding.charts) == 3
    for chart in finding.charts:
        chart.figure.to_json()
        assert chart.title.endswith("?")
    assert "reaches 88.0 % and ends at 76.0 %" in finding.charts[0].alt
    assert "Right labels: highest 90.0 %" in finding.charts[1].alt
    assert "its lowest mean is 0.30" in finding.charts[2].alt


def test_both_accuracies_are_drawn_with_their_range_and_the_share_that_is_right() -> None:
    train, validation = np.array([[0.6, 1.0], [0.7, 1.0]]), np.array([[0.8, 0.7], [0.9, 0.7]])
    figure = learning_and_memorizing(train, validation, 0.73)
    lines = {trace.name: trace for trace in figure.data if trace.name}
    assert list(lines["Training"].y) == pytest.approx([65, 100]) and lines["Training"].line.color == TRAIN
    assert list(lines["Validation"].y) == pytest.approx([85, 70]) and lines["Validation"].line.color == VALIDATION
    assert set(lines["73 % are right"].y) == {73}
    low, high = figure.data[:2]
    assert list(low.y) == pytest.approx([60, 100]) and list(high.y) == pytest.approx([70, 100])


def test_a_row_goes_from_the_highest_to_the_final_accuracy() -> None:
    figure = highest_and_final(
        {"one": np.array([0.9, 0.8]), "other": np.array([0.9, 0.9])},
        {"one": np.array([0.6, 0.7]), "other": np.array([0.9, 0.9])},
    )
    link, dots, top, mean = figure.data[:4]
    assert list(link.x) == pytest.approx([85, 65]) and list(dots.x) == pytest.approx([60, 70])
    assert top.x[0] == pytest.approx(85) and mean.text[0] == "65.0 %"
    assert [trace.name for trace in figure.data if trace.showlegend] == ["highest (validation)", "final (test)"]


def test_accuracy_and_loss_have_a_panel_each_and_the_lowest_loss_is_marked() -> None:
    figure = surer_mistakes(np.array([[0.8, 0.9, 0.91]]), np.array([[0.5, 0.3, 0.4]]))
    accuracy, loss = (next(trace for trace in figure.data if trace.name == name) for name in ("Accuracy", "Loss"))
    assert list(accuracy.y) == pytest.approx([80, 90, 91]) and accuracy.yaxis is None
    assert list(loss.y) == pytest.approx([0.5, 0.3, 0.4]) and loss.yaxis == "y2"
    assert figure.layout.shapes[0].x0 == 2


@pytest.fixture
def queue(mnist: Dataset) -> Iterator[RunQueue]:
    few = few_images(mnist)
    queue = RunQueue(load=lambda name: few, cores=2)
    yield queue
    queue.close()


def test_a_small_investigation_shows_it(queue: RunQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few images, half of their labels drawn at random, and large steps: less time, the same effect."""
    plain = PLAIN.changed(
        hidden=(256,), train_size=300, validation=300, label_noise=0.5, learning_rate=0.003, epochs=20, device="cpu"
    )
    variants = {
        "Plain": plain,
        "Dropout": plain.changed(dropout=0.5),
        "Weight decay": plain.changed(weight_decay=5.0),
        "Early stopping": plain.changed(early_stopping=3),
        "More data": plain.changed(train_size=600),
        "Right labels": plain.changed(label_noise=0.0),
    }
    monkeypatch.setattr(overfitting, "VARIANTS", variants)
    monkeypatch.setattr(overfitting, "SEEDS", (0, 1))
    job: Job = Job(OVERFITTING, OVERFITTING.investigate, queue=queue)
    job.join()
    assert job.error is None and job.outcome.answer == 1
    assert len(job.outcome.charts) == 3
    whole, short = job.batches
    assert len(whole.trained) == 12 and len(short.trained) == 2
    # They are the very networks that the whole runs were at their lowest loss.
    lowest = [run.history.best_epoch for run in whole.trained if run and run.experiment.data.label_noise == 0]
    ends = [run.history.epochs[-1] for run in short.trained if run]
    assert [record.val_loss for record in ends] == [record.val_loss for record in lowest if record]
