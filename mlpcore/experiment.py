"""What to train: everything that determines the result of a training run, and nothing else.

`Experiment` is frozen, validated and comparable, and converts to and from JSON. The same checks serve the form, the
command line and files from other people; each message says what was given, what is allowed, and why or what to do.
"""

import math
import re
import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

Activation = Literal["relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid"]
OptimizerName = Literal["adam", "adamw", "sgd", "momentum", "nesterov", "rmsprop", "adagrad"]
Schedule = Literal["constant", "cosine", "one-cycle"]
Augment = Literal["none", "affine", "elastic"]
DatasetName = Literal["mnist", "fashion-mnist"]
Order = Literal["shuffled", "stored", "by-class"]
Device = Literal["auto", "cpu", "cuda", "mps"]

TRAIN_IMAGES = 60_000
"""Training images in MNIST and in Fashion-MNIST, before any are set aside for validation."""

CLASSES = 10
PIXELS = 28 * 28

MAX_TOTAL_STEPS = 2_000_000


class InvalidExperiment(ValueError):
    """An experiment that cannot be run.

    `problems` maps a field's name (``"learning_rate"``; ``""`` for the experiment as a whole) to one sentence.
    """

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(problems)  # what pickle makes a copy from
        self.problems = problems

    def __str__(self) -> str:
        return " ".join(self.problems.values())


@dataclass(frozen=True)
class Range:
    """The numbers a field accepts: `low` to `high`, inclusive (without `low` if `open_low`), and `why` no others."""

    label: str
    low: float
    high: float
    why: str
    whole: bool = True
    open_low: bool = False

    @property
    def allowed(self) -> str:
        """The range in words, for messages and help texts."""
        if not self.whole:
            return (
                f"more than {self.low:g}, at most {self.high:g}" if self.open_low else f"{self.low:g} to {self.high:g}"
            )
        return f"whole numbers from {self.low:,} to {self.high:,}"

    def check(self, value: object) -> Any:
        """`value` unchanged if it is such a number; otherwise a ValueError with the sentence to show."""
        number_types = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, number_types) or not self._holds(value):
            shown = _in_words(value)
            has_comma = isinstance(value, str) and re.fullmatch(r"\d+,\d+", value)
            hint = "Use a decimal point, not a comma." if has_comma else self.why
            raise ValueError(f"{self.label} {shown} is not possible. Allowed: {self.allowed}. {hint}")
        return value if self.whole else float(value)

    def _holds(self, value: float) -> bool:
        above = self.low < value if self.open_low else self.low <= value
        return above and value <= self.high


LIMITS = {
    "hidden": Range("A hidden layer size of", 1, 4096, "Wider layers take minutes per epoch on an ordinary machine."),
    "dropout": Range("Dropout", 0, 0.95, "More leaves too little of a layer to learn from.", whole=False),
    "learning_rate": Range(
        "Learning rate",
        0,
        100,
        "At 0 the model would learn nothing, and 100 is far more than these models can use.",
        whole=False,
        open_low=True,
    ),
    "weight_decay": Range(
        "Weight decay", 0, 10, "Useful values are far below 1.", whole=False
    ),
    "batch_size": Range(
        "Batch size", 1, TRAIN_IMAGES, "There are no more training images; enter full to use all of them at once."
    ),
    "accumulate": Range(
        "Gradient accumulation over", 1, TRAIN_IMAGES, "It is the number of batches whose gradients are averaged."
    ),
    "epochs": Range("Epochs", 1, 1000, "With small batches, these models need far fewer."),
    "early_stopping": Range(
        "Early stopping after", 0, 1000, "It counts epochs without a new lowest validation loss; 0 turns it off."
    ),
    "train_size": Range(
        "Training images", 1, TRAIN_IMAGES, "The training set has no more; leave it empty to use all that are left."
    ),
    "label_noise": Range("Label noise", 0, 1, "It is a fraction of the training labels.", whole=False),
    "validation": Range(
        "Validation images", 0, TRAIN_IMAGES - 1, "They are taken from the training set, which must keep at least one."
    ),
    "seed": Range("Seed", 0, 2**31 - 1, "Any of them will do; make a note of the one you used."),
    "threads": Range("Threads", 1, 64, "More threads than the machine has cores only make it slower."),
}  # fmt: skip
"""The limits of each numeric field, by its name in `Experiment`."""

MAX_HIDDEN_LAYERS = 8


