"""The training loop: the tutorial's numbers, the same bits every time, and nothing learned from what only watches."""

import contextlib
import dataclasses
import io
import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import tutorial_loop
from mlpcore import datasets, training
from mlpcore.datasets import Dataset, Images
from mlpcore.evaluation import evaluate
from mlpcore.experiment import (
    TUTORIAL_PRESETS,
    Activation,
    Experiment,
    InvalidExperiment,
    OptimizerName,
    experiment_from_fields,
)
from mlpcore.export import script
from mlpcore.history import History
from mlpcore.network import ACTIVATIONS
from mlpcore.sampling import epoch_order, split
from mlpcore.training import (
    SAMPLE_IMAGES,
    EpochEnd,
    Evaluating,
    Event,
    Finished,
    InvalidState,
    Result,
    State,
    Step,
    Trainer,
    TrainingDiverged,
    choose_device,
)

Small = Callable[..., Experiment]
Train = Callable[..., tuple[Trainer, Result]]

pytestmark = pytest.mark.usefixtures("one_thread")

EVERYTHING_RANDOM = {
    "hidden": (256,), "train_size": 3000, "dropout": 0.3, "augment": "affine", "label_noise": 0.2, "batch_norm": True,
}  # fmt: skip
"""Fields with which every stream of random numbers is used, and sums long enough that threads would change them."""


def bits(trainer: Trainer) -> tuple[Any, ...]:
    """All that a run left behind, to the last bit; only the seconds may differ between two equal runs."""
    history = trainer.history
    epochs = [dataclasses.replace(record, seconds=0.0) for record in history.epochs]
    weights = [tensor.numpy().tobytes() for tensor in trainer.model.state_dict().values()]
    return history.losses.tobytes(), history.rates.tobytes(), epochs, history.health, weights


def weights(trainer: Trainer) -> list[Tensor]:
    return [part.detach().clone() for part in trainer.model.parameters()]


