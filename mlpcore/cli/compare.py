"""``python -m mlpcore compare``: trains several models with several seeds and states the conclusion."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlpcore.cli.options import PROGRAM, add_experiment_options, fields
from mlpcore.cli.progress import fetch_progress, progress_bar, stopped_by_signals
from mlpcore.comparison.plan import SEED_COUNT, Plan, first_seeds
from mlpcore.experiment import TUTORIAL_PRESETS, InvalidExperiment
from mlpcore.links import as_given, as_number, value_of

if TYPE_CHECKING:
    from mlpcore.comparison.results import Comparison, Pair, Summary, TrainedRun

DEFAULTS = TUTORIAL_PRESETS["one-hidden"]
ARCHITECTURES = ";".join(as_given(TUTORIAL_PRESETS[name].architecture.hidden) for name in ("one-hidden", "two-hidden"))
SEEDS = "5"
STOPPING = "Stopping. Finished runs are kept. Press Ctrl-C again to quit at once."
LOOK_SECONDS = 0.1


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the others."""
    compare = commands.add_parser(
        "compare",
        help="train several models with several seeds, and state what can be concluded",
        usage=f'{PROGRAM} compare [--architectures "SIZES;SIZES"] [--seeds N] [options] [--json]',
        description="Trains each model once per seed, as many at once as the machine has cores, and states what can be "
        "concluded about these trained models and about their architectures. Ctrl-C stops early and keeps the finished "
        "runs, but a comparison that was cut short concludes nothing about the architectures.",
        epilog="All other options apply to all models. The number of seeds is fixed in advance: if you add seeds until "
        "a difference appears, you will find one sooner or later. More seeds are a new comparison.",
        allow_abbrev=False,
    )
    group = compare.add_argument_group("what to compare")
    group.add_argument(
        "--architectures",
        metavar='"SIZES;SIZES"',
        default=ARCHITECTURES,
        help="2 to 6 models in quotes, separated by semicolons: the neurons of each hidden layer, such as 512,256, or "
        f"none for a linear classifier (default: {ARCHITECTURES})",
    )
    group.add_argument(
        "--seeds",
        metavar="N",
        default=SEEDS,
        help=f"train each model with the seeds 0 to N-1 ({SEED_COUNT.allowed}; default: {SEEDS})",
    )
    add_experiment_options(compare, DEFAULTS, without=("hidden", "seed"))
    compare.add_argument_group("output").add_argument(
        "--json", action="store_true", help="print one JSON object instead of a table"
    )
    compare.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Trains all models with all seeds, prints the conclusion, and returns the exit code."""
    try:
        plan = _plan(given)
        from mlpcore.training import check_machine

        for experiment in plan.experiments:
            check_machine(experiment)
    except InvalidExperiment as invalid:
        names = {"hidden": "architectures", "experiments": "architectures"}
        raise InvalidExperiment({names.get(field, field): said for field, said in invalid.problems.items()}) from None

    from mlpcore import datasets
    from mlpcore.comparison.results import compare

    dataset = plan.experiments[0].data.dataset
    try:
        with fetch_progress(dataset) as tell:
            datasets.load(dataset, tell)
    except datasets.DataUnavailable as failure:
        print(failure, file=sys.stderr)
        return 1
    finished, failure_words, signals = _train_all(plan)
    if failure_words:
        print(failure_words, file=sys.stderr)
    if failure_words or signals:
        print(f"{len(finished)} of {len(plan.runs)} runs are finished.", file=sys.stderr)
    comparison = compare(plan, finished)
    print(_as_json(comparison) if given.json else _table(comparison), flush=True)
    return 1 if failure_words else 128 + signals[0] if signals else 0


def _plan(given: argparse.Namespace) -> Plan:
    seeds = first_seeds(as_number(int, given.seeds))
    common = DEFAULTS.changed(**fields(given))
    architectures = given.architectures.split(";")
    return Plan(tuple(common.changed(hidden=value_of("hidden", sizes.strip())) for sizes in architectures), seeds)


def _train_all(plan: Plan) -> "tuple[list[TrainedRun], str | None, Sequence[int]]":
    """Trains behind a progress bar; returns the finished runs, why one failed, and the signal that stopped them."""
    from mlpcore.comparison.batch import Batch
    from mlpcore.runs import RunQueue

    queue = RunQueue()
    images = sum(run.data.train_images * run.hyperparameters.epochs for run in plan.runs)
    with (
        stopped_by_signals(lambda number: STOPPING) as signals,
        progress_bar(desc="Training", total=images, unit=" images", unit_scale=True) as bar,
    ):
        batch = Batch(plan.runs, queue)
        while not (signals or batch.is_over):
            time.sleep(LOOK_SECONDS)
            bar.set_description(f"{sum(map(bool, batch.trained))}/{len(plan.runs)} runs done", refresh=False)
            bar.update(round(images * batch.progress) - bar.n)
        queue.close()
    return [run for run in batch.trained if run], batch.error, signals


def _as_json(comparison: "Comparison") -> str:
    from mlpcore.comparison.verdict import verdict

    return json.dumps(
        {
            "experiments": [_experiment_as_json(summary) for summary in comparison.summaries],
            "tests": [_pair_as_json(comparison, pair) for pair in comparison.pairs],
            "verdict": verdict(comparison),
        },
        indent=2,
        allow_nan=False,
    )


def _experiment_as_json(summary: "Summary") -> dict[str, Any]:
    return {
        "hidden": summary.experiment.architecture.hidden,
        "parameters": summary.parameters,
        "runs": [
            {"seed": run.seed, "test_accuracy": run.test.accuracy, "train_seconds": run.train_seconds}
            for run in summary.runs
        ],
        "mean": summary.mean,
        "interval": summary.interval,
    }


def _pair_as_json(comparison: "Comparison", pair: "Pair") -> dict[str, Any]:
    """Both tests of a pair; differences are those of the second minus the first."""
    architectures, models = pair.architectures, pair.models
    return {
        "hidden": [comparison.summaries[place].experiment.architecture.hidden for place in (pair.first, pair.second)],
        "seeds": len(pair.seeds),
        "planned_seeds": len(comparison.plan.seeds),
        "architectures": architectures
        and {
            "test": "paired t-test over seeds",
            "difference": architectures.difference,
            "interval": architectures.interval,
            "p_value": architectures.p_value,
            "p_value_holm": pair.architectures_p,
            "differ": pair.architectures_differ,
            "detectable": architectures.detectable,
            "important": architectures.important,
            "seeds_needed": architectures.seeds_needed,
        },
        "trained_models": models
        and {
            "test": "McNemar's exact test",
            "seed": pair.image_seed,
            "both_right": models.both,
            "only_first_right": models.only_first,
            "only_second_right": models.only_second,
            "nobody_right": models.nobody,
            "difference": models.difference,
            "interval": models.interval,
            "p_value": models.p_value,
            "p_value_holm": pair.models_p,
            "differ": pair.models_differ,
        },
    }


def _table(comparison: "Comparison") -> str:
    from mlpcore.comparison.verdict import architectures_sentence, models_sentence, sensitivity_sentence

    head = (
        "model",
        "parameters",
        "FLOPs/image",
        "training (s)",
        "test (%)",
        "95% interval",
        "lowest",
        "highest",
        "gap",
    )
    rows = [head, *map(_row, comparison.summaries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = [
        "  ".join(f"{cell:{'<' if cell == row[0] else '>'}{width}}" for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    sentences = [models_sentence(comparison), architectures_sentence(comparison), sensitivity_sentence(comparison)]
    return "\n".join([*table, "", *sentences])


def _row(summary: "Summary") -> tuple[str, ...]:
    costs = (summary.name, f"{summary.parameters:,}", f"{summary.flops:,}")
    if summary.mean is None or summary.gap is None:
        return (*costs, *["none"] * 6)
    interval = (
        "none" if summary.interval is None else "{:.2f} to {:.2f}".format(*(100 * end for end in summary.interval))
    )
    shares = (summary.accuracies.min(), summary.accuracies.max(), summary.gap)
    return (
        *costs,
        f"{summary.train_seconds:.1f}",
        f"{100 * summary.mean:.2f}",
        interval,
        *(f"{100 * share:.2f}" for share in shares),
    )
