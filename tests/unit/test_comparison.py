"""What may be concluded from several runs: against runs whose truth is known, simulated and really trained."""

import math
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlpcore.comparison import inference
from mlpcore.comparison.agreement import agreement, recognized_by_nobody
from mlpcore.comparison.costs import seconds_per_image
from mlpcore.comparison.inference import LEVEL, compare_on_images, compare_over_seeds, holm, mean_interval
from mlpcore.comparison.plan import Plan, first_seeds, what_differs
from mlpcore.comparison.results import Comparison, TrainedRun, compare
from mlpcore.comparison.verdict import (
    architectures_sentence,
    models_sentence,
    sensitivity_sentence,
    short_sentence,
    verdict,
)
from mlpcore.datasets import Dataset, Images
from mlpcore.evaluation import Evaluation, judge
from mlpcore.experiment import Experiment, InvalidExperiment, experiment_from_fields
from mlpcore.history import History
from mlpcore.models import Classifier
from mlpcore.network import MLP, flops_per_image, model_bytes, parameter_count
from mlpcore.training import Finished, Result, Trainer

Bools = npt.NDArray[np.bool_]
LINEAR, ONE, TWO = (Experiment().changed(hidden=hidden) for hidden in [(), (256,), (512, 256)])


def evaluation(correct: Sequence[bool] | Bools, confidences: Sequence[float] | None = None) -> Evaluation:
    """Of images of the classes 0, 1, 2, …; what is not recognized is taken for the next class."""
    right = torch.tensor(np.asarray(correct))
    labels = torch.arange(len(right)) % 10
    answers = torch.where(right, labels, (labels + 1) % 10)
    judged = judge(5.0 * torch.nn.functional.one_hot(answers, 10), labels)
    return judged if confidences is None else replace(judged, confidences=np.array(confidences, np.float32))


def known(share: float, images: int = 10_000) -> Bools:
    """The first images are recognized, the others are not."""
    return np.arange(images) < round(share * images)


def compared(experiments: Iterable[Experiment], accuracies: Sequence[Sequence[float]], **settings: Any) -> Comparison:
    """A comparison in which the runs of each experiment had these test accuracies, with the seeds 0, 1, …"""
    plan = Plan(tuple(experiments), first_seeds(max(map(len, accuracies))), **settings)
    runs = [
        TrainedRun(
            experiment.changed(seed=seed),
            evaluation(known(share)),
            min(1.0, share + 0.02),
            3.0 + seed,
            History(experiment),
        )
        for experiment, shares in zip(plan.experiments, accuracies, strict=True)
        for seed, share in enumerate(shares)
    ]
    return compare(plan, runs)


def compatible(claims: int, comparisons: int, rate: float = LEVEL) -> bool:
    """Whether a share of false claims may be `rate`; would be denied to one in a thousand for which it is."""
    return bool(stats.binomtest(claims, comparisons, rate).pvalue > 0.001)


# The plan


def test_runs_are_planned_seed_by_seed() -> None:
    plan = Plan((ONE, TWO), (3, 1))
    assert [(run.architecture.hidden, run.seed) for run in plan.runs] == [
        ((256,), 3), ((512, 256), 3), ((256,), 1), ((512, 256), 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "field", "part"),
    [
        ({"experiments": (ONE,)}, "experiments", "1 model is not possible: a comparison needs 2 to 6"),
        ({"experiments": tuple(ONE.changed(hidden=(n,)) for n in range(1, 8))}, "experiments", "7 models are"),
        ({"experiments": (ONE, TWO, ONE.changed(seed=4))}, "experiments", "One hidden layer (256) appears twice"),
        ({"experiments": (ONE, TWO.changed(dataset="fashion-mnist"))}, "experiments", "different datasets"),
        ({"seeds": ()}, "seeds", "Number of seeds 0 is not possible"),
        ({"seeds": tuple(range(51))}, "seeds", "1 to 50"),
        ({"seeds": (0, 1, 0)}, "seeds", "twice"),
        ({"important": 0.0}, "important", "0 points is not possible"),
        ({"important": 1.0}, "important", "100 points is not possible"),
        ({"important": math.nan}, "important", "nan points is not possible"),
    ],
)
def test_what_cannot_be_compared_is_refused(settings: dict[str, Any], field: str, part: str) -> None:
    with pytest.raises(InvalidExperiment) as refused:
        Plan(**({"experiments": (ONE, TWO), "seeds": (0, 1)} | settings))
    assert list(refused.value.problems) == [field]
    assert part in refused.value.problems[field]


