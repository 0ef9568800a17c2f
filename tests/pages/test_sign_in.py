"""What the side of every page says of signing in, and whose the session is then."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from mlpcore.identity import new_name
from mlpcore.runs import RunQueue
from ui.sign_in import _Place, _places

ANN = {"is_logged_in": True, "iss": "https://a.example", "sub": "ann-1", "name": "Ann *B*"}


def opened(user: dict[str, object], **state: str) -> AppTest:
    app = AppTest.from_file("../../app.py", default_timeout=60)
    app.user = user
    app.secrets = {"auth": {"client_id": "x"}}
    for name, value in state.items():
        app.session_state[name] = value
    app.run()
    assert not app.exception
    return app


def test_without_a_sign_in_there_is_no_word_of_it(queue: RunQueue) -> None:
    app = opened({})
    assert not any("ign" in button.label for button in app.sidebar.button)


def test_a_person_is_the_same_in_every_session(queue: RunQueue) -> None:
    first, second, other = (opened({**ANN, **more}) for more in ({}, {"name": "Ann"}, {"sub": "bob-1"}))
    names = [app.session_state["person"] for app in (first, second, other)]
    assert names[0] == names[1] != names[2]
    assert any(caption.value == r"Signed in as Ann \*B\*." for caption in first.sidebar.caption)
    assert "Sign out" in [button.label for button in first.sidebar.button]


def test_a_browser_never_takes_the_name_of_a_person(queue: RunQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    cookies: list[str] = []
    monkeypatch.setattr("ui.session.set_cookie", lambda name, value: cookies.append(value))
    ann = opened(ANN).session_state["person"]
    # A session that has signed out runs once more before its browser is led away.
    app = opened({"is_logged_in": False}, person=ann)
    assert app.session_state["person"] is None
    assert len(cookies) == 2 and not any(ann in cookie for cookie in cookies)


def test_a_person_without_a_number_at_the_provider_is_a_browser_like_any_other(queue: RunQueue) -> None:
    app = opened({**ANN, "sub": ""})
    assert app.session_state["person"] is None and app.session_state["owner"]


def test_every_provider_that_the_host_names_is_offered(queue: RunQueue) -> None:
    app = AppTest.from_function(_buttons)
    app.user = {"is_logged_in": False}
    app.secrets = {
        "auth": {
            "client_id": "x",
            "redirect_uri": "y",
            "client_kwargs": {"prompt": "login"},
            "school": {"client_id": "z"},
        }
    }
    app.run()
    assert not app.exception
    assert [button.label for button in app.button] == ["Sign in", "Sign in with school"]


def test_a_set_up_that_cannot_be_used_is_reported_in_a_sentence(queue: RunQueue) -> None:
    app = AppTest.from_function(_buttons)
    app.user = {"is_logged_in": False}
    app.secrets = {"auth": {"school": {"client_id": "z"}}}
    app.run()
    app.button(key="sign_in_school").click().run()
    assert not app.exception
    assert "Sign-in is not set up correctly" in app.error[0].value


@pytest.mark.parametrize(
    ("user", "minutes", "comes_back"),
    [(ANN, 0, True), ({"is_logged_in": False}, 0, False), (ANN, 11, False)],
    ids=["signed in", "not signed in", "too late"],
)
def test_one_comes_back_to_the_page_that_one_has_left_to_sign_in(
    queue: RunQueue, monkeypatch: pytest.MonkeyPatch, user: dict[str, object], minutes: int, comes_back: bool
) -> None:
    name = new_name()
    left = time.monotonic() - 60 * minutes
    monkeypatch.setitem(_places, name, _Place("train", {"experiment": ["epochs:7"]}, to_sign_in=True, left_at=left))
    app = opened(user, owner=name)
    assert ("Train a network" in [title.value for title in app.title]) == comes_back
    if comes_back:
        assert app.text_input(key="form_epochs").value == "7"
    # Once only: those who go to the Start page afterwards stay there.
    assert (name in _places) == (not user["is_logged_in"])


def _buttons() -> None:
    from ui.sign_in import sign_in

    sign_in("train")
