"""Draw: draw a digit, and the models answer as soon as you lift the pen."""

import streamlit as st

from ui.draw_address import PAGE, TAB, TABS, address, note_address, take_address
from ui.drawing_board import current_drawing, drawing_board
from ui.field_inputs import plain
from ui.lessons import lesson, offer_lesson, show_lesson
from ui.models import model_picker
from ui.my_digits import show_my_digits
from ui.navigation import through_app
from ui.photo import show_photo
from ui.watching import show_watching

_OPEN_TAB = "draw_tabs"
_CONTROLS = {"photo": "photo", "digits": "my_digits", "watch": "watch"}

through_app()

st.title("Draw a digit")
st.caption(
    "The models know nothing but the ten digits: whatever you draw, each answers with the digit it finds most similar."
)
show_lesson(PAGE)
problems = take_address()
for problem in problems or []:
    st.warning(f"Part of the link could not be used. {plain(problem)}", icon=":material/link_off:")

choices = model_picker()
names = [name for name in TABS if not lesson().locks(_CONTROLS.get(name, ""))]
if st.session_state[TAB] not in names:
    st.session_state[TAB] = names[0]
if lesson().locks("tab"):
    names = [st.session_state[TAB]]
if problems is not None or st.session_state.get(_OPEN_TAB) not in [TABS[name] for name in names]:
    st.session_state[_OPEN_TAB] = TABS[st.session_state[TAB]]
tabs = dict(zip(names, st.tabs([TABS[name] for name in names], key=_OPEN_TAB, on_change="rerun"), strict=True))
st.session_state[TAB] = next(name for name in names if TABS[name] == st.session_state[_OPEN_TAB])
# Also while another tab is open, so that the sheet keeps its drawing.
if "draw" in tabs:
    with tabs["draw"]:
        drawing_board(choices)
for name, tab in tabs.items():
    if tab.open and name != "draw":
        with tab:
            match name:
                case "photo":
                    show_photo(choices)
                case "digits":
                    show_my_digits(choices)
                case "watch":
                    drawing = current_drawing()
                    show_watching(drawing.image if drawing else None, choices)
note_address()
offer_lesson(PAGE, address)
