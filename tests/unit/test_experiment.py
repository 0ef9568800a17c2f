"""What an experiment accepts, what it refuses and in which words, and how it travels as JSON."""

import json
import pickle
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from mlpcore.experiment import (
    LIMITS,
    MAX_TOTAL_STEPS,
    TRAIN_IMAGES,
    TUTORIAL_PRESETS,
    Activation,
    Architecture,
    Augment,
    Data,
    DatasetName,
    Device,
    Experiment,
    InvalidExperiment,
    OptimizerName,
    Order,
    Schedule,
    experiment_from_fields,
    experiment_from_json,
)

CHOICES = {
    "activation": Activation,
    "optimizer": OptimizerName,
    "schedule": Schedule,
    "augment": Augment,
    "dataset": DatasetName,
    "order": Order,
    "device": Device,
}
YES_OR_NO = ["batch_norm", "normalize"]
NUMBERS = [name for name in LIMITS if name != "hidden"]


def refusal(**fields: object) -> dict[str, str]:
    """The sentences with which these fields are refused."""
    with pytest.raises(InvalidExperiment) as refused:
        experiment_from_fields(fields)
    assert str(refused.value) == " ".join(refused.value.problems.values())
    return refused.value.problems


def numbers(field: str, high: float | None = None) -> SearchStrategy[Any]:
    limits = LIMITS[field]
    high = limits.high if high is None else high
    if limits.whole:
        return st.integers(int(limits.low), int(high))
    return st.floats(limits.low, high, exclude_min=limits.open_low)