def test_the_first_seeds_are_counted_from_zero() -> None:
    assert first_seeds(1) == (0,)
    assert len(first_seeds(50)) == 50
    for count in (0, 51, 2.5, "3", True, None):
        with pytest.raises(InvalidExperiment, match="1 to 50"):
            first_seeds(count)


def test_planning_does_not_wait_for_pytorch() -> None:
    loaded = "import mlpcore.comparison.plan, sys; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert "mlpcore.comparison.plan" in modules and "torch" not in modules


def test_only_what_differs_is_named() -> None:
    assert what_differs([ONE, TWO.changed(seed=7)]) == {
        "Architecture": ["One hidden layer (256)", "Two hidden layers (512, 256)"]
    }
    assert what_differs([ONE, ONE.changed(seed=1)]) == {}
    other = ONE.changed(
        learning_rate=0.0001, batch_norm=True, train_size=5000, activation="leaky_relu", optimizer="sgd", epochs=1
    )
    assert what_differs([ONE, other]) == {
        "Activation": ["relu", "leaky relu"],
        "Batch norm": ["off", "on"],
        "Optimizer": ["adam", "sgd"],
        "Learning rate": ["0.001", "0.0001"],
        "Epochs": ["5", "1"],
        "Training images": ["all", "5,000"],
    }


def test_an_experiment_is_called_by_what_sets_it_apart() -> None:
    seeds = (0,)
    assert Plan((LINEAR, TWO), seeds).names == ["Linear softmax classifier", "Two hidden layers (512, 256)"]
    assert Plan((ONE, ONE.changed(optimizer="sgd")), seeds).names == ["Optimizer adam", "Optimizer sgd"]
    mixed = Plan((ONE, TWO.changed(dropout=0.5), TWO.changed(epochs=9)), seeds)
    assert mixed.names[1] == "Two hidden layers (512, 256) with dropout 0.5 and epochs 5"
    for plan in (mixed, Plan((ONE, ONE.changed(optimizer="sgd")), seeds)):
        assert len(set(plan.names)) == len(plan.names)
    assert not mixed.compares_architectures
    assert Plan((ONE, TWO.changed(activation="tanh")), seeds).compares_architectures


# Intervals and tests, against figures from elsewhere


def test_the_interval_of_a_mean_is_students() -> None:
    # t of 4 degrees of freedom at 97.5 %: 2.776 in every table.
    values = np.array([0.970, 0.975, 0.972, 0.978, 0.980])
    half = 2.776445 * values.std(ddof=1) / math.sqrt(5)
    assert mean_interval(values) == pytest.approx((values.mean() - half, values.mean() + half), abs=1e-8)
    assert mean_interval([0.97]) is None
    assert mean_interval([]) is None
    assert mean_interval([0.97, 0.97, 0.97]) is None


def test_students_own_example() -> None:
    """Hours of sleep gained by two drugs (Cushny and Peebles, in Student 1908): t = 4.0621, p = 0.00283."""
    dextro = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    laevo = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    test = compare_over_seeds(dextro, laevo, important=1.0)
    assert test.difference == pytest.approx(1.58)
    assert test.spread == pytest.approx(1.23, abs=0.005)
    assert test.p_value == pytest.approx(0.00283, abs=0.00001)
    assert test.interval == pytest.approx((0.70, 2.46), abs=0.005)
    assert test.joint_interval == test.interval
    joint = compare_over_seeds(dextro, laevo, 1.0, pairs=6).joint_interval
    assert joint and test.interval and joint[0] < test.interval[0] and test.interval[1] < joint[1]


def test_mcnemars_exact_test_is_a_coin_thrown_for_the_images_that_one_knew() -> None:
    first = np.repeat([True, True, False, False], [70, 2, 10, 18])
    second = np.repeat([True, False, True, False], [70, 2, 10, 18])
    test = compare_on_images(first, second)
    assert (test.both, test.only_first, test.only_second, test.nobody, test.images) == (70, 2, 10, 18, 100)
    assert test.difference == pytest.approx(0.08)
    tail = sum(math.comb(12, k) for k in range(3)) / 2**12
    assert test.p_value == pytest.approx(2 * tail)  # 0.0386
    assert test.interval and 0 < test.interval[0] < 0.08 < test.interval[1] < 0.12
    swapped = compare_on_images(second, first)
    assert swapped.p_value == pytest.approx(test.p_value)
    assert swapped.interval == pytest.approx((-test.interval[1], -test.interval[0]))


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 15))
def test_the_interval_for_images_leaves_out_zero_where_the_test_is_significant(b: int, c: int, pairs: int) -> None:
    first = np.repeat([True, False, True], [b, c, 1000])
    second = np.repeat([False, True, True], [b, c, 1000])
    test = compare_on_images(first, second, pairs)
    assert 0 <= test.p_value <= 1
    if b + c == 0:
        assert (test.p_value, test.interval, test.joint_interval) == (1, None, None)
        return
    for interval, level in [(test.interval, LEVEL), (test.joint_interval, LEVEL / pairs)]:
        assert interval
        assert interval[0] - 1e-12 <= test.difference <= interval[1] + 1e-12
        assert (interval[0] > 0 or interval[1] < 0) == (test.p_value < level)


