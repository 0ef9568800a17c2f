"""The claim that more layers and neurons take more time and memory, measured on this machine."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mlpcore import datasets
from mlpcore.claims.claim import Chart, Claim, Finding, Training
from mlpcore.experiment import TUTORIAL_PRESETS
from mlpcore.figures.claims_cost import NetworkCost, memory_by_size, time_by_size, times_as_much
from mlpcore.inspection.memory import bytes_for_backward, bytes_of_training
from mlpcore.inspection.workbench import untrained
from mlpcore.models import Classifier
from mlpcore.threads import one_thread
from mlpcore.training import make_optimizer

EXPERIMENT = TUTORIAL_PRESETS["two-hidden"].changed(device="cpu")
IMAGES = EXPERIMENT.batch_images

Hidden = tuple[int, ...]

LAYERS, NEURONS = 2, 512
WIDTHS: tuple[Hidden, ...] = tuple((size,) * LAYERS for size in (32, 64, 128, 256, 512, 1024, 2048))
DEPTHS: tuple[Hidden, ...] = tuple((NEURONS,) * layers for layers in (1, 2, 3, 4, 6, 8))
BASE, WIDE, DEEP = (NEURONS,) * LAYERS, (2 * NEURONS,) * LAYERS, (NEURONS,) * (2 * LAYERS)

BATCHES = 100
"""Learned from in turns: a network that knows its images by heart would compute with other numbers, near 0."""

ROUNDS = 30
STEPS_SECONDS, ANSWERS_SECONDS = 0.06, 0.03
"""How long a network is trained and asked in a round, but for the last step or answer that began within that time."""

ALIKE = 1.15
"""Times of which the longer is no more than so many times the shorter count as equal."""

Batches = Sequence[tuple[Tensor, Tensor]]
Costs = Mapping[Hidden, NetworkCost]


def investigate(training: Training) -> Finding:
    """Measures every network, and says what the wider and the deeper ones cost."""
    return conclude(measured(training.report, tuple(dict.fromkeys(WIDTHS + DEPTHS))))


def measured(report: Callable[[float], None], networks: Sequence[Hidden]) -> dict[Hidden, NetworkCost]:
    """Time and memory of the networks, by their hidden layers, each with real images and on one thread of the CPU.

    They take turns in many rounds, and of each the shortest step and the shortest answer count: whatever else the
    machine does can only make them longer. After each turn `report` is told what share is done, 0 to 1.
    """
    with one_thread():
        train = datasets.load("mnist").train
        inputs = untrained(EXPERIMENT).inputs(train.images[: BATCHES * IMAGES])
        batches = list(zip(inputs.split(IMAGES), train.labels[: BATCHES * IMAGES].split(IMAGES), strict=True))
        benches = {hidden: _Bench(hidden, batches) for hidden in networks}
        turns = [bench for _ in range(ROUNDS) for bench in benches.values()]
        for number, bench in enumerate(turns, start=1):
            bench.take_turn()
            report(number / len(turns))
        return {hidden: bench.cost() for hidden, bench in benches.items()}


class _Bench:
    """A network that learns and answers against the clock."""

    def __init__(self, hidden: Hidden, batches: Batches) -> None:
        self._model: Classifier = untrained(EXPERIMENT.changed(hidden=hidden))
        self._optimizer = make_optimizer(self._model.experiment, self._model.network, torch.device("cpu"))
        self._batches = batches
        self._next = itertools.cycle(batches)
        self._step_seconds = self._answer_seconds = float("inf")

    def take_turn(self) -> None:
        self._model.network.train()
        self._step_seconds = min(self._step_seconds, self._shortest(self._step, STEPS_SECONDS))
        self._model.network.eval()
        with torch.no_grad():
            self._answer_seconds = min(self._answer_seconds, self._shortest(self._answer, ANSWERS_SECONDS))

    def cost(self) -> NetworkCost:
        """To be asked for after a turn, since the gradients and the optimizer's tensors come with the first step."""
        network = self._model.network
        kept = bytes_of_training(network, self._optimizer)
        weights = [layer.weight.numel() for layer in network.linear_layers]
        return NetworkCost(
            hidden=self._model.experiment.architecture.hidden,
            weights=sum(weights),
            # Forward, for the weight's gradient, and for the inputs' gradient, which nobody asks of the images.
            multiply_adds=3 * sum(weights) - weights[0],
            step_seconds=self._step_seconds,
            answer_seconds=self._answer_seconds,
            parameter_bytes=kept["parameters"],
            gradient_bytes=kept["gradients"],
            optimizer_bytes=kept["optimizer"],
            backward_bytes=bytes_for_backward(network, self._batches[0][0]),
        )

    def _shortest(self, work: Callable[[Tensor, Tensor], object], seconds: float) -> float:
        until, shortest = time.perf_counter() + seconds, float("inf")
        while (started := time.perf_counter()) < until:
            work(*next(self._next))
            shortest = min(shortest, time.perf_counter() - started)
        return shortest

    def _step(self, images: Tensor, labels: Tensor) -> None:
        self._optimizer.zero_grad()
        F.cross_entropy(self._model.network(images), labels).backward()
        self._optimizer.step()

    def _answer(self, images: Tensor, labels: Tensor) -> None:
        self._model.network(images)


