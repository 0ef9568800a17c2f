"""The network: its parts, its initial weights, and what it costs."""

import gc
import itertools
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from mlpcore import network
from mlpcore.datasets import Dataset
from mlpcore.experiment import TUTORIAL_PRESETS, Activation, Architecture, Experiment, InvalidExperiment
from mlpcore.network import (
    ACTIVATIONS,
    MLP,
    Dropout,
    check_fits_in_memory,
    flops_per_image,
    model_bytes,
    parameter_count,
    training_bytes,
)
from mlpcore.training import Trainer

CPU = torch.device("cpu")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(architecture: Architecture, seed: int = 0) -> MLP:
    return MLP(architecture, generator=seeded(seed), dropout_generator=seeded(seed + 1))


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    hidden = draw(st.lists(st.integers(1, 40), max_size=8))
    return Architecture(
        hidden=tuple(hidden),
        activation=draw(st.sampled_from(list(ACTIVATIONS))),
        dropout=draw(st.sampled_from([0.0, 0.3])) if hidden else 0.0,
        batch_norm=draw(st.booleans()) if hidden else False,
    )


# Parts and costs


@given(architectures())
@settings(max_examples=40)
def test_costs_are_those_of_the_model_that_is_built(architecture: Architecture) -> None:
    model = build(architecture)
    assert parameter_count(architecture) == sum(part.numel() for part in model.parameters())
    assert model_bytes(architecture) == sum(part.numel() * part.element_size() for part in model.parameters())
    assert flops_per_image(architecture) == sum(2 * layer.weight.numel() for layer in model.linear_layers)
    assert model(torch.zeros(2, 28, 28)).shape == (2, 10)


def test_the_tutorials_models_have_the_tutorials_parameters() -> None:
    assert parameter_count(TUTORIAL_PRESETS["two-hidden"].architecture) == 535_818
    assert parameter_count(TUTORIAL_PRESETS["one-hidden"].architecture) == 203_530


def test_flops_counted_by_hand() -> None:
    assert flops_per_image(Architecture(hidden=(512, 256))) == 2 * (784 * 512 + 512 * 256 + 256 * 10)
    assert flops_per_image(Architecture(hidden=())) == 2 * 784 * 10


def test_layers_stand_in_the_textbooks_order() -> None:
    model = build(Architecture(hidden=(8, 4), activation="tanh", dropout=0.1, batch_norm=True))
    block = [nn.Linear, nn.BatchNorm1d, nn.Tanh, Dropout]
    assert [type(layer) for layer in model.layers] == [nn.Flatten, *block, *block, nn.Linear]
    assert [type(layer) for layer in build(Architecture(hidden=())).layers] == [nn.Flatten, nn.Linear]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_the_outputs_of_the_hidden_layers(activation: Activation) -> None:
    model = build(Architecture(hidden=(8, 4), activation=activation))
    images = torch.rand(3, 28, 28, generator=seeded(5))
    first, second = model.activations(images)
    linear = model.linear_layers
    by_hand = ACTIVATIONS[activation]()(images.flatten(1) @ linear[0].weight.T + linear[0].bias)
    torch.testing.assert_close(first, by_hand)
    torch.testing.assert_close(second, ACTIVATIONS[activation]()(first @ linear[1].weight.T + linear[1].bias))
    torch.testing.assert_close(model(images), second @ linear[2].weight.T + linear[2].bias)


# Initial weights


def test_initial_weights_are_those_of_plain_pytorch_with_the_same_seed() -> None:
    model = build(Architecture(hidden=(512, 256)), seed=7)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        plain = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)
        )
    expected, actual = plain.state_dict(), model.layers.state_dict()
    assert list(actual) == list(expected)
    assert all(torch.equal(actual[name], expected[name]) for name in expected)


def test_initial_weights_are_uniform_within_the_bound_of_linear() -> None:
    for layer in build(Architecture(hidden=(512, 256))).linear_layers:
        bound = 1 / math.sqrt(layer.in_features)
        for values in (layer.weight, layer.bias):
            assert values.abs().max() <= bound
        assert layer.weight.abs().max() > 0.99 * bound
        # The standard deviation of a uniform distribution in ±bound; 2,560 weights or more give it to about 1 %.
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_initial_weights_follow_the_generator_and_nothing_else() -> None:
    def weights(seed: int) -> Tensor:
        return torch.cat([part.detach().flatten() for part in build(Architecture(hidden=(64,)), seed).parameters()])

    state = torch.get_rng_state()
    one = weights(1)
    assert torch.equal(torch.get_rng_state(), state)
    with torch.random.fork_rng():
        torch.manual_seed(123)
        assert torch.equal(weights(1), one)
    assert not torch.equal(weights(2), one)


