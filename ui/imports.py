"""Bringing in a model that somebody else has trained."""

import streamlit as st

from mlpcore.imports import Imported
from mlpcore.models import InvalidModel, TrainedModel
from mlpcore.store import runs_folder
from ui.words import percent

_MEGABYTES = 600


def imported() -> Imported:
    """The models that were brought in on this server."""
    return Imported(runs_folder() / "models")


def bring_in() -> None:
    """Takes a model file, checks it, and lists what was brought in before."""
    st.caption("A file that “Model” above or another MLP Lab has made. It is checked before anything of it is used.")
    uploaded = st.file_uploader(
        "Model file",
        type=["safetensors"],
        key="import_file",
        max_upload_size=_MEGABYTES,
    )
    if uploaded and st.button("Bring it in", key="import_now", type="primary", icon=":material/upload:"):
        try:
            model_id = imported().add_bytes(uploaded.getvalue())
        except InvalidModel as invalid:
            st.error(str(invalid), icon=":material/error:")
        else:
            model = imported().get(model_id)
            st.success(f"{model.title} can now be asked on the Draw page.", icon=":material/check:")
    for model_id, model in imported_models().items():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{model.title} · {percent(model.test.accuracy, 2)} test accuracy, by its own account")
            st.button(
                "Remove",
                key=f"import_remove_{model_id}",
                type="tertiary",
                icon=":material/close:",
                on_click=imported().remove,
                args=(model_id,),
            )


def imported_models() -> dict[str, TrainedModel]:
    """The models that were brought in and can be read, by their ids."""
    models = {}
    for model_id in imported().ids():
        try:
            models[model_id] = _read(model_id)
        except InvalidModel:
            continue
    return models


@st.cache_resource(show_spinner=False, max_entries=50)
def _read(model_id: str) -> TrainedModel:
    return imported().get(model_id)