def conclude(costs: Costs) -> Finding:
    """What follows from the costs of all `WIDTHS` and `DEPTHS`."""
    base, wide, deep = (costs[hidden] for hidden in (BASE, WIDE, DEEP))
    longer = wide.step_seconds / deep.step_seconds
    answer = 0 if longer > ALIKE else 1 if longer < 1 / ALIKE else 2
    sentences = (
        _what_came_out(base, wide, deep, answer),
        _why(base, wide, deep),
        _speed(costs[WIDTHS[0]], base, costs[WIDTHS[-1]]),
        _memory(base, wide, deep),
        "All times are for one thread of this machine's CPU, and the shortest of many, since other work on the machine "
        "can only make them longer. A GPU computes a whole layer at once, but the layers one after the other. There, "
        "width can cost hardly anything until the GPU is fully used, and depth can be more expensive.",
    )
    return Finding(answer, sentences, _charts(costs))


def _what_came_out(base: NetworkCost, wide: NetworkCost, deep: NetworkCost, answer: int) -> str:
    longer = [other.step_seconds / base.step_seconds for other in (wide, deep)]
    verdict = [
        "Twice as wide costs more time.",
        "Twice as deep costs more time.",
        f"So both cost about the same (within {100 * (ALIKE - 1):.0f} %).",
    ][answer]
    return (
        f"A training step with {IMAGES} images took {_ms(base.step_seconds)} with {_title(base)}. With {_title(wide)} "
        f"it took {_ms(wide.step_seconds)}, {longer[0]:.1f} times as long; with {_title(deep)} "
        f"{_ms(deep.step_seconds)}, {longer[1]:.1f} times. Both of these have {sum(wide.hidden):,} hidden neurons. "
        f"{verdict}"
    )


def _why(base: NetworkCost, wide: NetworkCost, deep: NetworkCost) -> str:
    grown = [other.multiply_adds / base.multiply_adds for other in (wide, deep)]
    longer = [other.step_seconds / base.step_seconds for other in (wide, deep)]
    fits = all(max(a / b, b / a) <= ALIKE for a, b in zip(grown, longer, strict=True))
    narrow, broad = base.hidden[0], wide.hidden[0]
    added = len(deep.hidden) - len(base.hidden)
    return (
        "Every neuron has a weight for every neuron of the layer before, so between two layers there are as many "
        f"weights as the product of their sizes. Between two of {narrow:,} these are {narrow:,} × {narrow:,} = "
        f"{narrow**2:,}. Twice as wide makes {broad:,} × {broad:,} = {broad**2:,} of them, "
        f"{broad**2 / narrow**2:.0f} times as many; twice as deep adds {added} × {narrow**2:,}. Together with those "
        f"from the pixels and to the answers, there are {wide.weights / base.weights:.1f} and "
        f"{deep.weights / base.weights:.1f} times as many weights. For every image a weight is multiplied and added "
        "once in the forward pass and twice in the backward pass: for its own gradient, and to pass the error on, "
        f"except for the weights from the pixels. This arithmetic grows {grown[0]:.1f} and {grown[1]:.1f} times, "
        + ("and so do the times, nearly." if fits else "while the times grow somewhat differently.")
    )


