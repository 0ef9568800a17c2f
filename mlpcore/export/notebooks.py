"""An experiment as a Jupyter notebook: the script in cells, with an explanation of each part."""

import json
from typing import Any

from mlpcore.experiment import Experiment
from mlpcore.export.code import block, sections, summary, template, values_for


def notebook(experiment: Experiment) -> str:
    """The notebook as the text of an ``.ipynb`` file, format 4.5, without outputs.

    Its code is that of `script`, one cell per part, with all imports in the first code cell.
    """
    texts, values = template("notebook.md.jinja"), values_for(experiment) | {"summary": summary(experiment)}
    imports, parts = sections(experiment)
    cells = [
        _cell("markdown", "introduction", block(texts, "introduction", values)),
        _cell("code", "imports", imports),
    ]
    for part, code in parts.items():
        cells += [_cell("markdown", f"about-{part}", block(texts, part, values)), _cell("code", part, code)]
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _cell(kind: str, name: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}, "source": source.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