def test_holms_example() -> None:
    # Holm's procedure step by step: 0.01 · 4, then 0.02 · 3, 0.03 · 2 and 0.04 · 1, none below the one before it.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.02]) == [0.02]
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([None, 0.02, None]) == [None, pytest.approx(0.06), None]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=15))
def test_holm_claims_no_less_than_bonferroni_and_keeps_the_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    for (p, q), (other_p, other_q) in combinations(zip(p_values, corrected, strict=True), 2):
        assert q is not None and other_q is not None
        assert p <= q <= min(1, len(p_values) * p) + 1e-12
        assert (q <= other_q) if p <= other_p else (q >= other_q)


@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_seeds_needed_are_those_of_the_tables(effect: float, seeds: int) -> None:
    """G*Power (Faul and others 2007) for small, medium and large effects: paired t-test, 5 % two-sided, power 80 %."""
    assert inference.seeds_for_effect(effect) == seeds
    assert inference.smallest_effect(seeds) <= effect < inference.smallest_effect(seeds - 1)


@pytest.mark.parametrize("pairs", [1, 15])
@pytest.mark.parametrize("seeds", [2, 3, 5, 50])
def test_the_detectable_difference_is_found_in_four_of_five_simulations(seeds: int, pairs: int) -> None:
    effect = inference.smallest_effect(seeds, LEVEL / pairs)
    assert inference.seeds_for_effect(effect * 1.0001, LEVEL / pairs) == seeds
    differences = np.random.default_rng(seeds).normal(effect, 1, (4000, seeds))
    result = stats.ttest_1samp(differences, 0, axis=1)
    found = int(((result.pvalue < LEVEL / pairs) & (result.statistic > 0)).sum())
    assert compatible(found, 4000, inference.POWER)


def test_any_effect_has_its_number_of_seeds() -> None:
    assert inference.seeds_for_effect(100) == 2
    normal = (stats.norm.isf(LEVEL / 2) + stats.norm.ppf(inference.POWER)) ** 2
    assert inference.seeds_for_effect(0.001) == pytest.approx(normal / 0.001**2, rel=1e-4)


# From runs to a comparison


def test_a_summary_has_what_a_reader_compares() -> None:
    one, two = compared([ONE, TWO], [[0.971, 0.975, 0.979], [0.98, 0.98, 0.98]]).summaries
    assert (one.name, two.name) == ("One hidden layer (256)", "Two hidden layers (512, 256)")
    assert one.accuracies.tolist() == [0.971, 0.975, 0.979]
    assert one.mean == pytest.approx(0.975)
    half = 4.302653 * 0.004 / math.sqrt(3)
    assert one.interval == pytest.approx((0.975 - half, 0.975 + half), abs=1e-8)
    assert one.gap == pytest.approx(0.02)
    assert one.train_seconds == 4.0
    assert one.parameters == parameter_count(ONE.architecture) == 203_530
    assert one.flops == flops_per_image(ONE.architecture)
    assert one.bytes == model_bytes(ONE.architecture)
    assert two.interval is None  # equal accuracies tell of no spread


def test_an_interval_of_accuracies_stays_between_none_and_all() -> None:
    near_all, near_none = compared([ONE, TWO], [[0.9999, 0.97], [0.0, 0.05]]).summaries
    assert near_all.interval and 0 < near_all.interval[0] < 0.97 and near_all.interval[1] == 1
    assert near_none.interval and near_none.interval[0] == 0 and 0.05 < near_none.interval[1] < 1


def test_one_seed_has_no_interval_and_no_test_of_the_architectures() -> None:
    comparison = compared([ONE, TWO], [[0.97], [0.98]])
    (pair,) = comparison.pairs
    assert [summary.interval for summary in comparison.summaries] == [None, None]
    assert (pair.architectures, pair.architectures_p, pair.architectures_differ) == (None, None, False)
    assert pair.models and pair.models.only_second == 100
    assert pair.models_differ and pair.image_seed == 0
    assert comparison.is_complete


