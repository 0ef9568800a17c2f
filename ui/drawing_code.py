"""Code that asks the chosen models about a drawing, and the model files that it reads."""

import re
from collections.abc import Sequence
from functools import partial

import streamlit as st
from torch import Tensor

from mlpcore.inspection.code import answering
from mlpcore.models import as_bytes
from ui.lessons import lesson
from ui.models import Choice
from ui.show_code import show_code


def show_drawing_code(image: Tensor, choices: Sequence[Choice], key: str) -> None:
    """The chosen models' answers to `image`, uint8 [28, 28], as code; not if a lesson hides the models' names."""
    if not choices or lesson().locks("names"):
        return
    files = {f"{_as_file_name(choice.short_title)}.safetensors": choice for choice in choices}
    with show_code(answering({file: choice.model for file, choice in files.items()}, image), key=f"{key}_code"):
        st.caption("The code reads these files. Save them in the folder where you run it.")
        with st.container(horizontal=True):
            for file, choice in files.items():
                st.download_button(
                    choice.short_title,
                    partial(as_bytes, choice.model),
                    file_name=file,
                    key=f"{key}_file_{choice.key}",
                    icon=":material/download:",
                    on_click="ignore",
                )


def _as_file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
