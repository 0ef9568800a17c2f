"""Draw: draw a digit, and the models answer as the pen lifts."""

import streamlit as st

from ui.drawing_board import current_drawing, drawing_board
from ui.models import model_picker
from ui.my_digits import show_my_digits
from ui.navigation import through_app
from ui.photo import show_photo
from ui.watching import show_watching

through_app()

st.title("Draw a digit")
st.caption(
    "The models know the ten digits and nothing else: whatever you draw, each answers with the digit that it resembles "
    "most to that model."
)

choices = model_picker()
draw_tab, photo_tab, mine_tab, watch_tab = st.tabs(
    [
        ":material/draw: Draw",
        ":material/photo_camera: Photo",
        ":material/folder_special: My digits",
        ":material/timeline: When did it learn it?",
    ],
    key="draw_tabs",
    on_change="rerun",
)
with draw_tab:
    drawing_board(choices)
with photo_tab:
    if photo_tab.open:
        show_photo(choices)
with mine_tab:
    if mine_tab.open:
        show_my_digits(choices)
with watch_tab:
    if watch_tab.open:
        drawing = current_drawing()
        show_watching(drawing.image if drawing else None, choices)