def same(some: list[Tensor], others: list[Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


def take_steps(trainer: Trainer, count: int) -> None:
    """Runs until `count` more batches were learned from."""
    while count:
        count -= isinstance(next(trainer), Step)


def with_train(dataset: Dataset, rows: Tensor) -> Dataset:
    """`dataset` with noise for images, and wrong labels, at some of the training rows."""
    images, labels = dataset.train.images.clone(), dataset.train.labels.clone()
    images[rows] = torch.randint(256, (len(rows), 28, 28), dtype=torch.uint8)
    labels[rows] = (labels[rows] + 1) % 10
    return dataclasses.replace(dataset, train=Images(images, labels))


def not_in(rows: Tensor) -> Tensor:
    everyone = torch.arange(60_000)
    return everyone[~torch.isin(everyone, rows)]


# The tutorial's numbers


def batches_of(trainer: Trainer, epoch: int) -> list[list[int]]:
    """The rows of every batch of an epoch (from 0)."""
    order = epoch_order(trainer.experiment, trainer.labels, trainer.train_rows, epoch)
    return [rows.tolist() for rows in order.split(trainer.experiment.batch_images)]


@pytest.fixture(params=TUTORIAL_PRESETS)
def preset(request: pytest.FixtureRequest) -> Experiment:
    return TUTORIAL_PRESETS[request.param].changed(device="cpu")


def test_losses_are_those_of_the_tutorials_own_loop(preset: Experiment, mnist: Dataset) -> None:
    steps = 120
    trainer = Trainer(preset, mnist)
    theirs = tutorial_loop.make_model(preset.architecture.hidden)
    theirs.load_state_dict(trainer.model.layers.state_dict())
    loader = tutorial_loop.make_loader(datasets.data_folder(), batches_of(trainer, epoch=0)[:steps])

    # Both in float64, where rounding stays too small to be seen: in float32 it can tip a neuron's ReLU over or turn
    # Adam's first step for a weight around, after which two correct runs differ by per cents at single steps.
    for layers in (trainer.model.layers, theirs):
        layers.double()[0].register_forward_pre_hook(lambda layer, images: images[0].double())
    expected = tutorial_loop.train_epoch(theirs, loader, tutorial_loop.make_optimizer(theirs))
    take_steps(trainer, steps)

    assert len(expected) == steps
    # A history keeps float32, whose rounding is at most 6e-8 of a number.
    np.testing.assert_allclose(trainer.history.losses, expected, rtol=1e-6)
    assert np.mean(expected[-10:]) < expected[0] / 3


def test_a_whole_run_of_the_tutorial_ends_where_its_own_loop_ends(mnist: Dataset) -> None:
    experiment = TUTORIAL_PRESETS["one-hidden"].changed(device="cpu")
    trainer = Trainer(experiment, mnist)
    theirs = tutorial_loop.make_model((256,))
    theirs.load_state_dict(trainer.model.layers.state_dict())
    optimizer = tutorial_loop.make_optimizer(theirs)
    pixels = mnist.train.images.float() / 255
    expected: list[float] = []
    for epoch in range(5):
        batches = ((pixels[rows], mnist.train.labels[rows]) for rows in batches_of(trainer, epoch))
        expected += tutorial_loop.train_epoch(theirs, batches, optimizer)

    *_, last = trainer
    assert isinstance(last, Finished)
    # Before rounding is amplified (see above) it is some 3e-7 of a loss.
    np.testing.assert_allclose(trainer.history.losses[:50], expected[:50], rtol=1e-5)
    ours = [record.loss for record in trainer.history.epochs]
    assert ours == pytest.approx(np.reshape(expected, (5, 938)).mean(axis=1), rel=0.05)
    accuracy = evaluate(theirs, mnist.test.images, mnist.test.labels).accuracy
    assert last.result.test.accuracy == pytest.approx(accuracy, abs=0.003)
    # What the tutorial prints: 97.78 %; between seeds 97.74 with a standard deviation of 0.21.
    assert last.result.test.accuracy == pytest.approx(0.9774, abs=0.0084)


def test_an_untrained_model_guesses(preset: Experiment, mnist: Dataset) -> None:
    trainer = Trainer(preset, mnist)
    batch = mnist.train.images[:64].float() / 255
    with torch.no_grad():
        logits = trainer.model(batch)
    assert logits.shape == (64, 10)
    assert logits.abs().max() < 0.5
    loss = F.cross_entropy(logits, mnist.train.labels[:64]).item()
    assert loss == pytest.approx(math.log(10), abs=0.05)
    next(trainer)
    assert trainer.history.losses[0] == pytest.approx(math.log(10), abs=0.05)


def test_images_reach_the_loop_as_to_tensor_makes_them(mnist: Dataset) -> None:
    ((images, labels),) = tutorial_loop.make_loader(datasets.data_folder(), [list(range(0, 60_000, 100))])
    assert torch.equal(images[:, 0], datasets.to_input(mnist.train.images[::100]))
    assert torch.equal(labels, mnist.train.labels[::100])


# Events and history


def test_events_come_in_their_order_and_history_keeps_pace(small: Small, mnist: Dataset) -> None:
    experiment = small(batch_size=100)
    trainer = Trainer(experiment, mnist)
    seen: list[Event] = []
    for event in trainer:
        seen.append(event)
        steps = [event for event in seen if isinstance(event, Step)]
        assert trainer.history.steps == len(steps)
        assert len(trainer.history.losses) == len(trainer.history.rates) == len(steps)
        assert trainer.history.epochs == [event.record for event in seen if isinstance(event, EpochEnd)]
    epoch = [Step] * 7 + [Evaluating] * 2 + [EpochEnd]
    assert [type(event) for event in seen] == [*epoch, *epoch, *[Evaluating] * 11, Finished]
    assert [(event.step, event.epoch) for event in steps] == [(i, 1 if i <= 7 else 2) for i in range(1, 15)]
    assert [record.epoch for record in trainer.history.epochs] == [1, 2]
    with pytest.raises(StopIteration):
        next(trainer)


def test_a_given_history_is_written(small: Small, mnist: Dataset) -> None:
    experiment = small()
    history = History(experiment)
    trainer = Trainer(experiment, mnist, history)
    take_steps(trainer, 3)
    assert trainer.history is history
    assert history.steps == 3


@pytest.mark.parametrize(
    "fields",
    [{}, {"dropout": 0.5, "batch_norm": True}, {"normalize": True}, {"label_noise": 0.5}, {"validation": 0}],
    ids=str,
)
def test_an_epochs_figures_are_those_computed_by_hand(fields: dict[str, object], small: Small, train: Train) -> None:
    trainer, _ = train(small(**fields))
    record = trainer.history.epochs[-1]
    assert record.loss == pytest.approx(np.mean(trainer.history.losses[-10:].astype(float)))
    assert record.learning_rate == pytest.approx(0.001)

    def by_hand(rows: Tensor) -> tuple[float, float]:
        images = trainer.images[rows].float() / 255
        if "normalize" in fields:
            images = (images - 0.1307) / 0.3081
        with torch.no_grad():
            probabilities = torch.softmax(trainer.model.eval()(images).double(), dim=1)
        labels = trainer.labels[rows]
        losses = -torch.log(probabilities[torch.arange(len(rows)), labels])
        return losses.mean().item(), (probabilities.argmax(1) == labels).double().mean().item()

    # With 640 images the sample for the training figures is all of them.
    assert (record.train_loss, record.train_accuracy) == pytest.approx(by_hand(trainer.train_rows), rel=1e-5)
    if "validation" in fields:
        assert record.val_loss is None and record.val_accuracy is None
    else:
        assert (record.val_loss, record.val_accuracy) == pytest.approx(by_hand(trainer.val_rows), rel=1e-5)


def test_training_figures_of_many_images_are_of_a_fixed_sample(
    small: Small, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SAMPLE_IMAGES == 5000
    monkeypatch.setattr(training, "SAMPLE_IMAGES", 64)
    trainer, _ = train(small(learning_rate=1e-30))
    # Learning nothing, a model has the same figures on the same images; on others it would not.
    first, second = trainer.history.epochs
    assert (first.train_loss, first.train_accuracy) == (second.train_loss, second.train_accuracy)
    assert (first.train_accuracy * 64).is_integer()
    assert first.train_loss != evaluate(trainer.model, trainer.images, trainer.labels).loss


def test_label_noise_is_in_the_training_figures_and_in_no_others(small: Small, train: Train, mnist: Dataset) -> None:
    trainer, result = train(small(label_noise=0.5, train_size=2000, epochs=5))
    record = trainer.history.epochs[-1]
    images = trainer.images[trainer.train_rows]
    clean = evaluate(trainer.model, images, mnist.train.labels[trainer.train_rows]).accuracy
    noisy = evaluate(trainer.model, images, trainer.labels[trainer.train_rows]).accuracy
    assert record.train_accuracy == result.train.accuracy == noisy
    assert clean > noisy + 0.2
    assert record.val_accuracy is not None and record.val_accuracy > noisy + 0.1
    assert result.test.accuracy > noisy + 0.1
    assert result.gap == noisy - result.test.accuracy


def test_the_result_is_measured_on_all_images_with_the_final_weights(
    small: Small, train: Train, mnist: Dataset
) -> None:
    trainer, result = train(small())
    on_train = evaluate(trainer.model, trainer.images[trainer.train_rows], trainer.labels[trainer.train_rows])
    on_test = evaluate(trainer.model, mnist.test.images, mnist.test.labels)
    for measured, expected in ((result.train, on_train), (result.test, on_test)):
        assert (measured.loss, measured.accuracy) == (expected.loss, expected.accuracy)
        assert np.array_equal(measured.predictions, expected.predictions)
    assert len(result.test.predictions) == 10_000
    assert result.device == "cpu"
    assert 0 < sum(record.seconds for record in trainer.history.epochs) <= result.train_seconds


def test_seconds_leave_out_what_happens_between_events(
    small: Small, mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: now))
    trainer = Trainer(small(epochs=1), mnist)

    def take_a_second(*_: object) -> None:
        nonlocal now
        now += 1

    trainer.model.register_forward_pre_hook(take_a_second)
    events = []
    for event in trainer:
        events.append(event)
        now += 100
    record, last = trainer.history.epochs[0], events[-1]
    assert isinstance(last, Finished)
    # Ten batches, the training sample and the validation images; then all training images and ten chunks of the test.
    assert record.seconds == last.result.train_seconds == 12
    assert trainer.seconds == 12 + 1 + 10


# The same bits every time


@pytest.fixture(scope="module")
def undisturbed(mnist: Dataset) -> tuple[Any, ...]:
    """What is left behind by the experiment with everything random, trained once for all tests."""
    fields = {"validation": 200, "epochs": 2, "device": "cpu", **EVERYTHING_RANDOM}
    trainer = Trainer(experiment_from_fields(fields), mnist)
    for _ in trainer:
        pass
    return bits(trainer)


def test_equal_experiments_give_equal_bits(undisturbed: tuple[Any, ...], small: Small, train: Train) -> None:
    assert bits(train(small(**EVERYTHING_RANDOM))[0]) == undisturbed
    assert bits(train(small(**EVERYTHING_RANDOM, seed=1))[0]) != undisturbed


@contextlib.contextmanager
def everybody_else() -> Iterator[None]:
    """Another thread that draws from, and reseeds, all global generators and changes the number of threads."""
    over = threading.Event()
    rounds = 0

    def disturb() -> None:
        nonlocal rounds
        while not over.is_set():
            torch.manual_seed(rounds % 7)
            np.random.seed(rounds % 7)  # noqa: NPY002
            random.seed(rounds % 7)
            torch.set_num_threads(1 + rounds % 4)
            torch.rand(100, 100) @ torch.rand(100, 100)
            np.random.rand(100)  # noqa: NPY002
            random.random()
            rounds += 1

    other = threading.Thread(target=disturb)
    other.start()
    try:
        yield
    finally:
        over.set()
        other.join()
    assert rounds > 20


def test_other_threads_change_no_bit(undisturbed: tuple[Any, ...], small: Small, train: Train) -> None:
    with everybody_else():
        assert bits(train(small(**EVERYTHING_RANDOM))[0]) == undisturbed


def in_threads(*work: Callable[[], object]) -> None:
    """Does all of it at once, each in a thread of its own."""
    together = threading.Barrier(len(work))
    failures: list[BaseException] = []

    def do(what: Callable[[], object]) -> None:
        try:
            together.wait()
            what()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=do, args=(what,)) for what in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_runs_side_by_side_change_no_bit_of_each_other(small: Small, mnist: Dataset, train: Train) -> None:
    experiments = [
        small(**EVERYTHING_RANDOM),
        small(**EVERYTHING_RANDOM, seed=1, activation="gelu"),
        small(**EVERYTHING_RANDOM | {"threads": 2, "train_size": 500}),
    ]
    alone = [bits(train(experiment)[0]) for experiment in experiments]
    together: dict[int, tuple[Any, ...]] = {}

    def run(number: int) -> None:
        together[number] = bits(train(experiments[number])[0])

    in_threads(*(lambda number=number: run(number) for number in range(len(experiments))))
    assert [together[number] for number in range(len(experiments))] == alone


def test_runs_that_take_turns_in_one_thread_change_no_bit_of_each_other(
    undisturbed: tuple[Any, ...], small: Small, mnist: Dataset
) -> None:
    mine = Trainer(small(**EVERYTHING_RANDOM), mnist)
    other = Trainer(small(**EVERYTHING_RANDOM | {"threads": 2, "train_size": 500}), mnist)
    for _ in mine:
        next(other, None)
    assert bits(mine) == undisturbed


def test_pauses_and_what_the_caller_does_in_them_change_no_bit(
    undisturbed: tuple[Any, ...], small: Small, mnist: Dataset
) -> None:
    trainer = Trainer(small(**EVERYTHING_RANDOM), mnist)
    for number, _ in enumerate(trainer):
        torch.manual_seed(number)
        torch.rand(10)
        torch.set_num_threads(1 + number % 3)
        # A page looks at the model and the figures between two events.
        with torch.no_grad():
            trainer.model.eval()(torch.zeros(1, 28, 28))
            trainer.model.train()
        _ = trainer.history.losses.mean(), trainer.history.best_epoch
        time.sleep(0.001)
    assert bits(trainer) == undisturbed


def test_a_run_may_go_on_in_another_thread(undisturbed: tuple[Any, ...], small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(**EVERYTHING_RANDOM), mnist)
    take_steps(trainer, 20)
    in_threads(lambda: take_steps(trainer, 30))
    for _ in trainer:
        pass
    assert bits(trainer) == undisturbed


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_number_of_threads_is_the_experiments(threads: int, small: Small, mnist: Dataset) -> None:
    assert small(threads=threads) != small(threads=threads + 1)
    trainer = Trainer(small(threads=threads), mnist)
    counts = []
    trainer.model.register_forward_pre_hook(lambda *_: counts.append(torch.get_num_threads()))
    for _ in trainer:
        torch.set_num_threads(threads + 1)
    assert set(counts) == {threads}


def test_watching_the_layers_changes_no_bit(small: Small, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = small(**EVERYTHING_RANDOM)
    watched, _ = train(experiment)
    assert watched.history.health
    monkeypatch.setattr(Trainer, "_record_health", lambda trainer, before: None)
    unwatched, _ = train(experiment)
    assert not unwatched.history.health
    assert same(weights(watched), weights(unwatched))
    assert np.array_equal(watched.history.losses, unwatched.history.losses)


def test_losses_read_in_groups_as_from_an_accelerator_are_the_same(small: Small, mnist: Dataset) -> None:
    experiment = small(train_size=3000)
    plain, grouped = Trainer(experiment, mnist), Trainer(experiment, mnist)
    grouped.device = SimpleNamespace(type="cuda")  # type: ignore[assignment]
    steps = 0
    while len(plain.history.epochs) < 2:
        next(plain)
        steps += isinstance(next(grouped), Step)
        assert grouped.history.steps <= steps < grouped.history.steps + 32
    assert steps == experiment.total_steps
    assert bits(grouped) == bits(plain)


# Who decides what


def test_validation_images_are_never_learned_from(small: Small, mnist: Dataset, train: Train) -> None:
    experiment = small(**EVERYTHING_RANDOM, normalize=True)
    rows, watched = split(experiment.data)
    honest, _ = train(experiment)
    poisoned, _ = train(experiment, with_train(mnist, not_in(rows)))
    assert same(weights(honest), weights(poisoned))
    assert np.array_equal(honest.history.losses, poisoned.history.losses)
    for one, other in zip(honest.history.epochs, poisoned.history.epochs, strict=True):
        assert (one.train_loss, one.train_accuracy) == (other.train_loss, other.train_accuracy)
        # The poison is where validation looks.
        assert one.val_accuracy is not None and other.val_accuracy is not None
        assert one.val_accuracy > other.val_accuracy + 0.2
    assert torch.equal(honest.val_rows, watched)
    # One poisoned image among those learned from does show.
    assert not same(weights(honest), weights(train(experiment, with_train(mnist, rows[:1]))[0]))


def test_images_that_are_neither_learned_from_nor_watched_play_no_part(
    small: Small, mnist: Dataset, train: Train
) -> None:
    experiment = small(**EVERYTHING_RANDOM)
    used = torch.cat(split(experiment.data))
    assert bits(train(experiment, with_train(mnist, not_in(used)))[0]) == bits(train(experiment)[0])


def test_test_images_decide_nothing(small: Small, mnist: Dataset, train: Train) -> None:
    experiment = small(**EVERYTHING_RANDOM)
    noise = Images(torch.randint(256, (10_000, 28, 28), dtype=torch.uint8), (mnist.test.labels + 1) % 10)
    honest, result = train(experiment)
    poisoned, poisoned_result = train(experiment, dataclasses.replace(mnist, test=noise))
    assert bits(poisoned) == bits(honest)
    assert poisoned_result.train.accuracy == result.train.accuracy
    assert result.test.accuracy > 0.5 > poisoned_result.test.accuracy


def test_the_dataset_is_left_as_it_was(small: Small, mnist: Dataset, train: Train) -> None:
    images, labels = mnist.train.images.clone(), mnist.train.labels.clone()
    train(small(**EVERYTHING_RANDOM))
    assert torch.equal(mnist.train.images, images)
    assert torch.equal(mnist.train.labels, labels)


# The end, early or bad


def test_stopping_evaluates_what_was_reached(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(), mnist)
    take_steps(trainer, 13)
    reached = weights(trainer)
    trainer.stop()
    *evaluating, last = trainer
    assert {type(event) for event in evaluating} == {Evaluating}
    assert isinstance(last, Finished)
    assert trainer.history.steps == 13
    assert [record.epoch for record in trainer.history.epochs] == [1]
    assert same(weights(trainer), reached)
    assert last.result.test.accuracy == evaluate(trainer.model, mnist.test.images, mnist.test.labels).accuracy
    assert len(last.result.train.predictions) == 640


def test_stopping_in_the_first_epoch_leaves_no_epoch(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(), mnist)
    take_steps(trainer, 4)
    trainer.stop()
    *_, last = trainer
    assert isinstance(last, Finished)
    assert trainer.history.steps == 4
    assert trainer.history.epochs == []


def test_stopping_while_an_epoch_is_measured_trains_no_further(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(epochs=3), mnist)
    while not isinstance(next(trainer), Evaluating):
        pass
    trainer.stop()
    *_, last = trainer
    assert isinstance(last, Finished)
    assert trainer.history.steps == 10


def test_stopping_within_a_group_of_accumulated_batches(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(accumulate=4), mnist)
    take_steps(trainer, 6)
    trainer.stop()
    *_, last = trainer
    assert isinstance(last, Finished)
    assert trainer.history.steps == 6
    # One update only: the two batches after it had no group to end.
    assert [record.step for record in trainer.history.health] == [4]


EXPLODING = {"hidden": (), "optimizer": "sgd", "learning_rate": 100, "weight_decay": 10}
"""Every update multiplies the weights by 1 - 100 · 10 = -999, so float32 ends after about 13 of them."""


def overfitting(small: Small, **fields: object) -> Experiment:
    """Learns wrong labels by heart within a few epochs."""
    return small(**{"hidden": (128,), "label_noise": 0.5, "learning_rate": 0.005, "epochs": 30, **fields})


def test_early_stopping_ends_after_its_patience_and_takes_the_weights_of_the_lowest_loss(
    small: Small, train: Train, mnist: Dataset
) -> None:
    trainer, result = train(overfitting(small, early_stopping=3, batch_norm=True))
    losses = [record.val_loss or 0 for record in trainer.history.epochs]
    best = losses.index(min(losses)) + 1
    assert len(losses) == best + 3 < 30
    assert trainer.is_complete
    assert result.weights_of_epoch == best
    validation = evaluate(trainer.model, mnist.train.images[trainer.val_rows], mnist.train.labels[trainer.val_rows])
    assert validation.loss == pytest.approx(losses[best - 1], rel=1e-6)
    alone, _ = train(overfitting(small, batch_norm=True, epochs=best))
    assert bits(trainer)[-1] == bits(alone)[-1]


def test_early_stopping_takes_the_best_weights_also_where_all_epochs_were_trained(small: Small, train: Train) -> None:
    trainer, result = train(overfitting(small, early_stopping=1000, epochs=12))
    losses = [record.val_loss or 0 for record in trainer.history.epochs]
    assert len(losses) == 12
    assert result.weights_of_epoch == losses.index(min(losses)) + 1 < 12


def test_a_stop_by_hand_before_early_stopping_leaves_the_weights_as_they_are(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(overfitting(small, early_stopping=1000), mnist)
    until_epoch(trainer, 12)
    trainer.stop()
    before = weights(trainer)
    *_, last = trainer
    assert isinstance(last, Finished)
    assert last.result.weights_of_epoch == 12
    torch.testing.assert_close(weights(trainer), before, rtol=0, atol=0)


def test_diverging_ends_with_the_step_and_the_likely_cause(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(**EXPLODING), mnist)
    with pytest.raises(TrainingDiverged) as diverged:
        for _ in trainer:
            pass
    history = trainer.history
    assert 10 < history.steps < 20
    assert np.isfinite(history.losses[:-1]).all()
    assert not math.isfinite(history.losses[-1])
    assert f"step {history.steps} (epoch 2)" in str(diverged.value)
    assert "100 with sgd" in str(diverged.value)
    assert [record.epoch for record in history.epochs] == [1]
    assert list(trainer) == []


def test_a_run_whose_last_update_diverged_does_not_finish(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(**EXPLODING), mnist)
    with pytest.raises(TrainingDiverged):
        for _ in trainer:
            pass
    # As many steps as have a finite loss: only the weights after the last of them are no numbers.
    steps = trainer.history.steps - 1
    shorter = Trainer(small(**EXPLODING, train_size=64 * steps, epochs=1), mnist)
    with pytest.raises(TrainingDiverged) as diverged:
        for _ in shorter:
            pass
    assert f"step {steps}" in str(diverged.value)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_here_is_refused(
    device: str, small: Small, mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InvalidExperiment) as refused:
        Trainer(small(device=device), mnist)
    assert list(refused.value.problems) == ["device"]
    assert device in str(refused.value)
    assert "auto or cpu" in str(refused.value)


def test_auto_takes_cuda_then_mps_then_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"cuda": True, "mps": True}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: here["cuda"])
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: here["mps"])
    assert choose_device("auto").type == "cuda"
    here["cuda"] = False
    assert choose_device("auto").type == "mps"
    here["mps"] = False
    assert choose_device("auto").type == "cpu"
    here["cuda"] = True
    assert choose_device("cpu").type == "cpu"


