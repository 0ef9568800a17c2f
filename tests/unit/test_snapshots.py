"""The growth of a model as one drawing sees it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from mlpcore.datasets import Dataset
from mlpcore.experiment import TUTORIAL_PRESETS, Experiment
from mlpcore.models import Classifier
from mlpcore.snapshots import BUDGET_BYTES, Watch, largest_weight, most_changed, snapshot_bytes
from mlpcore.training import Step, Trainer


def grow(experiment: Experiment, mnist: Dataset) -> tuple[Watch, Trainer]:
    watch = Watch(mnist.test.images[0], int(mnist.test.labels[0]), experiment)
    trainer = Trainer(experiment, mnist)
    watch.look(0, trainer.model)
    for event in trainer:
        if isinstance(event, Step):
            watch.look(event.step, trainer.model)
    return watch, trainer


@pytest.fixture
def grown(small: Callable[..., Experiment], mnist: Dataset) -> tuple[Watch, Trainer]:
    return grow(small(batch_norm=True, dropout=0.2, normalize=True, epochs=8), mnist)


def test_looks_run_from_the_untrained_model_to_the_last_step_denser_at_first(grown: tuple[Watch, Trainer]) -> None:
    watch, trainer = grown
    steps = [look.step for look in watch.looks]
    assert steps[0] == 0
    assert steps[-1] == trainer.experiment.total_steps
    assert steps == sorted(set(steps))
    assert len(steps) == 60
    assert steps[10] - steps[9] < steps[-1] - steps[-2]


def test_a_short_run_is_looked_at_after_every_step(small: Callable[..., Experiment], mnist: Dataset) -> None:
    watch, trainer = grow(small(epochs=1), mnist)
    assert [look.step for look in watch.looks] == list(range(trainer.experiment.total_steps + 1))


def test_answers_are_those_of_the_model(grown: tuple[Watch, Trainer]) -> None:
    watch, trainer = grown
    exact = Classifier(trainer.experiment, trainer.model.eval()).probabilities(watch.image.unsqueeze(0))[0]
    assert np.array_equal(watch.looks[-1].probabilities, exact.numpy())


def test_the_first_layer_is_kept_to_a_half_step_of_its_scale(grown: tuple[Watch, Trainer]) -> None:
    watch, trainer = grown
    _, layer = watch.snapshots[-1]
    exact = trainer.model.linear_layers[0].weight.detach().reshape(-1, 28, 28).numpy()
    assert np.abs(layer.pictures() - exact).max(axis=(1, 2)) == pytest.approx(0, abs=float(np.abs(exact).max()) / 253)
    chosen = np.array([3, 5])
    assert np.array_equal(layer.pictures(chosen), layer.pictures()[chosen])


def test_watching_changes_nothing_about_the_training(grown: tuple[Watch, Trainer], mnist: Dataset) -> None:
    watch, trainer = grown
    alone = Trainer(watch.experiment, mnist)
    for _ in alone:
        pass
    assert np.array_equal(alone.history.losses, trainer.history.losses)
    assert all(map(torch.equal, alone.model.state_dict().values(), trainer.model.state_dict().values()))


def test_a_model_that_has_diverged_has_no_answer(small: Callable[..., Experiment], mnist: Dataset) -> None:
    watch = Watch(mnist.test.images[0], 7, small())
    model = Trainer(watch.experiment, mnist).model
    watch.look(0, model)
    model.linear_layers[0].weight.data[0, :] = torch.inf
    watch.look(1, model)
    assert [look.step for look in watch.looks] == [0]


@pytest.mark.parametrize("hidden", [(512, 256), (256,), (1024, 512), (4096,), ()])
def test_snapshots_stay_within_their_memory(hidden: tuple[int, ...], mnist: Dataset) -> None:
    experiment = TUTORIAL_PRESETS["two-hidden"].changed(hidden=hidden)
    watch = Watch(mnist.test.images[0], 7, experiment)
    trainer = Trainer(experiment, mnist)
    for step in range(experiment.total_steps + 1):
        watch.look(step, trainer.model)
    sizes = [layer.numbers.nbytes + layer.scales.nbytes for _, layer in watch.snapshots]
    assert set(sizes) == {snapshot_bytes(experiment.architecture)}
    assert sum(sizes) <= BUDGET_BYTES
    assert len(watch.looks) >= 60
    assert len(sizes) == 60 or 61 * sizes[0] > BUDGET_BYTES


def test_the_neurons_shown_are_those_that_changed_most(grown: tuple[Watch, Trainer]) -> None:
    watch, _ = grown
    before, after = (watch.snapshots[end][1].pictures() for end in (0, -1))
    change = np.linalg.norm((after - before).reshape(len(before), -1), axis=1)
    chosen = most_changed(watch, 5)
    others = np.setdiff1d(np.arange(len(change)), chosen)
    assert change[chosen].min() >= change[others].max()
    assert len(most_changed(watch, 1000)) == len(change)
    largest = max(np.abs(layer.pictures(chosen)).max() for _, layer in watch.snapshots)
    assert largest_weight(watch, chosen) == pytest.approx(largest)


def test_nothing_has_changed_before_there_are_two_snapshots(small: Callable[..., Experiment], mnist: Dataset) -> None:
    watch = Watch(mnist.test.images[0], 7, small())
    assert len(most_changed(watch, 4)) == 0