def test_runs_are_paired_by_their_seeds_whatever_their_order() -> None:
    plan = Plan((ONE, TWO), (8, 3))
    shares = {(256,): {3: 0.90, 8: 0.95}, (512, 256): {3: 0.91, 8: 0.97}}
    runs = [
        TrainedRun(run, evaluation(known(shares[run.architecture.hidden][run.seed])), 1.0, 1.0, History(run))
        for run in plan.runs
    ]
    for order in (runs, runs[::-1]):
        comparison = compare(plan, order)
        assert [run.seed for run in comparison.summaries[0].runs] == [8, 3]
        (pair,) = comparison.pairs
        assert pair.seeds == (8, 3) and pair.image_seed == 8
        assert pair.models and pair.models.only_second == 200
        assert pair.architectures and pair.architectures.difference == pytest.approx(0.015)
        assert pair.architectures.spread == pytest.approx(math.sqrt(0.5) * 0.01)


def test_more_than_two_are_compared_in_all_pairs_with_holms_correction() -> None:
    comparison = compared([LINEAR, ONE, TWO], [[0.92, 0.93, 0.921], [0.97, 0.976, 0.974], [0.973, 0.978, 0.972]])
    assert [(pair.first, pair.second) for pair in comparison.pairs] == [(0, 1), (0, 2), (1, 2)]
    raw = [pair.architectures.p_value for pair in comparison.pairs if pair.architectures]
    assert [pair.architectures_p for pair in comparison.pairs] == holm(raw)
    assert [pair.architectures_differ for pair in comparison.pairs] == [True, True, False]
    raw_images = [pair.models.p_value for pair in comparison.pairs if pair.models]
    assert [pair.models_p for pair in comparison.pairs] == holm(raw_images)


def test_runs_that_do_not_belong_together_are_refused() -> None:
    plan = Plan((ONE, TWO), (0, 1))
    run = TrainedRun(plan.runs[0], evaluation(known(0.9)), 1.0, 1.0, History(plan.runs[0]))
    with pytest.raises(ValueError, match="seed 0 is there twice"):
        compare(plan, [run, run])
    with pytest.raises(ValueError, match="seed 2 is not in this comparison"):
        compare(plan, [replace(run, experiment=ONE.changed(seed=2))])
    with pytest.raises(ValueError, match="same images"):
        compare(plan, [run, TrainedRun(plan.runs[1], evaluation(known(0.9, 100)), 1.0, 1.0, History(plan.runs[1]))])


def test_a_comparison_that_was_cut_short_says_so_and_claims_nothing_about_architectures() -> None:
    shares = [[0.900, 0.901, 0.902, 0.903, 0.904], [0.970, 0.971, 0.973, 0.972]]
    cut = compared([ONE, TWO], shares)
    assert not cut.is_complete
    assert cut.common_seeds == (0, 1, 2, 3)
    assert [len(summary.runs) for summary in cut.summaries] == [5, 4]
    (pair,) = cut.pairs
    assert pair.architectures and pair.architectures.seeds == 4
    assert pair.architectures_p is not None and pair.architectures_p < 0.001
    assert not pair.architectures_differ
    assert "cut short: 4 of the 5 planned seeds" in architectures_sentence(cut)
    assert "did better" not in architectures_sentence(cut)
    whole = compared([ONE, TWO], [shares[0][:4], shares[1]])
    assert whole.pairs[0].architectures_differ and "did better" in architectures_sentence(whole)


def test_nothing_is_said_before_two_models_are_finished() -> None:
    plan = Plan((ONE, TWO), (0, 1))
    for runs in ([], [TrainedRun(plan.runs[0], evaluation(known(0.9)), 1.0, 1.0, History(plan.runs[0]))]):
        comparison = compare(plan, runs)
        assert comparison.summaries[1].mean is None and comparison.summaries[1].interval is None
        assert comparison.summaries[1].gap is None and comparison.summaries[1].train_seconds is None
        assert "nothing can be concluded yet" in models_sentence(comparison)
        assert "0 of the 2 planned seeds" in architectures_sentence(comparison)


# The verdict


def test_the_verdict_is_the_three_sentences() -> None:
    comparison = compared([ONE, TWO], [[0.971, 0.975], [0.974, 0.976]])
    sentences = [models_sentence(comparison), architectures_sentence(comparison), sensitivity_sentence(comparison)]
    assert verdict(comparison) == " ".join(sentences)
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in sentences)