@st.composite
def valid_fields(draw: st.DrawFn) -> dict[str, object]:
    """Every field of an experiment that can be run."""
    hidden = draw(st.lists(numbers("hidden"), max_size=8))
    validation = draw(numbers("validation"))
    train_size = draw(st.none() | st.integers(1, TRAIN_IMAGES - validation))
    images = train_size or TRAIN_IMAGES - validation
    # Small numbers of small batches, so that the steps stay below their limit.
    batch_size = draw(st.just("full") | st.integers(max(1, images // 1000), images))
    steps = 1 if batch_size == "full" else -(-images // int(batch_size))
    batch_of_one = images == 1 or batch_size == 1 or (batch_size != "full" and images % int(batch_size) == 1)
    return {
        "hidden": tuple(hidden),
        "dropout": draw(numbers("dropout")) if hidden else 0.0,
        "batch_norm": draw(st.booleans()) if hidden and not batch_of_one else False,
        "learning_rate": draw(numbers("learning_rate")),
        "weight_decay": draw(numbers("weight_decay")),
        "batch_size": batch_size,
        "accumulate": draw(st.integers(1, steps)),
        "epochs": draw(numbers("epochs")),
        "early_stopping": draw(numbers("early_stopping")) if validation else 0,
        "train_size": train_size,
        "label_noise": draw(numbers("label_noise")),
        "validation": validation,
        "normalize": draw(st.booleans()),
        "seed": draw(numbers("seed")),
        "threads": draw(numbers("threads")),
        **{field: draw(st.sampled_from(get_args(choices))) for field, choices in CHOICES.items()},
    }


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["full", "adam", "relu"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
field_names = st.sampled_from(sorted(Experiment().fields()))


# The way to JSON and back


def test_defaults_are_the_tutorials_with_images_set_aside_for_validation() -> None:
    experiment = Experiment()
    assert experiment.architecture == Architecture(hidden=(512, 256), activation="relu")
    chosen = experiment.hyperparameters
    assert (chosen.optimizer, chosen.learning_rate, chosen.batch_size, chosen.epochs) == ("adam", 0.001, 64, 5)
    assert experiment.data.validation == 5000
    assert {name: preset.architecture.hidden for name, preset in TUTORIAL_PRESETS.items()} == {
        "two-hidden": (512, 256),
        "one-hidden": (256,),
    }
    for preset in TUTORIAL_PRESETS.values():
        assert preset.steps_per_epoch == 938
        assert preset == Experiment(architecture=preset.architecture, data=Data(validation=0))


@given(valid_fields())
def test_a_valid_experiment_comes_back_from_json_as_it_was(fields: dict[str, object]) -> None:
    experiment = experiment_from_fields(fields)
    assert experiment.fields() == fields
    back = experiment_from_json(experiment.model_dump_json())
    assert back == experiment
    assert hash(back) == hash(experiment)
    assert back.fields() == fields
    assert experiment_from_fields(experiment.fields()) == experiment
    assert experiment.changed() == experiment


@given(valid_fields(), valid_fields())
def test_experiments_are_equal_when_all_their_fields_are(one: dict[str, object], other: dict[str, object]) -> None:
    assert (experiment_from_fields(one) == experiment_from_fields(other)) == (one == other)


def test_every_field_makes_another_experiment() -> None:
    base = Experiment()
    others: dict[str, object] = {
        "hidden": (64,), "activation": "tanh", "dropout": 0.1, "batch_norm": True,
        "optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.1, "batch_size": 32, "accumulate": 2, "epochs": 1,
        "early_stopping": 3, "schedule": "cosine", "augment": "affine",
        "dataset": "fashion-mnist", "normalize": True, "train_size": 100, "label_noise": 0.1, "order": "stored",
        "validation": 0,
        "seed": 1, "device": "cpu", "threads": 2,
    }  # fmt: skip
    assert set(others) == set(base.fields())
    different = {base, *(base.changed(**{field: value}) for field, value in others.items())}
    assert len(different) == 1 + len(others)


def test_an_experiment_cannot_be_altered() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Experiment().seed = 1  # type: ignore[misc]


def test_a_refusal_survives_pickling() -> None:
    problems = {"epochs": "Epochs 0 is not possible.", "seed": "Nor is this seed."}
    copy = pickle.loads(pickle.dumps(InvalidExperiment(problems)))
    assert copy.problems == problems
    assert str(copy) == " ".join(problems.values())


def test_json_may_leave_out_what_keeps_its_default() -> None:
    assert experiment_from_json("{}") == Experiment()
    assert experiment_from_json(b'{"data": {"validation": 0}}') == TUTORIAL_PRESETS["two-hidden"]


# Limits of the single fields


@pytest.mark.parametrize("field", NUMBERS)
def test_a_number_at_its_limits_is_taken(field: str) -> None:
    limits = LIMITS[field]
    # As much else as each field's extremes need, so that only the field itself decides.
    room = {"validation": 0, "batch_size": "full", "train_size": None}
    if field == "accumulate":
        room |= {"batch_size": 1}
    if field == "early_stopping":
        room |= {"validation": 1}
    lowest = 5e-324 if limits.open_low else limits.low
    for value in (lowest, limits.high):
        value = value if not limits.whole else int(value)
        assert experiment_from_fields({**room, field: value}).fields()[field] == value


@pytest.mark.parametrize("field", NUMBERS)
def test_a_number_beyond_its_limits_is_refused_with_what_is_allowed(field: str) -> None:
    limits = LIMITS[field]
    step: float = 1 if limits.whole else 0.001
    for value in (limits.low - (0 if limits.open_low else step), limits.high + step, -(10**12), 10**12):
        message = refusal(**{field: value})[field]
        assert message.startswith(f"{limits.label} {value:,} is not possible. Allowed: {limits.allowed}.")
        assert message.endswith(limits.why)


@pytest.mark.parametrize("field", NUMBERS)
@pytest.mark.parametrize("value", ["7", True, [1], {}, float("nan"), float("inf"), -float("inf")], ids=repr)
def test_what_is_no_finite_number_is_refused(field: str, value: object) -> None:
    message = refusal(**{field: value})[field]
    shown = f"{value}" if isinstance(value, float) else repr(value)
    assert shown in message
    assert LIMITS[field].allowed in message


@pytest.mark.parametrize("field", [name for name in NUMBERS if LIMITS[name].whole])
def test_a_fraction_is_no_whole_number(field: str) -> None:
    assert " 2.5 is not possible" in refusal(**{field: 2.5})[field]
    assert " 1.0 is not possible" in refusal(**{field: 1.0})[field]


def test_a_refused_number_is_not_rounded_to_one_that_is_allowed() -> None:
    assert " 0.9500000001 is not possible" in refusal(dropout=0.9500000001)["dropout"]
    assert " 100.00000001 is not possible" in refusal(learning_rate=100.00000001)["learning_rate"]


def test_the_limits_in_words() -> None:
    assert LIMITS["epochs"].allowed == "whole numbers from 1 to 1,000"
    assert LIMITS["dropout"].allowed == "0 to 0.95"
    assert LIMITS["learning_rate"].allowed == "more than 0, at most 100"


@pytest.mark.parametrize("field", CHOICES)
@pytest.mark.parametrize("value", ["", "ADAM", "None", None, 3, ["relu"]], ids=repr)
def test_a_choice_that_is_not_on_the_list_is_refused_with_the_list(field: str, value: object) -> None:
    message = refusal(**{field: value})[field]
    assert repr(value) in message
    for choice in get_args(CHOICES[field]):
        assert experiment_from_fields({field: choice}).fields()[field] == choice
        assert choice in message


@pytest.mark.parametrize("field", YES_OR_NO)
@pytest.mark.parametrize("value", [0, 1, "yes", None], ids=repr)
def test_yes_or_no_is_nothing_else(field: str, value: object) -> None:
    message = refusal(**{field: value})[field]
    assert repr(value) in message
    assert "true or false" in message


@pytest.mark.parametrize(
    ("hidden", "parts"),
    [
        ((0,), ["0 is not possible", "1 to 4,096"]),
        ((512, 4097), ["4,097 is not possible", "1 to 4,096"]),
        ((512, 2.0), ["2.0 is not possible", "whole numbers"]),
        ((True,), ["True is not possible"]),
        (("256",), ["'256' is not possible"]),
        ([1] * 9, ["9 hidden layers", "0 to 8"]),
        ("512, 256", ["'512, 256'", "list"]),
        (512, ["512", "list"]),
        (None, ["None", "list"]),
    ],
    ids=repr,
)
def test_hidden_layers_that_cannot_be(hidden: object, parts: list[str]) -> None:
    message = refusal(hidden=hidden)["hidden"]
    for part in parts:
        assert part in message


@pytest.mark.parametrize("hidden", [(), (1,), (4096,) * 8], ids=repr)
def test_hidden_layers_at_their_limits(hidden: tuple[int, ...]) -> None:
    assert Experiment().changed(hidden=list(hidden)).architecture.hidden == hidden


def test_every_mistake_gets_its_own_sentence() -> None:
    problems = refusal(seed=-1, epochs=0, hidden=(0,), order="random")
    assert set(problems) == {"seed", "epochs", "hidden", "order"}


# Fields that make no sense together


@pytest.mark.parametrize(
    ("fields", "field", "parts"),
    [
        ({"hidden": (), "dropout": 0.5}, "dropout", ["hidden layer"]),
        ({"hidden": (), "batch_norm": True}, "batch_norm", ["hidden layer"]),
        ({"train_size": 50_001, "validation": 10_000}, "train_size", ["50,001", "10,000", "60,001", "60,000"]),
        ({"train_size": 100, "batch_size": 101}, "batch_size", ["101", "100"]),
        ({"batch_size": 55_001}, "batch_size", ["55,001", "55,000"]),
        ({"train_size": 100, "batch_size": 10, "accumulate": 11}, "accumulate", ["11", "10"]),
        ({"batch_size": "full", "accumulate": 2}, "accumulate", ["2", "1"]),
        ({"train_size": 100, "batch_size": 33, "batch_norm": True}, "batch_norm", ["100", "33"]),
        ({"batch_size": 1, "batch_norm": True}, "batch_norm", ["55,000", "batches of 1"]),
        ({"train_size": 1, "batch_size": "full", "batch_norm": True}, "batch_norm", ["1 images"]),
        ({"validation": 0, "early_stopping": 1}, "early_stopping", ["validation images", "0"]),
        ({"validation": 0, "batch_size": 1, "epochs": 34}, "epochs", ["34", "60,000", "2,040,000", "2,000,000"]),
    ],
    ids=str,
)  # fmt: skip
def test_fields_that_contradict_each_other(fields: dict[str, object], field: str, parts: list[str]) -> None:
    problems = refusal(**fields)
    assert list(problems) == [field]
    for part in parts:
        assert part in problems[field]


@pytest.mark.parametrize(
    "fields",
    [
        {"train_size": 50_000, "validation": 10_000},
        {"train_size": 100, "batch_size": 100},
        {"train_size": 100, "batch_size": 10, "accumulate": 10},
        {"train_size": 100, "batch_size": 49, "batch_norm": True},
        {"train_size": 2, "batch_size": "full", "batch_norm": True},
        {"validation": 0, "batch_size": 1, "epochs": 33},
        {"hidden": (), "dropout": 0.0, "batch_norm": False},
    ],
    ids=str,
)
def test_fields_that_just_go_together(fields: dict[str, object]) -> None:
    experiment = experiment_from_fields(fields)
    assert experiment.total_steps <= MAX_TOTAL_STEPS


# Files from somebody else


@pytest.mark.parametrize(
    ("text", "field", "part"),
    [
        ("", "", "not valid JSON"),
        ("{", "", "not valid JSON"),
        (b"\xff\xfe", "", "not valid JSON"),
        ("[" * 10_000, "", "not valid JSON"),
        ("[]", "", "JSON object"),
        ("null", "", "JSON object"),
        ('{"data": 5}', "data", "JSON object"),
        ('{"architecture": null}', "architecture", "JSON object"),
        ('{"lr": 0.1}', "lr", "'lr' is not a field"),
        ('{"hyperparameters": {"lr": 0.1}}', "lr", "'hyperparameters.lr' is not a field"),
        ('{"hidden": [256]}', "hidden", "'hidden' is not a field"),
        ('{"hyperparameters": {"epochs": 0}}', "epochs", "0 is not possible"),
        ('{"hyperparameters": {"learning_rate": NaN}}', "learning_rate", "nan"),
        ('{"{seed}": 1}', "{seed}", "is not a field"),
    ],
)
def test_json_that_is_no_experiment(text: str | bytes, field: str, part: str) -> None:
    with pytest.raises(InvalidExperiment) as refused:
        experiment_from_json(text)
    assert list(refused.value.problems) == [field]
    assert part in refused.value.problems[field]


def assert_sentences(problems: dict[str, str]) -> None:
    assert problems
    for message in problems.values():
        assert message.strip()
        assert message.endswith((".", ")."))


@given(st.text() | st.binary() | anything.map(json.dumps))
def test_whatever_the_file_holds_it_is_an_experiment_or_refused(text: str | bytes) -> None:
    try:
        assert isinstance(experiment_from_json(text), Experiment)
    except InvalidExperiment as refused:
        assert_sentences(refused.problems)


@given(
    st.dictionaries(
        st.sampled_from(["architecture", "hyperparameters", "data"]), st.dictionaries(field_names, anything), max_size=3
    )
)
def test_whatever_value_a_file_gives_a_field_it_is_an_experiment_or_refused(parts: dict[str, Any]) -> None:
    text = json.dumps(parts)
    try:
        experiment = experiment_from_json(text)
        assert experiment_from_json(experiment.model_dump_json()) == experiment
    except InvalidExperiment as refused:
        assert_sentences(refused.problems)


@given(st.dictionaries(field_names | st.text(), anything | st.binary() | st.just(object()) | numbers("hidden")))
@example({"seed": 10**400})
@example({"learning_rate": 10**400})
@example({"\ud800": 1})
def test_whatever_is_changed_the_result_is_an_experiment_or_refused(fields: dict[str, Any]) -> None:
    # `self` is the one name that Python itself does not let through as a keyword.
    fields.pop("self", None)
    try:
        assert isinstance(Experiment().changed(**fields), Experiment)
    except InvalidExperiment as refused:
        assert_sentences(refused.problems)


# Arithmetic


@given(
    images=st.integers(1, 400),
    batch=st.integers(1, 400) | st.just("full"),
    accumulate=st.integers(1, 400),
    epochs=st.integers(1, 5),
)
def test_steps_are_those_that_counting_them_gives(images: int, batch: int | str, accumulate: int, epochs: int) -> None:
    fields: dict[str, object] = {"train_size": images, "batch_size": batch, "epochs": epochs}
    batch_images = images if batch == "full" else int(batch)
    steps = updates = 0
    for _ in range(epochs):
        left, waiting = images, 0
        while left > 0:
            left -= batch_images
            steps += 1
            waiting += 1
            if waiting == accumulate or left <= 0:
                updates += 1
                waiting = 0
    if batch_images > images:
        assert set(refusal(**fields)) == {"batch_size"}
    elif accumulate > steps // epochs:
        assert set(refusal(**fields, accumulate=accumulate)) == {"accumulate"}
    else:
        experiment = experiment_from_fields({**fields, "accumulate": accumulate})
        assert experiment.batch_images == batch_images
        assert experiment.steps_per_epoch * epochs == steps
        assert experiment.total_steps == steps
        assert experiment.total_updates == updates


def test_titles_say_how_many_hidden_layers() -> None:
    assert Architecture(hidden=()).title == "Linear softmax classifier"
    assert Architecture(hidden=(256,)).title == "One hidden layer (256)"
    assert Architecture(hidden=(512, 256)).title == "Two hidden layers (512, 256)"
    assert Architecture(hidden=(1,) * 8).title.startswith("Eight hidden layers (1, 1,")
    assert Architecture(hidden=(512, 256)).sizes == (784, 512, 256, 10)
