"""The growth of a model as one drawing sees it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from mlpcore.datasets import Dataset
from mlpcore.experiment import TUTORIAL_PRESETS, Architecture, Experiment
from mlpcore.models import Classifier
from mlpcore.snapshots import BUDGET_BYTES, Watch, first_weights, most_changed, snapshot_bytes
from mlpcore.training import Step, Trainer


@pytest.fixture
def grown(small: Callable[..., Experiment], mnist: Dataset) -> tuple[Watch, Trainer]:
    experiment = small(batch_norm=True, dropout=0.2, normalize=True, epochs=8)
    watch = Watch(mnist.test.images[0], int(mnist.test.labels[0]), experiment)
    trainer = Trainer(experiment, mnist)
    watch.look(0, trainer.model)
    for event in trainer:
        if isinstance(event, Step):
            watch.look(event.step, trainer.model)
    return watch, trainer


def test_looks_run_from_the_untrained_model_to_the_last_step_denser_at_first(grown: tuple[Watch, Trainer]) -> None:
    watch, trainer = grown
    steps = [look.step for look in watch.looks]
    assert steps[0] == 0
    assert steps[-1] == trainer.experiment.total_steps
    assert steps == sorted(set(steps))
    assert len(steps) == 60
    assert steps[10] - steps[9] < steps[-1] - steps[-2]


def test_a_short_run_is_looked_at_after_every_step(small: Callable[..., Experiment], mnist: Dataset) -> None:
    experiment = small(epochs=1)
    watch = Watch(mnist.test.images[0], 7, experiment)
    for event in (trainer := Trainer(experiment, mnist)):
        if isinstance(event, Step):
            watch.look(event.step, trainer.model)
    assert [look.step for look in watch.looks] == list(range(1, experiment.total_steps + 1))


def test_answers_are_those_of_the_exact_weights(grown: tuple[Watch, Trainer]) -> None:
    watch, trainer = grown
    exact = Classifier(trainer.experiment, trainer.model.eval()).probabilities(watch.image.unsqueeze(0))[0]
    assert np.array_equal(watch.looks[-1].probabilities, exact.numpy())


def test_a_snapshot_answers_as_the_model_did(grown: tuple[Watch, Trainer], mnist: Dataset) -> None:
    watch, trainer = grown
    for look in watch.snapshots:
        again = watch.model(look).probabilities(watch.image.unsqueeze(0))[0].numpy()
        assert np.abs(again - look.probabilities).max() < 0.02
    last = watch.model(watch.snapshots[-1])
    images = mnist.test.images[:500]
    exact = Classifier(trainer.experiment, trainer.model.eval())
    assert (last.logits(images).argmax(1) == exact.logits(images).argmax(1)).float().mean() > 0.99


def test_watching_changes_nothing_about_the_training(grown: tuple[Watch, Trainer], mnist: Dataset) -> None:
    watch, trainer = grown
    alone = Trainer(watch.experiment, mnist)
    for _ in alone:
        pass
    assert np.array_equal(alone.history.losses, trainer.history.losses)
    assert all(map(torch.equal, alone.model.state_dict().values(), trainer.model.state_dict().values()))


@pytest.mark.parametrize("hidden", [(512, 256), (256,), (1024, 512), (4096,), ()])
def test_snapshots_stay_within_their_memory(hidden: tuple[int, ...], mnist: Dataset) -> None:
    experiment = TUTORIAL_PRESETS["two-hidden"].changed(hidden=hidden)
    watch = Watch(mnist.test.images[0], 7, experiment)
    trainer = Trainer(experiment, mnist)
    watch.look(0, trainer.model)
    packed = watch.looks[0].packed
    assert packed
    size = sum(part.numel() * part.element_size() for parts in packed.values() for part in parts if part is not None)
    assert size == snapshot_bytes(experiment.architecture)
    for step in range(1, experiment.total_steps + 1):
        watch.look(step, trainer.model)
    assert len(watch.snapshots) * size <= BUDGET_BYTES
    assert len(watch.looks) >= 60
    if hidden == (512, 256):
        assert len(watch.snapshots) >= 55


def test_a_model_too_large_for_snapshots_is_still_asked(mnist: Dataset) -> None:
    experiment = TUTORIAL_PRESETS["two-hidden"].changed(hidden=(4096, 4096))
    assert snapshot_bytes(experiment.architecture) * 2 > BUDGET_BYTES
    watch = Watch(mnist.test.images[0], 7, experiment)
    watch.look(0, Trainer(experiment, mnist).model)
    assert not watch.snapshots
    assert len(most_changed(watch, 4)) == 0
    with pytest.raises(ValueError, match="No weights were kept"):
        watch.model(watch.looks[0])


def test_the_neurons_shown_are_those_that_changed_most(grown: tuple[Watch, Trainer]) -> None:
    watch, _ = grown
    before, after = (first_weights(watch.model(watch.snapshots[end]).network) for end in (0, -1))
    change = np.linalg.norm((after - before).reshape(len(before), -1), axis=1)
    chosen = most_changed(watch, 5)
    others = np.setdiff1d(np.arange(len(change)), chosen)
    assert change[chosen].min() >= change[others].max()
    assert len(most_changed(watch, 1000)) == len(change)


def test_batch_norms_numbers_count_in_the_size() -> None:
    plain, normed = (snapshot_bytes(Architecture(hidden=(64,), batch_norm=norm)) for norm in (False, True))
    assert normed == plain + 4 * 64 * 4 + 8
