"""The training loop: an iterator of steps and epochs that trains one experiment.

The caller drives a `Trainer`: the app's queue, the command line, a test. It pauses whenever the next event is not
requested; `stop` ends it early, and the model is evaluated all the same. All random numbers come from its own
generators, and the number of threads is set for each event, so nothing else in the process can change a result.
"""

import copy
import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlpcore.augmentation import random_affine, random_elastic
from mlpcore.datasets import Dataset, to_input
from mlpcore.evaluation import Evaluation, judge, logits_in_chunks
from mlpcore.experiment import Device, Experiment, InvalidExperiment
from mlpcore.history import EpochRecord, HealthRecord, History, LayerHealth
from mlpcore.network import MLP, check_fits_in_memory
from mlpcore.sampling import Stream, epoch_order, noisy_labels, seeded, split

SAMPLE_IMAGES = 5000
"""Training images on which loss and accuracy are measured after every epoch."""

PROBE_IMAGES = 256
"""Training images used to detect dead ReLUs."""

LOSSES_READ_AT_ONCE = 32
"""Reading a loss from a GPU waits for it, so there they are read in groups; on the CPU each at once."""


class TrainingDiverged(Exception):
    """The loss became infinite or not a number; the message names the step and the likely cause."""


class InvalidState(ValueError):
    """A training cannot be resumed from this state; the message says why."""


class OutOfMemory(Exception):
    """Out of memory during training; the message says what to do."""


@dataclass(frozen=True)
class Step:
    """A training step was taken; `step` counts from 1 through the run, `epoch` from 1."""

    step: int
    epoch: int


@dataclass(frozen=True)
class EpochEnd:
    """An epoch ended and was measured."""

    record: EpochRecord


@dataclass(frozen=True)
class Evaluating:
    """A chunk of images was evaluated, at the end of an epoch or of the run."""


@dataclass(frozen=True)
class Result:
    """The result of a run; both evaluations are of the final weights.

    Attributes:
        train: on all training images of the experiment, with the labels used in training.
        test: on the 10,000 test images, which were not used before.
        train_seconds: time spent computing up to the end of training, without these two evaluations.
        device: where it was trained, e.g. ``cpu``.
        weights_of_epoch: the epoch, from 1, at whose end the model had these weights; None if that was within one.
    """

    train: Evaluation
    test: Evaluation
    train_seconds: float
    device: str
    weights_of_epoch: int | None

    @property
    def gap(self) -> float:
        """The generalization gap: training accuracy minus test accuracy, as a fraction."""
        return self.train.accuracy - self.test.accuracy


@dataclass(frozen=True)
class Finished:
    """Training and evaluation are over."""

    result: Result


Event = Step | EpochEnd | Evaluating | Finished

State = dict[str, Any]
"""Everything needed to resume a training, as returned by `Trainer.state`: tensors, numbers, strings, and lists and
dictionaries of them, so that ``torch.load(…, weights_only=True)`` can read what ``torch.save`` has written."""


