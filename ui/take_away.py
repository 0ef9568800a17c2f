"""What can be downloaded of a run: the model, the code that trains it, its numbers as tables and charts."""

from collections.abc import Callable

import streamlit as st

from mlpcore import export, figures
from mlpcore.datasets import DataUnavailable
from mlpcore.models import Score, TrainedModel, as_bytes
from mlpcore.runs import Run
from ui.session import title_of
from ui.words import plain


def take_away(run: Run) -> None:
    """Download buttons; each file is made when its button is pressed."""
    model, title = _model_of(run), title_of(run)
    with st.container(horizontal=True):
        if model:
            _download(run, "Model", "safetensors", lambda: as_bytes(model), "The weights, with the experiment inside.")
            wants_onnx = st.button(
                "ONNX",
                key=f"make_onnx_{run.id}",
                icon=":material/fact_check:",
                help="The model for other programs, checked against PyTorch before you can download it.",
            )
        _download(
            run,
            "Script",
            "py",
            lambda: export.script(run.experiment),
            "Trains exactly this model with torch and torchvision.",
        )
        _download(run, "Notebook", "ipynb", lambda: export.notebook(run.experiment), "The same as a Jupyter notebook.")
        _download(
            run,
            "Charts",
            "html",
            lambda: _charts(run, title),
            "All charts of this run on one page that works offline.",
        )
        _download(
            run, "Epochs", "csv", lambda: export.history_csv(run.history), "The numbers of every epoch as a table."
        )
        _download(
            run,
            "Steps",
            "csv",
            lambda: export.steps_csv(run.history),
            "Loss and learning rate of every step as a table.",
        )
    if model and wants_onnx:
        _onnx(run, model)
    st.caption("To save a single chart as PNG, point at it and click the camera at its top right.")


def _download(run: Run, label: str, ending: str, make: Callable[[], str | bytes], explanation: str) -> None:
    st.download_button(
        label,
        make,
        file_name=f"run-{run.number}{f'-{label.lower()}' if ending == 'csv' else ''}.{ending}",
        key=f"take_{label}_{run.id}",
        icon=":material/download:",
        help=explanation,
        on_click="ignore",
    )


def _onnx(run: Run, model: TrainedModel) -> None:
    # Not made by the download button itself, which could not say why it fails.
    try:
        content = export.onnx_bytes(model)
    except (export.NotExportable, DataUnavailable) as problem:
        st.error(plain(str(problem)), icon=":material/error:")
    else:
        _download(
            run, "Download ONNX", "onnx", lambda: content, "It gave the same answers as PyTorch on 1,000 test images."
        )


def _charts(run: Run, title: str) -> str:
    color = figures.run_color(run.number)
    return export.charts_html(title, run.experiment, run.history, run.result, color)


def _model_of(run: Run) -> TrainedModel | None:
    if not (run.model and run.result):
        return None
    return TrainedModel(run.title, run.experiment, run.model, Score.of(run.result.test))