def _speed(narrowest: NetworkCost, base: NetworkCost, widest: NetworkCost) -> str:
    slow, usual, wide = (_operations_per_second(cost) for cost in (narrowest, base, widest))
    text = (
        f"That is {slow / 1e9:.1f} billion operations a second with {narrowest.hidden[0]} neurons a layer, "
        f"{usual / 1e9:.1f} with {base.hidden[0]}, {wide / 1e9:.1f} with {widest.hidden[0]:,}."
    )
    if slow < usual / ALIKE:
        text += " Narrow networks do fewer, since starting an operation takes time, however small it is."
    if wide < usual / ALIKE:
        text += (
            f" The widest does fewer too, probably because it reads or writes {_mb(widest.kept_bytes)} in every step, "
            "which may not fit into the processor's cache."
        )
    return (
        f"{text} Answering {IMAGES} images took {_ms(base.answer_seconds)} with {_title(base)}, learning from them "
        f"{base.step_seconds / base.answer_seconds:.1f} times as long, since the backward pass and the update of "
        "all weights come on top of the forward pass."
    )


def _operations_per_second(cost: NetworkCost) -> float:
    """In a training step; a multiply-add counts 2."""
    return 2 * IMAGES * cost.multiply_adds / cost.step_seconds


def _memory(base: NetworkCost, wide: NetworkCost, deep: NetworkCost) -> str:
    return (
        f"Counted on the tensors, training {_title(base)} keeps {_mb(base.kept_bytes)}: parameters "
        f"{_mb(base.parameter_bytes)}, their gradients {_mb(base.gradient_bytes)}, what Adam stores of earlier "
        f"gradients {_mb(base.optimizer_bytes)}, and {_mb(base.backward_bytes)} of the forward pass that the backward "
        f"pass needs. Twice as wide keeps {wide.kept_bytes / base.kept_bytes:.1f} times as much, twice as deep "
        f"{deep.kept_bytes / base.kept_bytes:.1f} times. The first three grow with the weights, the last with neurons "
        "and images in a batch. Answering only needs the parameters and the outputs of one layer at a time."
    )


def _charts(costs: Costs) -> tuple[Chart, ...]:
    by_width, by_depth = ([costs[hidden] for hidden in chosen] for chosen in (WIDTHS, DEPTHS))
    base, wide, deep = (costs[hidden] for hidden in (BASE, WIDE, DEEP))
    times = "; ".join(f"{_title(c)}: {_ms(c.step_seconds)}, {_ms(c.answer_seconds)}" for c in costs.values())
    kept = "; ".join(f"{_title(c)}: {_mb(c.kept_bytes)}" for c in costs.values())
    ratios = times_as_much(base, wide, deep)
    parts = "; ".join(
        f"{name}: {first:.1f} and {second:.1f}"
        for name, first, second in zip(ratios.data[0].y, ratios.data[0].x, ratios.data[1].x, strict=True)
    )
    return (
        Chart(
            f"How many times as much as {_title(base)}?",
            ratios,
            f"Twice as wide and twice as deep, in multiples of {_title(base)}. {parts}.",
            height=320,
        ),
        Chart(
            f"How long do {IMAGES} images take?",
            time_by_size(by_width, by_depth, base),
            f"Time of a training step and of answering, by width and by depth. {times}.",
            height=480,
        ),
        Chart(
            "How much memory does training keep?",
            memory_by_size(by_width, by_depth),
            f"Bytes kept in training, by width and by depth. {kept}.",
            height=480,
        ),
    )


def _title(cost: NetworkCost) -> str:
    layers = len(cost.hidden)
    return f"{layers} layer{'s' if layers > 1 else ''} of {cost.hidden[0]:,}"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.2g} ms" if seconds < 0.1 else f"{1000 * seconds:.0f} ms"


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


COST = Claim(
    name="cost",
    title="Cost",
    says="More layers and more neurons take more time and more memory.",
    done=(
        f"Networks with {LAYERS} hidden layers of {WIDTHS[0][0]} to {WIDTHS[-1][0]:,} neurons, and networks with "
        f"{len(DEPTHS[0])} to {len(DEPTHS[-1])} hidden layers of {NEURONS} neurons, take turns at training and "
        f"answering in {ROUNDS} rounds on one thread of this machine, {IMAGES} images at a time. The memory of their "
        "tensors is counted."
    ),
    question=(
        f"A network has {LAYERS} hidden layers of {NEURONS} neurons. Made twice as wide or twice as deep, it has twice "
        "as many hidden neurons either way. Which makes a training step take longer?"
    ),
    answers=(
        f"Twice as wide: {LAYERS} layers of {2 * NEURONS:,}",
        f"Twice as deep: {2 * LAYERS} layers of {NEURONS}",
        f"Both about the same, within {100 * (ALIKE - 1):.0f} %",
    ),
    investigate=investigate,
)