def test_with_one_seed_nothing_follows_about_the_architectures() -> None:
    comparison = compared([ONE, TWO], [[0.97], [0.98]])
    assert "two hidden layers (512, 256) recognized 100 more" in models_sentence(comparison)
    assert "better one" in models_sentence(comparison)
    assert "nothing can be concluded yet" in architectures_sentence(comparison)
    assert "seed" in architectures_sentence(comparison)
    assert "not known" in sensitivity_sentence(comparison)


def test_a_difference_that_is_shown_is_named_with_its_interval() -> None:
    for accuracies, better, worse in [
        ([[0.92, 0.925, 0.915], [0.975, 0.98, 0.971]], "one hidden layer (256)", "the linear softmax classifier"),
        ([[0.975, 0.98, 0.971], [0.92, 0.925, 0.915]], "the linear softmax classifier", "one hidden layer (256)"),
    ]:
        comparison = compared([LINEAR, ONE], accuracies)
        sentence = architectures_sentence(comparison)
        assert f"over 3 seeds {better} did better than {worse} by 5.53 points on average" in sentence
        test = comparison.pairs[0].architectures
        assert test and test.interval
        low, high = sorted(abs(100 * end) for end in test.interval)
        assert f"(95 % interval {low:.2f} to {high:.2f})" in sentence


def test_a_difference_that_is_not_shown_is_never_called_absent() -> None:
    for accuracies in ([[0.971, 0.979, 0.973], [0.974, 0.976, 0.978]], [[0.974, 0.976, 0.978], [0.971, 0.979, 0.973]]):
        comparison = compared([ONE, TWO], accuracies)
        sentence = architectures_sentence(comparison)
        assert "no difference is shown" in sentence and "may really be anything from " in sentence
        test = comparison.pairs[0].architectures
        assert test and test.interval
        better_first = test.difference < 0
        low, high = test.interval if not better_first else (-test.interval[1], -test.interval[0])
        assert f"from {-100 * low:.2f} points worse to {100 * high:.2f} points better (95 % interval)" in sentence
        ahead = "one hidden layer (256)" if better_first else "two hidden layers (512, 256)"
        assert f"{ahead} came out 0.17 points ahead" in sentence
        assert f"{ahead} may really be" in sentence


def test_settings_are_not_called_architectures() -> None:
    comparison = compared([ONE, ONE.changed(learning_rate=0.01)], [[0.97, 0.98], [0.92, 0.91]])
    assert architectures_sentence(comparison).startswith("These settings: ")
    assert "learning rate 0.001" in architectures_sentence(comparison)


def test_several_are_told_by_what_was_shown_and_how_large_the_rest_may_be() -> None:
    comparison = compared(
        [LINEAR, ONE, TWO], [[0.92, 0.93, 0.921], [0.97, 0.976, 0.974], [0.973, 0.978, 0.972]]
    )  # fmt: skip
    sentence = architectures_sentence(comparison)
    assert "one hidden layer (256) did better than the linear softmax classifier (by " in sentence
    assert "two hidden layers (512, 256) did better than the linear softmax classifier (by " in sentence
    assert "between one hidden layer (256) and two hidden layers (512, 256) no difference is shown, but" in sentence
    assert "corrected for comparing 3 pairs" in sentence
    test = comparison.pairs[2].architectures
    assert test and test.joint_interval
    assert f"as large as {100 * max(map(abs, test.joint_interval)):.2f} points" in sentence
    assert "10,000 test images" in models_sentence(comparison)
    assert "between any two of them is found in 80 % " in sensitivity_sentence(comparison)


def test_equal_figures_are_no_proof_of_anything() -> None:
    level = compared([ONE, TWO], [[0.97, 0.98], [0.98, 0.97]])
    assert "both did equally well on average, and" in architectures_sentence(level)
    assert "may really be anything from" in architectures_sentence(level)
    same = compared([ONE, TWO], [[0.97, 0.98], [0.97, 0.98]])
    assert "nothing can be concluded" in architectures_sentence(same) and "0.00 points" in architectures_sentence(same)
    assert "exactly the same test images" in models_sentence(same)
    shifted = compared([ONE, TWO], [[0.96, 0.97], [0.97, 0.98]])
    assert not shifted.pairs[0].architectures_differ
    assert "1.00 points" in architectures_sentence(shifted) and "no spread" in architectures_sentence(shifted)
    three = compared([LINEAR, ONE, TWO], [[0.97, 0.98]] * 3)
    assert "nothing can be said" in architectures_sentence(three)
    assert "nothing can be said" in models_sentence(three)


