"""Export: an experiment as code, a model as ONNX, a history as tables, its charts as a web page."""

from mlpcore.export.charts import charts_html
from mlpcore.export.code import PARTS, Part, script, snippet
from mlpcore.export.comparisons import comparison_script
from mlpcore.export.notebooks import notebook
from mlpcore.export.onnx_models import NotExportable, onnx_bytes
from mlpcore.export.tables import history_csv, steps_csv

__all__ = [
    "PARTS",
    "NotExportable",
    "Part",
    "charts_html",
    "comparison_script",
    "history_csv",
    "notebook",
    "onnx_bytes",
    "script",
    "snippet",
    "steps_csv",
]