class Trainer(Iterator[Event]):
    """Trains `experiment` on `dataset`, one event at a time, and records it in `history`.

    Args:
        experiment: what to train.
        dataset: the experiment's dataset.
        history: an empty one to write to, which others may read; None creates one.
        state: of a Trainer of the same experiment, to resume training as if it had not been interrupted.

    Attributes:
        model: the network, on `device`.
        images: all training images, uint8 [60000, 28, 28], on `device`.
        labels: their labels, int64 [60000], label noise included.
        train_rows, val_rows: int64, indices of the training and of the validation images, in stored order.

    Raises:
        InvalidExperiment: this machine lacks the device or the memory.
        InvalidState: `state` belongs to another experiment, or is not a state.
        TrainingDiverged: from `next`, when the loss is infinite or not a number.
        OutOfMemory: from `next`, when there is not enough memory for a step.
    """

    def __init__(
        self, experiment: Experiment, dataset: Dataset, history: History | None = None, state: State | None = None
    ) -> None:
        self.experiment = experiment
        self.history = history or History(experiment)
        self.device = check_machine(experiment)

        self._dataset = dataset
        self._normalize = (dataset.mean, dataset.std) if experiment.data.normalize else None
        train_rows, val_rows = split(experiment.data)
        self.images = dataset.train.images.to(self.device)
        self.labels = noisy_labels(experiment, dataset.train.labels, train_rows).to(self.device)
        self.train_rows, self.val_rows = train_rows.to(self.device), val_rows.to(self.device)
        self._sample_rows = _spread(self.train_rows, SAMPLE_IMAGES)

        self._augmentation = seeded(experiment.seed, Stream.AUGMENTATION, device=self.device)
        self._dropout = seeded(experiment.seed, Stream.DROPOUT, device=self.device)
        self.model = MLP(
            experiment.architecture,
            generator=seeded(experiment.seed, Stream.WEIGHTS),
            dropout_generator=self._dropout,
        ).to(self.device)
        self.loss_function = nn.CrossEntropyLoss()
        self.optimizer = make_optimizer(experiment, self.model, self.device)
        self._schedule = make_schedule(experiment, self.optimizer)

        self._updates = 0
        self._health_interval = min(200, max(1, experiment.total_updates // 50))
        self._unread: list[tuple[Tensor, float]] = []
        self._stopped = False
        self._best: dict[str, Tensor] | None = None
        self._seconds = self._epoch_started = 0.0
        self._asked_at: float | None = None
        if state is not None:
            self._restore(state)
        self._events = self._run()

    def __next__(self) -> Event:
        if torch.get_num_threads() != self.experiment.threads:
            torch.set_num_threads(self.experiment.threads)
        self._asked_at = time.perf_counter()
        try:
            return next(self._events)
        except (MemoryError, RuntimeError) as error:
            # On the CPU, only the text of PyTorch's RuntimeError says so.
            if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error):
                raise OutOfMemory(
                    "Out of memory. Use smaller layers or a smaller batch size, or wait until other runs have ended."
                ) from error
            raise
        finally:
            self._seconds, self._asked_at = self.seconds, None

    @property
    def seconds(self) -> float:
        """Seconds spent computing so far; inside an event, up to now."""
        computing = 0.0 if self._asked_at is None else time.perf_counter() - self._asked_at
        return self._seconds + computing

    @property
    def steps(self) -> int:
        """Training steps so far, including those whose losses have not been read yet."""
        return self.history.steps + len(self._unread)

    @property
    def may_save(self) -> bool:
        """Whether `state` can be called now: after an epoch or an update, not within a group of batches."""
        in_epoch = self._steps_in_epoch
        return in_epoch % self.experiment.hyperparameters.accumulate == 0 or in_epoch == self.experiment.steps_per_epoch

    @property
    def _steps_in_epoch(self) -> int:
        """Training steps since the end of the last epoch."""
        return self.steps - len(self.history.epochs) * self.experiment.steps_per_epoch

    @property
    def is_complete(self) -> bool:
        """Whether all epochs were trained, or early stopping has ended training."""
        epochs, best = len(self.history.epochs), self.history.best_epoch
        patience = self.experiment.hyperparameters.early_stopping
        waited = epochs - best.epoch if best else 0
        return epochs == self.experiment.hyperparameters.epochs or 0 < patience <= waited

    def close(self) -> None:
        """Frees the memory of training at once: gradients, and whatever the suspended iterator refers to."""
        self._events.close()
        self.model.zero_grad()

    def state(self) -> State:
        """A copy of everything needed to resume the training; to be called between two events, if `may_save`.

        The order of the images depends only on the seed and the epoch, so the number of steps so far determines the
        next batch.

        Raises:
            ValueError: within a group of batches for one update, since a state has no gradients.
            TrainingDiverged: a loss that had not been read yet is infinite or not a number.
        """
        if not self.may_save:
            raise ValueError("A training can be saved only after an update, not within a group of batches.")
        self.read_losses()
        return copy.deepcopy(
            {
                "experiment": self.experiment.model_dump_json(),
                "model": self.model.state_dict(),
                "best": self._best,
                "optimizer": self.optimizer.state_dict(),
                "schedule": self._schedule.state_dict() if self._schedule else None,
                "augmentation": self._augmentation.get_state(),
                "dropout": self._dropout.get_state(),
                "updates": self._updates,
                "seconds": self.seconds,
                "epoch_started": self._epoch_started,
                "losses": torch.from_numpy(self.history.losses),
                "rates": torch.from_numpy(self.history.rates),
                **self.history.records(),
            }
        )

    def _restore(self, state: State) -> None:
        try:
            if state["experiment"] != self.experiment.model_dump_json():
                raise InvalidState("It is the state of another experiment.")
            self.model.load_state_dict(state["model"])
            self._best = copy.deepcopy(state["best"])
            # The optimizer would use the given tensors themselves.
            self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
            if self._schedule:
                self._schedule.load_state_dict(state["schedule"])
            self._augmentation.set_state(state["augmentation"])
            self._dropout.set_state(state["dropout"])
            self._updates, self._seconds = state["updates"], state["seconds"]
            self._epoch_started = state["epoch_started"]
            self.history.fill(state["losses"].numpy(), state["rates"].numpy(), state["epochs"], state["health"])
            if not (0 <= self._steps_in_epoch <= self.experiment.steps_per_epoch and self.may_save):
                raise ValueError("its steps and epochs do not fit together")
        except InvalidState:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise InvalidState(f"It is not the state of a training ({error}).") from error

    def stop(self) -> None:
        """Ends training after the current step; the remaining events evaluate the model as it is."""
        self._stopped = True

    def _run(self) -> Generator[Event, None, None]:
        while not self.is_complete and (yield from self._train_epoch()):
            yield from self._end_epoch()
        weights_of_epoch = None if self._steps_in_epoch else len(self.history.epochs) or None
        if self.is_complete and self._best and self.history.best_epoch:
            self.model.load_state_dict(self._best)
            weights_of_epoch = self.history.best_epoch.epoch
        train_seconds = self.seconds
        train = yield from self._evaluate(self.images, self.labels, self.train_rows)
        images, labels = self._dataset.test.images.to(self.device), self._dataset.test.labels.to(self.device)
        test = yield from self._evaluate(images, labels, torch.arange(len(labels), device=self.device))
        yield Finished(Result(train, test, train_seconds, str(self.device), weights_of_epoch))

    def _train_epoch(self) -> Generator[Event, None, bool]:
        """The tutorial's loop; the gradients of a group of batches are averaged for one update.

        Returns whether the epoch is complete, which it is not after a stop.
        """
        self.model.train()
        epoch, done = len(self.history.epochs), self._steps_in_epoch
        if not done:
            self._epoch_started = self.seconds
        batches = epoch_order(self.experiment, self.labels, self.train_rows, epoch).split(self.experiment.batch_images)
        group_size = self.experiment.hyperparameters.accumulate
        for first in range(done, len(batches), group_size):
            group = batches[first : first + group_size]
            rate = self.optimizer.param_groups[0]["lr"]
            self.optimizer.zero_grad()
            for number, rows in enumerate(group, start=1):
                if self._stopped:
                    self.read_losses()
                    return False
                logits = self.model(self._inputs(rows))
                loss = self.loss_function(logits, self.labels.index_select(0, rows))
                (loss if len(group) == 1 else loss / len(group)).backward()
                if number == len(group):
                    self._update()
                self._record(loss.detach(), rate)
                yield Step(epoch * len(batches) + first + number, epoch + 1)
        self.read_losses()
        return True

    def _inputs(self, rows: Tensor) -> Tensor:
        """The training images with these indices, as the model's input, float32 [N, 28, 28]."""
        images = self.images.index_select(0, rows)
        match self.experiment.hyperparameters.augment:
            case "affine":
                images = random_affine(images, self._augmentation)
            case "elastic":
                images = random_elastic(images, self._augmentation)
        return to_input(images, self._normalize)

    def _update(self) -> None:
        """`optimizer.step()`, with a health record at the first updates and then at regular intervals."""
        self._updates += 1
        if self._updates <= 10 or self._updates % self._health_interval == 0:
            before = [layer.weight.detach().clone() for layer in self.model.linear_layers]
            self.optimizer.step()
            self._record_health(before)
        else:
            self.optimizer.step()
        if self._schedule:
            self._schedule.step()

    def _record(self, loss: Tensor, rate: float) -> None:
        self._unread.append((loss, rate))
        if self.device.type == "cpu" or len(self._unread) == LOSSES_READ_AT_ONCE:
            self.read_losses()

    def read_losses(self) -> None:
        """Updates `history` to the last step; on a GPU it may be some steps behind.

        Raises:
            TrainingDiverged: one of the losses is infinite or not a number.
        """
        unread, self._unread = self._unread, []
        for loss, rate in unread:
            value = loss.item()
            self.history.append_step(value, rate)
            self._check_finite(value)

    def _check_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise TrainingDiverged(_divergence(self.experiment, self.history.steps, loss))

    @torch.no_grad()
    def _record_health(self, before: list[Tensor]) -> None:
        self.model.eval()
        probe = to_input(self.images.index_select(0, self._sample_rows[:PROBE_IMAGES]), self._normalize)
        is_relu = self.experiment.architecture.activation == "relu"
        dead_shares: list[float | None] = [
            (outputs.amax(dim=0) == 0).float().mean().item() if is_relu else None
            for outputs in self.model.activations(probe)
        ]
        self.model.train()
        layers = [
            LayerHealth(
                gradient_norm=layer.weight.grad.norm().item(),
                update_ratio=((layer.weight - old).norm() / old.norm()).item(),
                dead_share=dead_share,
            )
            for layer, old, dead_share in zip(self.model.linear_layers, before, [*dead_shares, None], strict=True)
            if layer.weight.grad is not None
        ]
        self.history.health.append(HealthRecord(self.history.steps + len(self._unread) + 1, tuple(layers)))

    def _end_epoch(self) -> Iterator[Event]:
        train = yield from self._evaluate(self.images, self.labels, self._sample_rows)
        val = (yield from self._evaluate(self.images, self.labels, self.val_rows)) if len(self.val_rows) else None
        steps = self.experiment.steps_per_epoch
        record = EpochRecord(
            epoch=len(self.history.epochs) + 1,
            loss=float(self.history.losses[-steps:].mean(dtype=np.float64)),
            train_loss=train.loss,
            train_accuracy=train.accuracy,
            val_loss=val.loss if val else None,
            val_accuracy=val.accuracy if val else None,
            seconds=self.seconds - self._epoch_started,
            learning_rate=float(self.history.rates[-1]),
        )
        self.history.epochs.append(record)
        if self.experiment.hyperparameters.early_stopping and self.history.best_epoch is record:
            self._best = copy.deepcopy(self.model.state_dict())
        yield EpochEnd(record)

    def _evaluate(self, images: Tensor, labels: Tensor, rows: Tensor) -> Generator[Event, None, Evaluation]:
        chunks = []
        for logits in logits_in_chunks(self.model, images, rows, self._normalize):
            chunks.append(logits)
            yield Evaluating()
        evaluation = judge(torch.cat(chunks), labels.index_select(0, rows))
        # The last update may be the one that diverged, and no step comes after it.
        self._check_finite(evaluation.loss)
        return evaluation


def choose_device(name: Device) -> torch.device:
    """The device for an experiment's `device` on this machine: with auto, CUDA, else Apple's MPS, else the CPU.

    Raises:
        InvalidExperiment: this machine does not have the device.
    """
    here = [
        kind
        for kind, is_here in [
            ("cuda", torch.cuda.is_available()),
            ("mps", torch.backends.mps.is_available()),
            ("cpu", True),
        ]
        if is_here
    ]
    if name != "auto" and name not in here:
        raise InvalidExperiment(
            {"device": f"Device {name} is not available on this machine. Choose auto or {' or '.join(here)}."}
        )
    return torch.device(here[0] if name == "auto" else name)


def check_machine(experiment: Experiment) -> torch.device:
    """The device on which `experiment` would be trained now.

    Raises:
        InvalidExperiment: this machine lacks that device, or the memory for the model.
    """
    device = choose_device(experiment.device)
    check_fits_in_memory(experiment, device)
    return device


def make_optimizer(experiment: Experiment, model: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """The experiment's optimizer; fused (one kernel updates all parameters) if PyTorch supports that on the device."""
    chosen = experiment.hyperparameters
    common: dict[str, Any] = {"lr": chosen.learning_rate, "weight_decay": chosen.weight_decay}
    fused = common | ({"fused": True} if device.type in ("cpu", "cuda") else {})
    parameters = model.parameters()
    match chosen.optimizer:
        case "adam":
            return torch.optim.Adam(parameters, **fused)
        case "adamw":
            return torch.optim.AdamW(parameters, **fused)
        case "sgd":
            return torch.optim.SGD(parameters, **fused)
        case "momentum":
            return torch.optim.SGD(parameters, momentum=0.9, **fused)
        case "nesterov":
            return torch.optim.SGD(parameters, momentum=0.9, nesterov=True, **fused)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, **common)
        case "adagrad":
            return torch.optim.Adagrad(parameters, **common)


def make_schedule(
    experiment: Experiment, optimizer: torch.optim.Optimizer
) -> torch.optim.lr_scheduler.LRScheduler | None:
    """The scheduler that changes the learning rate after every update; None for a constant rate."""
    match experiment.hyperparameters.schedule:
        case "constant":
            return None
        case "cosine":
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=experiment.total_updates)
        case "one-cycle":
            return torch.optim.lr_scheduler.OneCycleLR(
                optimizer,
                max_lr=experiment.hyperparameters.learning_rate,
                # One more than there are updates, since the scheduler also takes a step after the last one.
                total_steps=experiment.total_updates + 1,
                # Unlike PyTorch's default, since not every optimizer has a momentum to vary.
                cycle_momentum=False,
            )


def _spread(rows: Tensor, count: int) -> Tensor:
    """At most `count` of the rows, evenly spaced."""
    return rows[torch.linspace(0, len(rows) - 1, min(count, len(rows)), device=rows.device).long()]


def _divergence(experiment: Experiment, step: int, loss: float) -> str:
    epoch = math.ceil(step / experiment.steps_per_epoch)
    what = "not a number" if math.isnan(loss) else "infinite"
    return (
        f"The loss became {what} at step {step:,} (epoch {epoch}), so training stopped. The cause is "
        f"probably a learning rate too high for this model: {experiment.hyperparameters.learning_rate:g} with "
        f"{experiment.hyperparameters.optimizer}. Try a tenth of it or less, or use the learning-rate finder."
    )