def test_as_many_images_each_way_are_no_difference_but_may_hide_one() -> None:
    plan = Plan((ONE, TWO), (0,))
    first, second = known(0.97), np.roll(known(0.97), 40)
    comparison = compare(plan, [TrainedRun(run, evaluation(right), 1.0, 1.0, History(run)) for run, right in zip(plan.runs, [first, second], strict=True)])  # noqa: E501  # fmt: skip
    sentence = models_sentence(comparison)
    assert "no difference is shown: each recognized 40 of the 10,000 test images that the other did not" in sentence
    assert "may really be anything from" in sentence


def test_what_could_be_noticed_follows_the_important_difference() -> None:
    accuracies = [[0.971, 0.979, 0.973], [0.974, 0.976, 0.978]]
    small, large = (compared([ONE, TWO], accuracies, important=important) for important in (0.001, 0.01))
    for comparison, words in [(small, "0.1 points"), (large, "1 points")]:
        test = comparison.pairs[0].architectures
        assert test and test.detectable and test.seeds_needed
        sentence = sensitivity_sentence(comparison)
        assert f"a real difference of {100 * test.detectable:.2f} points is found in 80 % " in sentence
        assert f"finding {words} as often takes about {test.seeds_needed:,} seeds" in sentence
        assert "roughly estimated" in sentence


def test_two_wild_seeds_can_hardly_show_anything() -> None:
    assert "hardly any difference" in sensitivity_sentence(compared([ONE, TWO], [[0.3, 0.9], [0.8, 0.5]]))


def test_the_short_sentence_keeps_these_models_and_such_models_apart() -> None:
    plain = short_sentence(compared([ONE, TWO], [[0.92, 0.921, 0.922], [0.97, 0.971, 0.973]]))
    assert "of these two trained models, two hidden layers" in plain
    assert "also does better on average over 3 seeds" in plain
    luck = short_sentence(compared([ONE, TWO], [[0.98, 0.92, 0.95], [0.92, 0.98, 0.94]]))
    assert "one hidden layer (256) is the better one, but 3 seeds do not show that this holds" in luck
    one_seed = short_sentence(compared([ONE, TWO], [[0.98], [0.92]]))
    assert "one seed cannot tell" in one_seed
    level = short_sentence(compared([ONE, TWO], [[0.97, 0.96], [0.9701, 0.9602]]))
    assert "no difference is shown, neither between these two trained models nor over 2 seeds" in level


def test_a_small_interval_end_never_looks_like_zero() -> None:
    # 1, 2 and 3 images more: the mean of 2 images less 4.303 · 1 / √3 is -0.48 images, or -0.0048 points.
    comparison = compared([ONE, TWO], [[0.9700, 0.9701, 0.9702], [0.9701, 0.9703, 0.9705]])
    assert "from 0.005 points worse to 0.04 points better" in architectures_sentence(comparison)


# Synthetic runs whose truth is known


def simulated(
    rng: np.random.Generator, comparisons: int, seeds: int, models: int, images: int = 500
) -> npt.NDArray[np.float64]:
    """Accuracies of equally good models, [comparisons, models, seeds]: every seed shifts a model's skill, and all
    answer the same images, some of which are hard for everybody."""
    hardness = rng.normal(size=(comparisons, 1, 1, images))
    skill = 1.5 + 0.15 * rng.normal(size=(comparisons, models, seeds, 1))
    right = skill + 0.5 * rng.normal(size=(comparisons, models, seeds, images)) > hardness
    accuracies: npt.NDArray[np.float64] = right.mean(axis=3)
    return accuracies


@pytest.mark.parametrize("seeds", [2, 5, 20])
def test_where_there_is_no_difference_one_is_claimed_in_5_percent(seeds: int) -> None:
    accuracies = simulated(np.random.default_rng(seeds), 400, seeds, 2)
    tests = [compare_over_seeds(first, second, 0.005) for first, second in accuracies]
    claims = [test.p_value is not None and test.p_value < LEVEL for test in tests]
    assert compatible(sum(claims), len(claims))
    # An interval leaves out the truth exactly where a difference is claimed.
    for test, claim in zip(tests, claims, strict=True):
        assert claim == bool(test.interval and not test.interval[0] <= 0 <= test.interval[1])