def _in_words(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return repr(value) if isinstance(value, float) else reprlib.repr(value)


def _number(name: str) -> BeforeValidator:
    return BeforeValidator(LIMITS[name].check)


def _one_of(label: str, choices: object) -> BeforeValidator:
    def check(value: object) -> object:
        if not isinstance(value, str) or value not in get_args(choices):
            raise ValueError(
                f"{label} {reprlib.repr(value)} does not exist. Choose one of {', '.join(get_args(choices))}."
            )
        return value

    return BeforeValidator(check)


def _hidden_sizes(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError(
            f"Hidden layers {reprlib.repr(value)} are not possible. Give a list of sizes such as [512, 256], "
            "or an empty list for a model without hidden layers."
        )
    if len(value) > MAX_HIDDEN_LAYERS:
        raise ValueError(
            f"{len(value)} hidden layers are not possible. Allowed: 0 to {MAX_HIDDEN_LAYERS}. Without the "
            "techniques of modern deep networks, a network with more layers hardly learns."
        )
    return tuple(LIMITS["hidden"].check(size) for size in value)


def _batch_size(value: object) -> object:
    return value if value == "full" else LIMITS["batch_size"].check(value)


def _optional_size(value: object) -> object:
    return None if value is None else LIMITS["train_size"].check(value)


def _yes_or_no(label: str) -> BeforeValidator:
    def check(value: object) -> object:
        if not isinstance(value, bool):
            raise ValueError(f"{label} {reprlib.repr(value)} is not possible. It is either true or false.")
        return value

    return BeforeValidator(check)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Architecture(_Frozen):
    """A multi-layer perceptron's shape: 784 inputs, the hidden layers, 10 outputs.

    Attributes:
        hidden: neurons per hidden layer, 0 to 8 layers of 1 to 4,096; none makes a linear softmax classifier.
        activation: function that every hidden layer applies to its weighted sums.
        dropout: probability that an output of a hidden layer is set to zero during training, 0 to 0.95.
        batch_norm: normalize each hidden layer's weighted sums over the batch, before the activation.
    """

    hidden: Annotated[tuple[int, ...], BeforeValidator(_hidden_sizes)] = (512, 256)
    activation: Annotated[Activation, _one_of("Activation", Activation)] = "relu"
    dropout: Annotated[float, _number("dropout")] = 0.0
    batch_norm: Annotated[bool, _yes_or_no("Batch norm")] = False

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons in each layer, including input and output."""
        return (PIXELS, *self.hidden, CLASSES)

    @property
    def title(self) -> str:
        """The name of this architecture, e.g. ``Two hidden layers (512, 256)``."""
        if not self.hidden:
            return "Linear softmax classifier"
        count = ["One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight"][len(self.hidden) - 1]
        return f"{count} hidden layer{'s' if len(self.hidden) > 1 else ''} ({', '.join(map(str, self.hidden))})"

    @model_validator(mode="after")
    def _hidden_layer_needed(self) -> Self:
        for field, label, used in [
            ("dropout", "Dropout", self.dropout > 0),
            ("batch_norm", "Batch norm", self.batch_norm),
        ]:
            if used and not self.hidden:
                raise _conflict(field, f"{label} works on hidden layers, and this model has none. Turn it off or add a hidden layer.")  # fmt: skip  # noqa: E501
        return self


class Hyperparameters(_Frozen):
    """How the parameters are trained; the defaults are the tutorial's.

    Attributes:
        optimizer: ``momentum`` and ``nesterov`` are SGD with momentum 0.9; the others have PyTorch's defaults.
        learning_rate: above 0, up to 100; with a schedule, the highest rate.
        weight_decay: 0 to 10; decoupled for AdamW, an L2 term in the gradient for the others.
        batch_size: images per batch, or ``"full"`` for all training images at once.
        accumulate: batches whose gradients are averaged for one update.
        epochs: passes over the training images, 1 to 1,000.
        early_stopping: number of epochs without a new lowest validation loss after which training ends, 0 to 1,000; the
            model gets the weights of the epoch with the lowest. With 0, all epochs are trained and the final weights
            are kept.
        schedule: how the learning rate changes from update to update: ``cosine`` falls to 0, ``one-cycle`` rises, then
            falls. Momentum and betas stay constant, unlike PyTorch's ``OneCycleLR`` with its defaults.
        augment: random changes to every training image, different in each epoch: ``affine`` rotates, shifts, scales and
            shears it a little; ``elastic`` does more of that, varies the thickness of the strokes and bends them.
    """

    optimizer: Annotated[OptimizerName, _one_of("Optimizer", OptimizerName)] = "adam"
    learning_rate: Annotated[float, _number("learning_rate")] = 0.001
    weight_decay: Annotated[float, _number("weight_decay")] = 0.0
    batch_size: Annotated[int | Literal["full"], BeforeValidator(_batch_size)] = 64
    accumulate: Annotated[int, _number("accumulate")] = 1
    epochs: Annotated[int, _number("epochs")] = 5
    early_stopping: Annotated[int, _number("early_stopping")] = 0
    schedule: Annotated[Schedule, _one_of("Schedule", Schedule)] = "constant"
    augment: Annotated[Augment, _one_of("Augmentation", Augment)] = "none"


class Data(_Frozen):
    """Which images the model is trained on, and in which order.

    Attributes:
        dataset: ``mnist`` or ``fashion-mnist``.
        normalize: shift and scale the pixels to mean 0 and standard deviation 1 over the training set.
        train_size: number of training images, or None for all that are not validation images.
        label_noise: fraction of the training labels replaced by a random class (which may be the true one), 0 to 1;
            validation and test labels are not changed.
        order: ``shuffled`` again for each epoch, as ``stored``, or sorted ``by-class``.
        validation: images split off the training set to measure generalization; 0 in the tutorial.
    """

    dataset: Annotated[DatasetName, _one_of("Dataset", DatasetName)] = "mnist"
    normalize: Annotated[bool, _yes_or_no("Normalize")] = False
    train_size: Annotated[int | None, BeforeValidator(_optional_size)] = None
    label_noise: Annotated[float, _number("label_noise")] = 0.0
    order: Annotated[Order, _one_of("Order", Order)] = "shuffled"
    validation: Annotated[int, _number("validation")] = 5000

    @property
    def train_images(self) -> int:
        """Training images in an epoch."""
        return TRAIN_IMAGES - self.validation if self.train_size is None else self.train_size

    @model_validator(mode="after")
    def _enough_images(self) -> Self:
        if self.train_images + self.validation > TRAIN_IMAGES:
            raise _conflict(
                "train_size",
                f"{self.train_images:,} training and {self.validation:,} validation images are "
                f"{self.train_images + self.validation:,}, and the training set has {TRAIN_IMAGES:,}. "
                f"Use at most {TRAIN_IMAGES - self.validation:,} for training, or fewer for validation.",
            )
        return self


class Experiment(_Frozen):
    """Dataset, architecture, hyperparameters and seed: equal experiments give equal numbers on the same machine.

    Attributes:
        seed: of all random numbers (initial weights, order, dropout, label noise, augmentation).
        device: ``auto`` uses CUDA if available, then Apple's MPS, then the CPU.
        threads: CPU threads within one operation; they affect the last bits of a result.
    """

    architecture: Architecture = Architecture()
    hyperparameters: Hyperparameters = Hyperparameters()
    data: Data = Data()
    seed: Annotated[int, _number("seed")] = 0
    device: Annotated[Device, _one_of("Device", Device)] = "auto"
    threads: Annotated[int, _number("threads")] = 1

    @property
    def batch_images(self) -> int:
        """Images in a batch, as a number also for the full batch."""
        size = self.hyperparameters.batch_size
        return self.data.train_images if size == "full" else size

    @property
    def steps_per_epoch(self) -> int:
        """Steps (batches) in an epoch; the last batch may be smaller."""
        return math.ceil(self.data.train_images / self.batch_images)

    @property
    def total_steps(self) -> int:
        """Steps (batches) in the whole run."""
        return self.steps_per_epoch * self.hyperparameters.epochs

    @property
    def total_updates(self) -> int:
        """Optimizer steps in the whole run; fewer than batches where gradients are accumulated."""
        return math.ceil(self.steps_per_epoch / self.hyperparameters.accumulate) * self.hyperparameters.epochs

    def changed(self, **fields: object) -> "Experiment":
        """A copy with other values for some fields, named without their group (``hidden=(256,)``).

        Raises:
            InvalidExperiment: a value is outside its limits, or fields contradict each other.
        """
        return experiment_from_fields({**self.fields(), **fields})

    def fields(self) -> dict[str, Any]:
        """All fields by name, without their group."""
        return {
            name: getattr(part, name)
            for part in (self.architecture, self.hyperparameters, self.data, self)
            for name in type(part).model_fields
            if name not in _GROUPS
        }

    @model_validator(mode="after")
    def _makes_sense_together(self) -> Self:
        images, batch = self.data.train_images, self.batch_images
        accumulate = self.hyperparameters.accumulate
        if batch > images:
            raise _conflict(
                "batch_size",
                f"Batch size {batch:,} is more than the {images:,} training images. Use at most {images:,}, or full.",
            )
        if accumulate > self.steps_per_epoch:
            raise _conflict(
                "accumulate",
                f"Gradient accumulation over {accumulate:,} batches is more than the {self.steps_per_epoch:,} "
                "in an epoch. Use fewer, or a smaller batch size.",
            )
        if self.hyperparameters.early_stopping and not self.data.validation:
            raise _conflict(
                "early_stopping",
                "Early stopping needs validation images, and there are none. Set some aside, or turn early stopping "
                "off with 0.",
            )
        if self.architecture.batch_norm and 1 in (batch, images % batch):
            raise _conflict(
                "batch_norm",
                f"Batch norm needs at least two images per batch, and {images:,} images in batches of {batch:,} leave "
                "a batch of one. Change the batch size or turn batch norm off.",
            )
        if self.total_steps > MAX_TOTAL_STEPS:
            raise _conflict(
                "epochs",
                f"{self.hyperparameters.epochs:,} epochs of {self.steps_per_epoch:,} steps are "
                f"{self.total_steps:,} steps, and the limit is {MAX_TOTAL_STEPS:,}, since the loss of each step is "
                "stored. Use fewer epochs or a larger batch size.",
            )
        return self


_GROUPS: dict[str, type[_Frozen]] = {
    "architecture": Architecture,
    "hyperparameters": Hyperparameters,
    "data": Data,
}


def experiment_from_fields(fields: dict[str, object]) -> Experiment:
    """An experiment from fields named without their group; missing ones get their defaults.

    Raises:
        InvalidExperiment: with a sentence for each invalid field.
    """
    nested: dict[str, object] = {
        group: {name: fields[name] for name in model.model_fields if name in fields} for group, model in _GROUPS.items()
    }
    placed = {name for model in _GROUPS.values() for name in model.model_fields}
    nested.update({name: value for name, value in fields.items() if name not in placed})
    return _validated(lambda: Experiment.model_validate(nested))


def experiment_from_json(text: str | bytes) -> Experiment:
    """An experiment from JSON as written by `Experiment.model_dump_json`; the text need not be trusted.

    Raises:
        InvalidExperiment: it is not JSON, or has unknown fields or invalid values.
    """
    return _validated(lambda: Experiment.model_validate_json(text))


def _validated(build: Callable[[], Experiment]) -> Experiment:
    try:
        return build()
    except ValidationError as error:
        raise InvalidExperiment(_problems(error)) from None


def _problems(error: ValidationError) -> dict[str, str]:
    """One sentence per field: the first, if pydantic reports several."""
    problems: dict[str, str] = {}
    for item in error.errors(include_url=False):
        context = item.get("ctx", {})
        path = [str(part) for part in item["loc"]]
        if item["type"] == "value_error":
            field, message = path[-1], str(context["error"])
        elif item["type"] == "conflict":
            field, message = str(context["field"]), item["msg"]
        elif item["type"] == "extra_forbidden":
            field, message = path[-1], f"{'.'.join(path)!r} is not a field of an experiment. Remove it."
        elif item["type"] == "json_invalid":
            field, message = "", f"This is not valid JSON ({context['error']})."
        else:
            field = path[-1] if path else ""
            name = f"{'.'.join(path)} is" if path else "An experiment is"
            message = f"{name} a JSON object with named fields, not {reprlib.repr(item['input'])}."
        problems.setdefault(field, message)
    return problems


def _conflict(field: str, message: str) -> PydanticCustomError:
    # Braces would be read as placeholders; no message here has any.
    return PydanticCustomError("conflict", message, {"field": field})


TUTORIAL_PRESETS: dict[str, Experiment] = {
    "two-hidden": Experiment(architecture=Architecture(hidden=(512, 256)), data=Data(validation=0)),
    "one-hidden": Experiment(architecture=Architecture(hidden=(256,)), data=Data(validation=0)),
}
"""The tutorial's two experiments by their command-line name: all 60,000 images, none set aside for validation."""
