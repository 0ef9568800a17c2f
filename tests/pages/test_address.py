"""Which address of a page is a link that somebody has followed, and which the browser's old one."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from ui import address


def page() -> None:
    """Takes the number of seeds from a link, and writes it into the address as it changes."""
    import streamlit as st

    from ui.address import came_by_link, note_in_address, note_page

    note_page(st.session_state.get("page", "compare"))
    if came_by_link():
        st.session_state["seeds"] = st.query_params["seeds"]
    note_in_address({"seeds": st.text_input("Seeds", key="seeds"), "important": "0.5"})


@pytest.fixture
def visit() -> Iterator[AppTest]:
    """Somebody who has followed a link to 3 seeds and then typed 1."""
    app = AppTest.from_function(page)
    app.query_params["seeds"] = "3"
    app.run()
    assert app.text_input(key="seeds").value == "3"
    app.text_input(key="seeds").set_value("1").run()
    assert app.query_params == {"seeds": "1", "important": "0.5"}
    yield app
    assert not app.exception


def follow(app: AppTest, **values: str) -> None:
    app.query_params = dict(values)
    app.run()


@pytest.mark.parametrize("old", [{"seeds": "3"}, {"seeds": "3", "important": "0.5"}])
def test_a_click_that_comes_with_an_address_from_before_undoes_nothing(visit: AppTest, old: dict[str, str]) -> None:
    follow(visit, **old)
    assert visit.text_input(key="seeds").value == "1"
    assert visit.query_params == {"seeds": "1", "important": "0.5"}


def test_an_address_that_the_page_has_never_had_is_a_link(visit: AppTest) -> None:
    follow(visit, seeds="7")
    assert visit.text_input(key="seeds").value == "7"


def test_what_was_left_long_ago_is_a_link_again(visit: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "_ECHO_SECONDS", 0.0)
    follow(visit, seeds="3")
    assert visit.text_input(key="seeds").value == "3"


def test_another_page_may_have_the_same_address(visit: AppTest) -> None:
    visit.session_state["page"] = "draw"
    follow(visit, seeds="3")
    assert visit.text_input(key="seeds").value == "3"


def test_an_address_that_is_come_back_to_is_the_pages_own(visit: AppTest) -> None:
    visit.text_input(key="seeds").set_value("3").run()
    follow(visit, seeds="1", important="0.5")
    assert visit.text_input(key="seeds").value == "3"
    follow(visit, seeds="3", important="0.5")
    assert visit.text_input(key="seeds").value == "3"