def test_holm_keeps_false_claims_of_a_whole_comparison_at_5_percent() -> None:
    accuracies = simulated(np.random.default_rng(1), 300, 5, 4)
    claims, naive_claims = 0, 0
    for models in accuracies:
        p_values = [compare_over_seeds(a, b, 0.005, pairs=6).p_value for a, b in combinations(models, 2)]
        claims += min(p for p in holm(p_values) if p is not None) < LEVEL
        naive_claims += min(p for p in p_values if p is not None) < LEVEL
    # Holm's promise is at most 5 %; without it there would be clearly more.
    assert stats.binomtest(claims, len(accuracies), LEVEL, alternative="greater").pvalue > 0.001
    assert stats.binomtest(naive_claims, len(accuracies), LEVEL, alternative="greater").pvalue < 0.001


def test_mcnemar_claims_no_more_than_5_percent_between_equally_good_models() -> None:
    rng = np.random.default_rng(2)
    hardness = rng.normal(size=(400, 1, 1000))
    right = 1.5 + rng.normal(size=(400, 2, 1000)) > hardness
    claims = sum(compare_on_images(first, second).p_value < LEVEL for first, second in right)
    assert stats.binomtest(claims, len(right), LEVEL, alternative="greater").pvalue > 0.001
    assert claims > 0


def test_seeds_make_models_of_equal_architectures_differ_but_not_the_architectures() -> None:
    """Why the two questions are kept apart: between two runs with other seeds there often is a real difference."""
    rng = np.random.default_rng(3)
    hardness = rng.normal(size=(200, 1, 2000))
    skill = 1.5 + 0.15 * rng.normal(size=(200, 2, 1))
    right = skill + 0.5 * rng.normal(size=(200, 2, 2000)) > hardness
    claims = sum(compare_on_images(first, second).p_value < LEVEL for first, second in right)
    assert stats.binomtest(claims, len(right), LEVEL, alternative="greater").pvalue < 0.001


def test_a_clear_difference_is_found() -> None:
    rng = np.random.default_rng(4)
    equal = simulated(rng, 100, 5, 2)
    found = 0
    for first, second in equal:
        test = compare_over_seeds(first, second + 0.1, 0.005)
        found += bool(test.p_value is not None and test.p_value < LEVEL and test.difference > 0)
    assert found == len(equal)


# Real runs


@pytest.fixture(scope="module")
def few_test_images(mnist: Dataset) -> Dataset:
    return replace(mnist, test=Images(mnist.test.images[:2000], mnist.test.labels[:2000]))


@pytest.fixture(scope="module")
def train_tiny(few_test_images: Dataset) -> Callable[[Experiment], Result]:
    def train(experiment: Experiment) -> Result:
        *_, last = Trainer(experiment, few_test_images)
        assert isinstance(last, Finished)
        return last.result

    return train


TINY = experiment_from_fields(
    {
        "hidden": (16,), "train_size": 300, "validation": 0, "batch_size": 30, "learning_rate": 0.01, "epochs": 1,
        "device": "cpu",
    }
)  # fmt: skip


RUNS, SEEDS = 240, 3
AT_ONCE = RUNS // (2 * SEEDS)
"""Comparisons that so many runs allow without using one of them twice."""


@pytest.fixture(scope="module")
def equal_runs(train_tiny: Callable[[Experiment], Result]) -> list[TrainedRun]:
    """Runs of one architecture that differ in nothing but their seeds."""
    threads = torch.get_num_threads()
    seeds = [TINY.changed(seed=seed) for seed in range(RUNS)]
    runs = [TrainedRun.of(experiment, train_tiny(experiment), History(experiment)) for experiment in seeds]
    torch.set_num_threads(threads)
    return runs


def test_a_run_of_a_comparison_holds_what_its_result_does(
    train_tiny: Callable[[Experiment], Result], one_thread: None
) -> None:
    experiment = TINY.changed(seed=5)
    result = train_tiny(experiment)
    run = TrainedRun.of(experiment, result, History(experiment))
    assert run.test is result.test and run.seed == 5
    assert run.train_accuracy == result.train.accuracy and run.gap == pytest.approx(result.gap)
    assert run.train_seconds == result.train_seconds


def test_one_architecture_split_in_two_is_rarely_called_two(equal_runs: list[TrainedRun]) -> None:
    """Each run is used once, so the comparisons are independent and the binomial bound is exact."""
    plan = Plan((TINY, TINY.changed(threads=2)), first_seeds(SEEDS))
    shuffled = [equal_runs[place] for place in np.random.default_rng(0).permutation(len(equal_runs))]
    comparisons = [
        compare(plan, [replace(run, experiment=planned) for run, planned in zip(shuffled[start:], plan.runs)])  # noqa: B905
        for start in range(0, len(shuffled), 2 * SEEDS)
    ]
    assert len(comparisons) == AT_ONCE
    claims = sum(comparison.pairs[0].architectures_differ for comparison in comparisons)
    assert compatible(claims, AT_ONCE)
    said = sum("no difference is shown" in architectures_sentence(comparison) for comparison in comparisons)
    assert said == AT_ONCE - claims
    # The test on images, which is about two models, answers another question: their seeds do make them differ.
    models_claims = sum(comparison.pairs[0].models_differ for comparison in comparisons)
    assert not compatible(models_claims, AT_ONCE)