# Dropout


def test_dropout_zeroes_its_share_and_scales_the_rest() -> None:
    layer = Dropout(0.3, seeded(0)).train()
    out = layer(torch.full((1000, 1000), 2.0))
    # A million coins: the share's standard deviation is 0.0005.
    assert (out == 0).float().mean().item() == pytest.approx(0.3, abs=0.003)
    torch.testing.assert_close(out[out != 0], torch.full_like(out[out != 0], 2 / 0.7))
    assert not torch.equal(layer(torch.ones(4, 100)) == 0, layer(torch.ones(4, 100)) == 0)


def test_dropout_passes_no_gradient_where_it_zeroed() -> None:
    x = torch.ones(50, 50, requires_grad=True)
    out = Dropout(0.5, seeded(0)).train()(x)
    out.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, out.detach())


def test_dropout_does_nothing_in_evaluation() -> None:
    generator = seeded(0)
    state = generator.get_state()
    x = torch.randn(20, 20)
    assert torch.equal(Dropout(0.5, generator).eval()(x), x)
    assert torch.equal(generator.get_state(), state)


def test_dropout_draws_from_its_own_generator_only() -> None:
    x = torch.ones(100, 100)
    expected = Dropout(0.5, seeded(3)).train()(x)
    with torch.random.fork_rng():
        torch.manual_seed(99)
        state = torch.get_rng_state()
        assert torch.equal(Dropout(0.5, seeded(3)).train()(x), expected)
        assert torch.equal(torch.get_rng_state(), state)


# Memory

TOO_LARGE = Experiment().changed(hidden=(4096,) * 8, batch_size="full", device="cpu")


def test_what_does_not_fit_is_refused_before_anything_is_built(mnist: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_model(*_: object, **__: object) -> None:
        raise AssertionError("a model was built")

    monkeypatch.setattr(network, "free_bytes", lambda device: 8_000_000_000)
    monkeypatch.setattr("mlpcore.training.MLP", no_model)
    with pytest.raises(InvalidExperiment) as refused:
        Trainer(TOO_LARGE, mnist)
    assert list(refused.value.problems) == ["hidden"]
    # Five numbers per parameter, and per image two times its pixels and four times the outputs of each layer.
    parameters = 784 * 4096 + 7 * 4096 * 4096 + 8 * 4096 + 4096 * 10 + 10
    gigabytes = 4 * (5 * parameters + 55_000 * (2 * 784 + 4 * (8 * 4096 + 10))) / 1e9
    assert gigabytes > 30
    assert f"{gigabytes:.1f} GB" in str(refused.value)
    assert "8.0 GB are free" in str(refused.value)


def test_memory_is_refused_exactly_where_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = training_bytes(TOO_LARGE)
    monkeypatch.setattr(network, "free_bytes", lambda device: needed)
    check_fits_in_memory(TOO_LARGE, CPU)
    monkeypatch.setattr(network, "free_bytes", lambda device: needed - 1)
    with pytest.raises(InvalidExperiment):
        check_fits_in_memory(TOO_LARGE, CPU)


def peak_bytes(work: Callable[[], object]) -> int:
    """The most bytes that PyTorch held at once of what it allocated while `work` ran."""
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        work()
    events = profiled.profiler.kineto_results.events()
    changes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    peak: int = max(itertools.accumulate(change for _, change in changes))
    return peak


@pytest.mark.parametrize(
    "fields",
    [
        {"hidden": (2048, 2048)},
        {"hidden": (2048, 2048), "optimizer": "sgd"},
        {"hidden": (1024, 256), "train_size": 4000, "batch_size": "full"},
        {"hidden": (1024, 256), "train_size": 4000, "batch_size": "full", "batch_norm": True, "dropout": 0.2},
        {"hidden": (256,), "train_size": 4000, "batch_size": "full", "augment": "affine"},
        {"hidden": (256,), "train_size": 4000, "batch_size": "full", "augment": "elastic"},
    ],
    ids=str,
)
def test_training_takes_about_the_memory_that_was_announced(
    fields: dict[str, object], small: Callable[..., Experiment], mnist: Dataset
) -> None:
    experiment = small(**fields)

    def learn() -> None:
        trainer = Trainer(experiment, mnist)
        while trainer.history.steps < 2:
            next(trainer)

    assert 0.5 < peak_bytes(learn) / training_bytes(experiment) < 2
