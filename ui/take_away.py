"""What one can take away of a run: the model, the code that trains it, and its figures as tables."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from mlpcore import export
from mlpcore.models import Score, TrainedModel, save
from mlpcore.runs import Run


def take_away(run: Run) -> None:
    """Downloads of a run that has ended; each file is made when it is asked for."""
    model = _model_of(run)
    files: list[tuple[str, str, Callable[[], str | bytes], str]] = []
    if model:
        files += [
            ("Model", "safetensors", lambda: _as_safetensors(model), "The weights, with the experiment inside."),
            ("ONNX", "onnx", lambda: export.onnx_bytes(model), "For other programs; checked against PyTorch first."),
        ]
    files += [
        ("Script", "py", lambda: export.script(run.experiment), "Trains exactly this with torch and torchvision."),
        ("Notebook", "ipynb", lambda: export.notebook(run.experiment), "The same, cell by cell."),
        ("Epochs", "csv", lambda: export.history_csv(run.history), "The figures of every epoch, as a table."),
        ("Steps", "csv", lambda: export.steps_csv(run.history), "Loss and learning rate of every step, as a table."),
    ]
    with st.container(horizontal=True):
        for label, ending, make, explanation in files:
            st.download_button(
                label,
                make,
                file_name=f"run-{run.number}{f'-{label.lower()}' if ending == 'csv' else ''}.{ending}",
                key=f"take_{label}_{run.id}",
                icon=":material/download:",
                help=explanation,
                on_click="ignore",
            )
    st.caption("Every chart has a camera among its tools, which saves it as a picture.")


def _model_of(run: Run) -> TrainedModel | None:
    if not (run.model and run.result):
        return None
    return TrainedModel(run.title, run.experiment, run.model, Score.of(run.result.test))


def _as_safetensors(model: TrainedModel) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.safetensors"
        save(model, file)
        return file.read_bytes()