def test_one_architecture_split_again_and_again_is_called_two_in_5_percent(equal_runs: list[TrainedRun]) -> None:
    """Splits share runs, so they are not independent. Their mean is a U-statistic of degree 6 over the runs; its tails
    are bounded as if only a sixth as many independent comparisons as runs had been made (Hoeffding 1963, section 5)."""
    accuracies = np.array([run.test.accuracy for run in equal_runs])
    rng = np.random.default_rng(1)
    splits = 1000
    tests = []
    for _ in range(splits):
        first, second = accuracies[rng.choice(len(accuracies), (2, SEEDS), replace=False)]
        tests.append(compare_over_seeds(first, second, 0.005))
    claimed = sum(test.p_value is not None and test.p_value < LEVEL for test in tests)
    assert claimed > 0
    assert compatible(round(AT_ONCE * claimed / splits), AT_ONCE)


@pytest.mark.parametrize("weaker", [{"hidden": (2,)}, {"hidden": (), "learning_rate": 0.0001}])
def test_a_clear_difference_between_real_runs_is_found(
    weaker: dict[str, Any], train_tiny: Callable[[Experiment], Result], one_thread: None
) -> None:
    plan = Plan((TINY.changed(**weaker), TINY.changed(hidden=(64,))), first_seeds(4))
    comparison = compare(plan, [TrainedRun.of(run, train_tiny(run), History(run)) for run in plan.runs])
    (pair,) = comparison.pairs
    assert pair.architectures and pair.architectures.difference > 0.1
    assert pair.architectures_differ and pair.models_differ
    assert "did better than" in architectures_sentence(comparison)


# Where two models differ


def test_images_that_only_one_model_knows_come_the_surest_first() -> None:
    first = evaluation([True, True, True, False, False, True], [0.9, 0.8, 0.7, 0.9, 0.6, 0.99])
    second = evaluation([True, False, False, False, True, False], [0.9, 0.7, 0.8, 0.5, 0.8, 0.75])
    found = agreement(first, second)
    assert found.both == 1
    assert found.only_first.tolist() == [5, 1, 2]  # the lower confidences are 0.75, 0.7 and 0.7
    assert found.only_second.tolist() == [4]
    assert found.nobody.tolist() == [3]
    assert found.answers.sum() == 6
    assert found.answers[0, 0] == 1  # both recognize image 0
    assert found.answers[1, 2] == 1  # image 1: the first says 1, the second 2
    assert found.same_answers == pytest.approx(2 / 6)  # images 0 and 3


def test_two_equal_models_agree_on_everything() -> None:
    one = evaluation(known(0.9, 100))
    found = agreement(one, one)
    assert (found.both, len(found.only_first), len(found.only_second), len(found.nobody)) == (90, 0, 0, 10)
    assert found.same_answers == 1


@settings(max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_every_image_is_counted_once(rights: list[tuple[bool, bool, bool]]) -> None:
    first, second, third = (evaluation(list(column)) for column in zip(*rights, strict=True))
    found = agreement(first, second)
    parts = [found.only_first, found.only_second, found.nobody]
    assert found.both + sum(map(len, parts)) == len(rights)
    assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts))
    test = compare_on_images(first.correct, second.correct)
    assert (test.both, test.only_first, test.only_second, test.nobody) == (found.both, *map(len, parts))
    nobody = set(recognized_by_nobody([first, second, third]).tolist())
    assert nobody == {place for place, row in enumerate(rights) if not any(row)}


# Costs


def test_the_time_of_an_answer_is_measured_on_one_thread_and_leaves_the_process_as_it_was(mnist: Dataset) -> None:
    generator = torch.Generator().manual_seed(0)
    used = []

    class Watched(MLP):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            used.append((torch.get_num_threads(), len(images)))
            return super().forward(images)

    network = Watched(ONE.architecture, generator, generator).eval()
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seconds = seconds_per_image(Classifier(ONE, network), mnist.test.images[:100])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(used) == {(1, 100)} and len(used) > 2
    assert 0 < seconds < 1
