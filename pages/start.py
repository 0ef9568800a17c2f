"""Start: what this is, both of the tutorial's models in one click, and the way through the subject in five missions."""

import streamlit as st

from ui.data_gate import dataset_ready
from ui.missions import show_missions
from ui.navigation import end_mission, through_app
from ui.start_models import train_both

end_mission()
through_app()

st.title("MLP Lab")
st.markdown(
    "Build small neural networks, train them on real handwritten digits, look inside while they learn, compare them "
    "fairly, and draw digits that they read. Every number and picture is computed here, from what you did."
)
ready = dataset_ready("mnist")
train_both(ready)

st.subheader("What you can do here")
_PAGES = {
    "data": ("Data", ":material/image_search:", "See images as numbers, and the batches that a network learns from."),
    "train": ("Train", ":material/model_training:", "Choose layers and how they learn, and watch the loss fall."),
    "inside": ("Inside", ":material/psychology:", "Follow one image through the layers, and one step call by call."),
    "compare": ("Compare", ":material/compare_arrows:", "Find out whether one model is better, or was lucky."),
    "draw": ("Draw", ":material/draw:", "Draw a digit: the models answer as the pen lifts, and show why."),
}
for (name, (title, icon, text)), column in zip(_PAGES.items(), st.columns(len(_PAGES)), strict=True):
    with column, st.container(border=True, height="stretch"):
        st.page_link(f"pages/{name}.py", label=f"**{title}**", icon=icon)
        st.caption(text)

st.subheader("Five missions, from pixel to verdict")
st.caption("About half an hour in all. Each asks what you expect, lets you try it, and tells what came out for you.")
if ready:
    show_missions()
else:
    st.info("The missions need the images, see above.", icon=":material/image_not_supported:")
