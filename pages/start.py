"""Start: what this is, both of the tutorial's models in one click, and six missions through the whole subject."""

import streamlit as st

from ui.data_gate import dataset_ready
from ui.digits_picture import digits_picture
from ui.lessons import lesson, offer_lesson, show_lesson
from ui.missions.view import show_current_mission, show_missions
from ui.navigation import check_app
from ui.start_models import train_both

PAGES = {
    "data": ("Data", ":material/image_search:", "See images as numbers, and the batches that a network learns from."),
    "train": ("Train", ":material/model_training:", "Choose layers and how they learn, and watch the loss fall."),
    "inside": ("Inside", ":material/psychology:", "Follow one image through the layers, and one step call by call."),
    "compare": ("Compare", ":material/compare_arrows:", "Find out whether one model is better, or was lucky."),
    "draw": ("Draw", ":material/draw:", "Draw a digit: the models answer as the pen lifts, and show why."),
}

check_app()

st.title("MLP Lab")
show_lesson("start")
ready = dataset_ready("mnist")
on_a_mission = ready and show_current_mission()
words, picture = st.columns([3, 2], gap="large")
with words:
    st.markdown(
        "Build small neural networks, train them on real handwritten digits, look inside while they learn, compare "
        "them fairly, and draw digits that they read. Every number and chart is computed here, from what you do."
    )
    train_both(ready)
    st.page_link("pages/draw.py", label="Or draw a digit: three trained models read it", icon=":material/draw:")
if ready and not on_a_mission:
    with picture:
        digits_picture()

st.subheader("What you can do here")
for (name, (title, icon, text)), column in zip(PAGES.items(), st.columns(len(PAGES)), strict=True):
    with column, st.container(border=True, height="stretch"):
        st.page_link(f"pages/{name}.py", label=f"**{title}**", icon=icon)
        st.caption(text)

if not lesson().locks("missions"):
    st.subheader("Six missions, from pixel to verdict")
    st.caption(
        "About half an hour, plus the time for training. Each mission asks what you expect, lets you try it, and tells "
        "you what came out."
    )
    if ready:
        show_missions()
    else:
        st.info("The missions need the images, see above.", icon=":material/image_not_supported:")
offer_lesson("start", dict)