# Interrupted, and gone on with

ALL_THAT_HAS_STATE = {
    "hidden": (48, 32), "activation": "gelu", "train_size": 1000, "batch_size": 48, "epochs": 3, "accumulate": 4,
    "optimizer": "adamw", "weight_decay": 0.01, "schedule": "cosine", "dropout": 0.3, "batch_norm": True,
    "augment": "elastic", "label_noise": 0.1,
}  # fmt: skip
"""Fields with which all that moves from step to step is used, and an epoch's last group is short."""


def until_epoch(trainer: Trainer, epoch: int) -> Trainer:
    """Runs to the end of an epoch, from 1."""
    while len(trainer.history.epochs) < epoch:
        next(trainer)
    return trainer


@pytest.fixture
def few_tests(mnist: Dataset) -> Dataset:
    """MNIST with few test images, which every resumed training is evaluated on."""
    return dataclasses.replace(mnist, test=Images(mnist.test.images[:500], mnist.test.labels[:500]))


def kept(state: State) -> State:
    """What a process started later reads of it; nothing but tensors and plain values passes."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    back: State = torch.load(file, weights_only=True)
    return back


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"schedule": "one-cycle", "optimizer": "nesterov", "learning_rate": 0.01},
        {"schedule": "constant", "optimizer": "rmsprop", "augment": "affine", "dropout": 0.0},
        {"early_stopping": 1000, "learning_rate": 0.3},
    ],
    ids=str,
)
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_training_gone_on_with_is_the_uninterrupted_one_to_the_last_bit(
    epoch: int, fields: dict[str, object], small: Small, train: Train, few_tests: Dataset
) -> None:
    experiment = small(**{**ALL_THAT_HAS_STATE, **fields})
    whole, expected = train(experiment, few_tests)
    interrupted = until_epoch(Trainer(experiment, few_tests), epoch)
    state = kept(interrupted.state())
    list(interrupted)
    history = History(experiment)
    resumed = Trainer(experiment, few_tests, history, state)
    assert resumed.history.epochs == interrupted.history.epochs[:epoch]
    assert resumed.seconds == state["seconds"]
    steps = [event.step for event in resumed if isinstance(event, Step)]
    assert steps == list(range(epoch * experiment.steps_per_epoch + 1, experiment.total_steps + 1))
    assert resumed.history is history
    assert bits(resumed) == bits(whole)
    assert evaluate(resumed.model, few_tests.test.images, few_tests.test.labels).loss == expected.test.loss


def test_the_state_is_a_copy(small: Small, mnist: Dataset) -> None:
    trainer = until_epoch(Trainer(small(**ALL_THAT_HAS_STATE), mnist), 1)
    state = trainer.state()
    before = {name: tensor.clone() for name, tensor in state["model"].items()}
    list(trainer)
    assert len(state["epochs"]) == 1
    assert all(torch.equal(tensor, state["model"][name]) for name, tensor in before.items())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"accumulate": 1, "schedule": "one-cycle", "optimizer": "nesterov", "learning_rate": 0.01},
        {"accumulate": 3, "optimizer": "adagrad", "augment": "affine", "order": "by-class"},
        {"accumulate": 1, "early_stopping": 1, "learning_rate": 0.05, "schedule": "constant", "epochs": 6},
        {"accumulate": 21, "batch_norm": False},
    ],
    ids=str,
)
def test_a_state_after_any_update_and_between_any_evaluations_goes_on_to_the_same_bits(
    fields: dict[str, object], small: Small, train: Train, few_tests: Dataset
) -> None:
    experiment = small(**{**ALL_THAT_HAS_STATE, **fields})
    whole, expected = train(experiment, few_tests)
    groups = experiment.steps_per_epoch // experiment.hyperparameters.accumulate
    interrupted, saved = Trainer(experiment, few_tests), 0
    for number, event in enumerate(interrupted):
        # Every eleventh opportunity, which is a different place in each epoch.
        if not interrupted.may_save or isinstance(event, Finished) or number % 11:
            continue
        saved += 1
        state = kept(interrupted.state())
        resumed = Trainer(experiment, few_tests, state=state)
        assert resumed.history.steps == interrupted.history.steps and resumed.may_save
        *_, last = resumed
        assert bits(resumed) == bits(whole)
        assert isinstance(last, Finished)
        assert last.result.test.loss == expected.test.loss
        assert last.result.weights_of_epoch == expected.weights_of_epoch
    assert bits(interrupted) == bits(whole)
    assert saved >= min(3, groups)


def test_one_state_can_be_gone_on_with_many_times(small: Small, train: Train, mnist: Dataset) -> None:
    experiment = small(**ALL_THAT_HAS_STATE)
    whole, _ = train(experiment)
    interrupted = Trainer(experiment, mnist)
    take_steps(interrupted, 8)
    state = interrupted.state()
    for _ in range(2):
        resumed = Trainer(experiment, mnist, state=state)
        list(resumed)
        assert bits(resumed) == bits(whole)


def test_an_interruption_does_not_count_in_the_seconds_of_an_epoch(small: Small, mnist: Dataset) -> None:
    interrupted = Trainer(small(), mnist)
    take_steps(interrupted, 15)
    state = kept(interrupted.state())
    resumed = until_epoch(Trainer(small(), mnist, state=state), 2)
    first, second = resumed.history.epochs
    assert first == interrupted.history.epochs[0]
    assert state["seconds"] - state["epoch_started"] < second.seconds < resumed.seconds - first.seconds


@pytest.mark.parametrize(("steps", "weights_of_epoch", "epochs"), [(10, 1, 1), (13, None, 1)])
def test_a_training_gone_on_with_can_be_stopped_before_its_first_step(
    steps: int, weights_of_epoch: int | None, epochs: int, small: Small, mnist: Dataset
) -> None:
    interrupted = Trainer(small(), mnist)
    take_steps(interrupted, steps)
    resumed = Trainer(small(), mnist, state=kept(interrupted.state()))
    resumed.stop()
    *_, last = resumed
    assert isinstance(last, Finished)
    assert (resumed.history.steps, len(resumed.history.epochs)) == (steps, epochs)
    assert last.result.weights_of_epoch == weights_of_epoch


def test_within_a_group_of_batches_there_is_no_state(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(accumulate=4), mnist)  # 10 batches in an epoch: groups of 4, 4 and 2
    may = []
    for event in trainer:
        if isinstance(event, Step):
            may.append(trainer.may_save)
            if not trainer.may_save:
                with pytest.raises(ValueError, match="after an update"):
                    trainer.state()
        else:
            trainer.state()
    assert may == 2 * [False, False, False, True, False, False, False, True, False, True]


def test_losses_that_an_accelerator_has_not_given_yet_are_in_the_state(
    small: Small, mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "_record", lambda self, loss, rate: self._unread.append((loss, rate)))
    trainer = Trainer(small(), mnist)
    take_steps(trainer, 7)
    assert (trainer.history.steps, trainer.steps) == (0, 7)
    state = trainer.state()
    assert trainer.history.steps == len(state["losses"]) == 7


def test_another_experiments_state_is_refused(small: Small, mnist: Dataset) -> None:
    state = until_epoch(Trainer(small(), mnist), 1).state()
    with pytest.raises(InvalidState, match="another experiment"):
        Trainer(small(seed=1), mnist, state=state)


def test_what_is_no_state_is_refused(small: Small, mnist: Dataset) -> None:
    experiment = small(schedule="cosine")
    state = until_epoch(Trainer(experiment, mnist), 1).state()
    incomplete = [{name: state[name] for name in state if name != left_out} for left_out in state]
    odd = {
        "model": {}, "optimizer": {}, "dropout": torch.zeros(3), "losses": torch.zeros(3), "rates": torch.zeros(1),
        "epochs": [{}],
    }  # fmt: skip
    for spoilt in [[], *incomplete, *({**state, name: value} for name, value in odd.items())]:
        with pytest.raises(InvalidState, match="not the state of a training"):
            Trainer(experiment, mnist, state=spoilt)  # type: ignore[arg-type]
    with pytest.raises(InvalidState, match="do not fit together"):
        Trainer(experiment, mnist, state={**state, "epochs": 2 * state["epochs"]})


# Gradients and updates


def gradients(trainer: Trainer) -> list[Tensor]:
    return [part.grad.clone() for part in trainer.model.parameters() if part.grad is not None]


def test_accumulating_small_batches_is_one_large_batch(small: Small, mnist: Dataset) -> None:
    large, parts = Trainer(small(batch_size=64), mnist), Trainer(small(batch_size=16, accumulate=4), mnist)
    before = weights(parts)
    for update in range(1, 4):
        take_steps(large, 1)
        take_steps(parts, 3)
        assert same(weights(parts), before)
        take_steps(parts, 1)
        before = weights(parts)
        if update == 1:
            torch.testing.assert_close(gradients(parts), gradients(large), rtol=1e-4, atol=1e-7)
        assert large.history.losses[-1] == pytest.approx(parts.history.losses[-4:].mean(), rel=1e-4)


def test_a_group_that_the_epoch_leaves_short_is_averaged_over_what_it_has(small: Small, mnist: Dataset) -> None:
    # 640 images in batches of 100 and groups of 4: the epoch's last group has 3 batches, the last of them 40 images.
    trainer = Trainer(small(batch_size=100, accumulate=4, optimizer="sgd", learning_rate=0.1), mnist)
    take_steps(trainer, 4)
    batches = batches_of(trainer, epoch=0)[4:]
    assert [len(rows) for rows in batches] == [100, 100, 40]
    model = trainer.model
    losses = [F.cross_entropy(model(trainer.images[rows].float() / 255), trainer.labels[rows]) for rows in batches]
    expected = torch.autograd.grad(torch.stack(losses).mean(), list(model.parameters()))
    before = weights(trainer)
    take_steps(trainer, 3)
    torch.testing.assert_close(gradients(trainer), list(expected), rtol=1e-4, atol=1e-7)
    updated = [weight - 0.1 * gradient for weight, gradient in zip(before, expected, strict=True)]
    torch.testing.assert_close(weights(trainer), updated, rtol=1e-5, atol=1e-7)
    assert trainer.history.losses[4:].tolist() == pytest.approx([loss.item() for loss in losses], rel=1e-5)


OPTIMIZERS: dict[OptimizerName, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "momentum": lambda parameters, **rest: torch.optim.SGD(parameters, momentum=0.9, **rest),
    "nesterov": lambda parameters, **rest: torch.optim.SGD(parameters, momentum=0.9, nesterov=True, **rest),
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}
RATES = {"sgd": 0.2, "momentum": 0.05, "nesterov": 0.05, "adagrad": 0.01}


@pytest.mark.parametrize(
    ("optimizer", "activation"),
    [
        *((optimizer, "relu") for optimizer in OPTIMIZERS),
        *(("adam", activation) for activation in ACTIVATIONS if activation != "relu"),
    ],
)
def test_optimizers_and_activations_are_pytorchs_own_and_learn(
    optimizer: OptimizerName, activation: Activation, small: Small, mnist: Dataset
) -> None:
    rate = RATES.get(optimizer, 0.02 if activation == "sigmoid" else 0.003)
    fields = {"hidden": (32, 16), "optimizer": optimizer, "activation": activation, "learning_rate": rate}
    trainer = Trainer(small(**fields, weight_decay=0.01, epochs=5), mnist)
    kind = ACTIVATIONS[activation]
    plain = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), kind(), nn.Linear(32, 16), kind(), nn.Linear(16, 10))
    plain.load_state_dict(trainer.model.layers.state_dict())
    pixels = mnist.train.images.float() / 255
    batches = ((pixels[rows], mnist.train.labels[rows]) for rows in batches_of(trainer, epoch=0))
    expected = tutorial_loop.train_epoch(
        plain, batches, OPTIMIZERS[optimizer](plain.parameters(), lr=rate, weight_decay=0.01)
    )
    take_steps(trainer, 50)
    np.testing.assert_allclose(trainer.history.losses[:10], expected, rtol=1e-4)
    assert trainer.history.losses[-10:].mean() < 0.95 * trainer.history.losses[:10].mean()


def test_weight_decay_pulls_weights_towards_zero(small: Small, train: Train) -> None:
    free, _ = train(small(optimizer="adamw"))
    pulled, _ = train(small(optimizer="adamw", weight_decay=10))
    norms = [sum(part.norm().item() for part in weights(trainer)) for trainer in (free, pulled)]
    # Each of the 20 updates shrinks every weight by rate times decay, a hundredth.
    assert norms[1] < 0.95 * norms[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"batch_norm": True, "dropout": 0.2, "hidden": (64, 32)},
        {"hidden": (), "learning_rate": 0.01},
        {"augment": "affine"},
        {"augment": "elastic"},
        {"normalize": True},
        {"order": "stored"},
        {"schedule": "one-cycle", "learning_rate": 0.01},
        {"batch_size": "full", "learning_rate": 0.01, "epochs": 30},
    ],
    ids=str,
)
def test_it_learns_with(fields: dict[str, object], small: Small, train: Train) -> None:
    trainer, result = train(small(**{"epochs": 10, **fields}))
    first, *_, last = trainer.history.epochs
    assert last.train_loss < first.train_loss
    assert last.train_loss < math.log(10) / 2
    assert result.test.accuracy > 0.6


def test_the_full_batch_is_one_step_an_epoch_over_all_images(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(batch_size="full"), mnist)
    untrained = evaluate(trainer.model, trainer.images[trainer.train_rows], trainer.labels[trainer.train_rows])
    for _ in trainer:
        pass
    assert trainer.history.steps == 2
    assert trainer.history.losses[0] == pytest.approx(untrained.loss, rel=1e-5)
    # The second step's loss is taken on the same images, with the weights at the end of the first epoch.
    assert trainer.history.losses[1] == pytest.approx(trainer.history.epochs[0].train_loss, rel=1e-5)


def test_by_class_order_reaches_the_loop(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(order="by-class", batch_size=10, optimizer="sgd", learning_rate=0.5), mnist)
    take_steps(trainer, 5)
    # Five batches of nothing but zeros: all that the model then says is zero.
    predictions = evaluate(trainer.model, mnist.test.images, mnist.test.labels).predictions
    assert (predictions == 0).mean() > 0.95


# Learning-rate schedules


def rates_per_update(trainer: Trainer) -> list[float]:
    """The rate of every update; the batches of a group must have the same."""
    accumulate = trainer.experiment.hyperparameters.accumulate
    rates = trainer.history.rates.astype(float).reshape(trainer.experiment.hyperparameters.epochs, -1)
    updates: list[float] = []
    for epoch in rates:
        for first in range(0, len(epoch), accumulate):
            group = epoch[first : first + accumulate]
            assert len(set(group)) == 1
            updates.append(float(group[0]))
    return updates


@pytest.mark.parametrize("accumulate", [1, 4])
def test_schedules_move_the_rate_per_update(accumulate: int, small: Small, train: Train) -> None:
    def rates(schedule: str) -> list[float]:
        trainer, _ = train(small(schedule=schedule, learning_rate=0.02, accumulate=accumulate, epochs=3))
        assert trainer.history.epochs[-1].learning_rate == trainer.history.rates[-1]
        return rates_per_update(trainer)

    updates = 9 if accumulate == 4 else 30
    assert rates("constant") == pytest.approx([0.02] * updates)
    cosine = [0.02 * (1 + math.cos(math.pi * done / updates)) / 2 for done in range(updates)]
    assert rates("cosine") == pytest.approx(cosine, rel=1e-4)
    assert cosine[-1] < 0.04 * 0.02 * (30 / updates) ** 2
    one_cycle = rates("one-cycle")
    peak = int(np.argmax(one_cycle))
    assert one_cycle[peak] == pytest.approx(0.02, rel=0.05)
    assert peak == pytest.approx(0.3 * updates, abs=1)
    assert one_cycle[: peak + 1] == sorted(one_cycle[: peak + 1])
    assert one_cycle[peak:] == sorted(one_cycle[peak:], reverse=True)
    assert one_cycle[0] == pytest.approx(0.02 / 25)
    assert one_cycle[-1] < 0.02 / 5


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov", "adam"])
def test_one_cycle_changes_the_rate_and_nothing_else(optimizer: str, small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(schedule="one-cycle", optimizer=optimizer, learning_rate=0.01), mnist)
    before = dict(trainer.optimizer.param_groups[0])
    plain = torch.optim.SGD(nn.Linear(1, 1).parameters())
    theirs = torch.optim.lr_scheduler.OneCycleLR(plain, max_lr=0.01, total_steps=21, cycle_momentum=False)
    for _ in range(20):
        assert trainer.optimizer.param_groups[0]["lr"] == plain.param_groups[0]["lr"]
        take_steps(trainer, 1)
        plain.step()
        theirs.step()
    after = trainer.optimizer.param_groups[0]
    # By default, PyTorch varies momentum and betas, too; the field's help and the exported code say that this does not.
    assert {name for name in before if name != "params" and before[name] != after[name]} == {"lr"}
    assert "cycle_momentum=False" in script(trainer.experiment)
    assert "PyTorch" in script(trainer.experiment).split("cycle_momentum=False")[1].split("\n")[0]


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_schedules_of_very_few_updates(schedule: str, epochs: int, small: Small, train: Train) -> None:
    trainer, _ = train(small(schedule=schedule, batch_size="full", epochs=epochs))
    assert trainer.history.steps == epochs
    assert (trainer.history.rates > 0).all()
    assert (trainer.history.rates <= np.float32(0.001)).all()


# The layers' health


def test_health_is_what_one_update_did(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(hidden=(32, 16), optimizer="sgd", learning_rate=0.1), mnist)
    before = [layer.weight.detach().clone() for layer in trainer.model.linear_layers]
    next(trainer)
    (record,) = trainer.history.health
    assert record.step == 1
    assert len(record.layers) == 3
    for layer, old, health in zip(trainer.model.linear_layers, before, record.layers, strict=True):
        assert layer.weight.grad is not None
        assert health.gradient_norm == pytest.approx(layer.weight.grad.norm().item(), rel=1e-5)
        # SGD's update is the rate times the gradient.
        assert health.update_ratio == pytest.approx(0.1 * health.gradient_norm / old.norm().item(), rel=1e-3)


def test_dead_neurons_are_counted(small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(hidden=(40, 20), learning_rate=1e-6), mnist)
    first, second, _ = trainer.model.linear_layers
    with torch.no_grad():
        first.bias.fill_(100)
        first.bias[:10] = -100
        second.weight.zero_()
        second.bias.fill_(1)
        second.bias[:15] = -1
    next(trainer)
    shares = [layer.dead_share for layer in trainer.history.health[0].layers]
    assert shares == [pytest.approx(10 / 40), pytest.approx(15 / 20), None]
    without_relu = Trainer(small(activation="tanh"), mnist)
    next(without_relu)
    assert [layer.dead_share for layer in without_relu.history.health[0].layers] == [None, None]


def test_health_is_recorded_closely_at_first_and_then_now_and_again(small: Small, train: Train) -> None:
    trainer, _ = train(small(batch_size=10, epochs=4))
    assert trainer.experiment.total_updates == 256
    steps = [record.step for record in trainer.history.health]
    assert steps == sorted({*range(1, 11), *range(5, 257, 5)})
