"""A comparison as PyTorch code: every experiment with every seed, then the statistics over the seeds.

Its training code is that of `script`: what is the same for all experiments is written once, the rest in branches. So
each experiment runs exactly the code of its own script, and gives the same numbers.
"""

import inspect
import json
from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import version
from textwrap import indent

from mlpcore.comparison.inference import holm
from mlpcore.comparison.plan import Plan
from mlpcore.datasets.files import COLLECTIONS
from mlpcore.experiment import Experiment
from mlpcore.export.code import PARTS, Part, below_each_other, block, rendered, template, with_definitions
from mlpcore.export.excerpts import Library

_INDENT = "    "
_HOLM = inspect.getsource(holm)
_CODE = "code"
"""The name of a part's own code, among the names of its helpers."""


def comparison_script(plan: Plan) -> str:
    """A Python script that trains and compares the experiments of `plan`, and prints the results.

    It needs torch, torchvision and scipy, and finds the images as `script` does. At the end, `accuracies` has the test
    accuracies of each experiment, by name, in the order of the seeds. With two or more seeds, `intervals` has the 95 %
    intervals of their means, and `differences`, `difference_intervals` and `p_values` the results for each of `pairs`.
    """
    source = template("comparison.py.jinja")
    values = {
        "names": [json.dumps(name, ensure_ascii=False) for name in plan.names],
        "seeds": plan.seeds,
        "collection": COLLECTIONS[plan.experiments[0].data.dataset].title,
        "versions": {package: version(package).split("+")[0] for package in ("torch", "torchvision", "scipy")},
    }
    training, training_library = _training(plan)
    library = Library.of(block(source, "helpers", values), _HOLM)
    given: set[str] = set()
    ending = [
        with_definitions(block(source, name, values), library, given)
        for name in ("runs", "means", *(["pairs"] if len(plan.seeds) > 1 else []))
    ]
    imports = training_library.joined(library).imports_for("\n".join([training, *ending]))
    introduction = f'"""{block(source, "introduction", values)}\n"""'
    # Two empty lines behind the function, too.
    return below_each_other([introduction, imports, block(source, "plan", values), f"{training}\n", *ending])


def _training(plan: Plan) -> tuple[str, Library]:
    """The function that trains one of the experiments with a seed, and the library that its code uses."""
    library, _ = rendered(plan.experiments[0])
    pieces = [_pieces(experiment) for experiment in plan.experiments]
    body = ['"""Trains one of the models with this seed, and returns its accuracy on the test images."""']
    for part in PARTS:
        body += [
            _branches([own[part].get(name) for own in pieces])
            for name in (*library.definitions, _CODE)
            if any(name in own[part] for own in pieces)
        ]
    body.append("return test_accuracy")
    return "def train(name, SEED):\n" + indent("\n\n".join(body), _INDENT), library


def _pieces(experiment: Experiment) -> dict[Part, dict[str, str]]:
    """The parts of an experiment's script: for each, its code and the helpers that no earlier part has needed."""
    library, code = rendered(experiment)
    pieces: dict[Part, dict[str, str]] = {}
    # The seed is an argument of the function, so the experiment's own is not used.
    given = {"SEED"}
    for part in PARTS:
        new = {each.name: each.code for each in library.definitions_for(code[part]) if each.name not in given}
        given |= new.keys()
        pieces[part] = {**new, _CODE: code[part]}
    return pieces


def _branches(codes: Sequence[str | None]) -> str:
    """One piece of code per experiment, None where it has none, as branches; written once if they are all the same."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for place, code in enumerate(codes):
        if code is not None:
            kinds[code].append(f"NAMES[{place}]")
    if len(kinds) == 1 and None not in codes:
        return next(iter(kinds))
    lines = []
    for number, (code, names) in enumerate(kinds.items()):
        which = f"name == {names[0]}" if len(names) == 1 else f"name in ({', '.join(names)})"
        is_rest = number == len(kinds) - 1 and None not in codes
        lines.append(("else:" if is_rest else f"{'elif' if number else 'if'} {which}:") + "\n" + indent(code, _INDENT))
    return "\n".join(lines)
