"""The plane of two neurons while a model learns."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
import torch

from mlpcore import two_neurons
from mlpcore.datasets import Dataset, Images
from mlpcore.experiment import Experiment
from mlpcore.models import Classifier
from mlpcore.runs import Run, RunQueue, Status
from mlpcore.training import Step, Trainer
from mlpcore.two_neurons import LOOKS, PlaneWatch, newest, shown_images, submit, watch_of
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def experiment(small: Callable[..., Experiment]) -> Experiment:
    return small(hidden=(16, 2), activation="tanh", batch_norm=True, epochs=15)


@pytest.fixture
def images(mnist: Dataset) -> Images:
    return Images(mnist.test.images[:100], mnist.test.labels[:100])


@pytest.fixture
def queue(mnist: Dataset) -> Iterator[RunQueue]:
    queue = RunQueue(load=lambda name: mnist, cores=1)
    yield queue
    queue.close()


def rests_at(run: Run, step: int) -> bool:
    return run.step == step and run.status is Status.PAUSED


def grow(experiment: Experiment, images: Images, mnist: Dataset) -> tuple[PlaneWatch, Trainer]:
    watch, trainer = PlaneWatch(experiment, images), Trainer(experiment, mnist)
    watch.look(0, trainer.model)
    for event in trainer:
        if isinstance(event, Step):
            watch.look(event.step, trainer.model)
    return watch, trainer


def test_looks_run_from_the_untrained_model_to_the_last_step(
    experiment: Experiment, images: Images, mnist: Dataset
) -> None:
    watch, _ = grow(experiment, images, mnist)
    steps = [look.step for look in watch.looks]
    assert steps[0] == 0
    assert steps[-1] == experiment.total_steps == 150
    assert steps == sorted(set(steps))
    assert len(steps) == LOOKS
    assert watch.latest is watch.looks[-1]


def test_a_look_is_what_the_model_makes_of_the_images(experiment: Experiment, images: Images, mnist: Dataset) -> None:
    watch, trainer = grow(experiment, images, mnist)
    model = Classifier(experiment, trainer.model.eval())
    with torch.no_grad():
        *_, points = model.network.activations(model.inputs(images.images))
    logits = model.logits(images.images)
    assert watch.latest.points == pytest.approx(points.numpy(), abs=1e-5)
    assert np.array_equal(watch.latest.answers(watch.latest.points), logits.argmax(dim=1).numpy())
    assert watch.latest.accuracy == pytest.approx(float((logits.argmax(dim=1) == images.labels).double().mean()))
    assert watch.looks[0].accuracy < watch.latest.accuracy
    assert not np.allclose(watch.looks[0].weights, watch.latest.weights)
    assert np.abs(watch.latest.points).max() <= 1


def test_watching_changes_nothing_about_the_training(experiment: Experiment, images: Images, mnist: Dataset) -> None:
    _, trainer = grow(experiment, images, mnist)
    alone = Trainer(experiment, mnist)
    for _ in alone:
        pass
    assert np.array_equal(alone.history.losses, trainer.history.losses)
    assert all(map(torch.equal, alone.model.state_dict().values(), trainer.model.state_dict().values()))


def test_a_model_that_has_diverged_is_nowhere(experiment: Experiment, images: Images, mnist: Dataset) -> None:
    watch, model = PlaneWatch(experiment, images), Trainer(experiment, mnist).model
    model.linear_layers[0].weight.data.fill_(torch.nan)
    watch.look(1, model)
    assert [look.step for look in watch.looks] == [watch.latest.step] == [0]


def test_wherever_a_run_pauses_there_is_a_look(
    small: Callable[..., Experiment], images: Images, queue: RunQueue
) -> None:
    # Long enough for most steps to be without a look.
    experiment = small(hidden=(16, 2), activation="tanh", epochs=200)
    run = submit(queue, PlaneWatch(experiment, images), "me", paused=True)
    watch = watch_of(run)
    assert watch
    assert watch.latest.step == 0
    for steps in (50, 1, 1, 7):
        expected = run.step + steps
        queue.advance(run, steps)
        until(partial(rests_at, run, expected), "the pause")
        assert watch.latest.step == run.step
    kept = {look.step for look in watch.looks}
    assert {51, 52, 59} - kept
    queue.stop(run)
    until(lambda: run.status.is_final, "the end")


def test_the_newest_watched_run_is_found_again_by_its_owner(
    experiment: Experiment, images: Images, queue: RunQueue
) -> None:
    queue.submit(experiment, "me", paused=True)
    assert newest(queue, "me") is None
    first = submit(queue, PlaneWatch(experiment, images), "me", paused=True)
    assert newest(queue, "me") is first
    second = submit(queue, PlaneWatch(experiment, images), "me", paused=True)
    theirs = submit(queue, PlaneWatch(experiment, images), "you", paused=True)
    assert newest(queue, "me") is second
    assert newest(queue, "you") is theirs
    assert first.status is Status.STOPPED, "nobody could resume it"
    queue.stop(second)
    assert newest(queue, "me") is None, "it never began"


def test_the_demonstration_is_in_no_list_of_runs(experiment: Experiment, images: Images, queue: RunQueue) -> None:
    listed = queue.submit(experiment, "me", paused=True)
    run = submit(queue, PlaneWatch(experiment, images), "me")
    until(lambda: run.status.is_final, "the end")
    assert queue.runs() == [listed]
    assert newest(queue, "me") is run
    assert run.result and run.model


def test_only_so_many_are_kept(
    experiment: Experiment, images: Images, queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(two_neurons, "WATCHES", 2)
    runs = [submit(queue, PlaneWatch(experiment, images), f"owner {number}", paused=True) for number in range(3)]
    assert [newest(queue, f"owner {number}") for number in range(3)] == [None, *runs[1:]]
    assert runs[0].status is Status.STOPPED


def test_the_model_that_is_offered_has_two_neurons_and_tells_a_seed_from_another(mnist: Dataset) -> None:
    first, second = two_neurons.experiment(0), two_neurons.experiment(1)
    assert first.architecture.hidden == (256, 64, 2)
    assert first != second
    shown = shown_images(mnist)
    assert len(shown.labels) == 1000
    assert torch.equal(shown.images[7], mnist.test.images[70])
