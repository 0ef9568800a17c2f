"""What one can take away of a run: the model, the code that trains it, its figures as tables and as charts."""

from collections.abc import Callable

import streamlit as st

from mlpcore import export, figures
from mlpcore.datasets import DataUnavailable
from mlpcore.models import Score, TrainedModel, as_bytes
from mlpcore.runs import Run
from ui.session import title_of
from ui.words import plain


def take_away(run: Run) -> None:
    """Downloads of a run that has ended; each file is made when it is asked for."""
    model, title = _model_of(run), title_of(run)
    with st.container(horizontal=True):
        if model:
            _download(run, "Model", "safetensors", lambda: as_bytes(model), "The weights, with the experiment inside.")
            wants_onnx = st.button(
                "ONNX",
                key=f"make_onnx_{run.id}",
                icon=":material/fact_check:",
                help="The model for other programs. It is checked against PyTorch before you can download it.",
            )
        _download(
            run,
            "Script",
            "py",
            lambda: export.script(run.experiment),
            "Trains exactly this with torch and torchvision.",
        )
        _download(run, "Notebook", "ipynb", lambda: export.notebook(run.experiment), "The same, cell by cell.")
        _download(
            run,
            "Charts",
            "html",
            lambda: _charts(run, title),
            "All charts of this run as one page, which needs no network.",
        )
        _download(
            run, "Epochs", "csv", lambda: export.history_csv(run.history), "The figures of every epoch, as a table."
        )
        _download(
            run,
            "Steps",
            "csv",
            lambda: export.steps_csv(run.history),
            "Loss and learning rate of every step, as a table.",
        )
    if model and wants_onnx:
        _onnx(run, model)
    st.caption("A single chart as PNG: point at it, and take the camera among the tools at its top right.")


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
    # Not made by the download itself, which could not say why there is none.
    try:
        content = export.onnx_bytes(model)
    except (export.NotExportable, DataUnavailable) as problem:
        st.error(plain(str(problem)), icon=":material/error:")
    else:
        _download(run, "Download ONNX", "onnx", lambda: content, "It gave PyTorch's answers for 1,000 test images.")


def _charts(run: Run, title: str) -> str:
    color = figures.run_color(run.number)
    return export.charts_html(title, run.experiment, run.history, run.result, color)


def _model_of(run: Run) -> TrainedModel | None:
    if not (run.model and run.result):
        return None
    return TrainedModel(run.title, run.experiment, run.model, Score.of(run.result.test))
