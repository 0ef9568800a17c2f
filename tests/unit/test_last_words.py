"""All that a run has to say is heard, and nothing of what was taken back."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.forward_msg_cache import populate_hash_if_needed
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner import ScriptRunner

from ui import last_words


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mock]:
    """Is called where Streamlit would start a run."""
    start = Mock()
    monkeypatch.setattr(last_words, "_start", start)
    # To be put back afterwards.
    for patched in ("_create_scriptrunner", "_clear_queue"):
        monkeypatch.setattr(AppSession, patched, getattr(AppSession, patched))
    last_words.hear_last_words()
    return start


def session(runner: ScriptRunner | None) -> Mock:
    session = Mock(spec=AppSession)
    session._event_loop = asyncio.get_running_loop()
    session._state = AppSessionState.APP_NOT_RUNNING
    session._scriptrunner = runner
    session._create_scriptrunner = lambda data: AppSession._create_scriptrunner(session, data)
    return session


def runner(accepts: bool) -> Mock:
    runner = Mock(spec=ScriptRunner)
    runner.request_rerun.return_value = accepts
    return runner


def ask(session: Mock, fragment: str = "", *, due: bool = False) -> None:
    AppSession.request_rerun(session, ClientState(fragment_id=fragment, is_auto_rerun=due))


def in_a_loop(visit: Callable[[], Coroutine[None, None, None]]) -> None:
    # In a thread of its own, since this one may belong to the loop of the other tests' browser.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(visit())).result()


async def a_while() -> None:
    await asyncio.sleep(10 * last_words._MOMENT)


def test_a_fragment_starts_after_the_last_word_of_the_run_before(starts: Mock) -> None:
    async def visit() -> None:
        visitor = session(runner(accepts=False))
        ask(visitor, "list", due=True)
        await a_while()
        starts.assert_not_called()
        visitor._scriptrunner = None
        await a_while()
        assert [call.args[1].fragment_id for call in starts.mock_calls] == ["list"]

    in_a_loop(visit)


def test_a_page_starts_at_once(starts: Mock) -> None:
    async def visit() -> None:
        ask(session(runner(accepts=False)))
        starts.assert_called_once()

    in_a_loop(visit)


@pytest.mark.parametrize("due", [True, False])
def test_a_fragment_that_somebody_has_clicked_in_joins_the_run_that_has_begun_meanwhile(
    starts: Mock, due: bool
) -> None:
    async def visit() -> None:
        visitor = session(runner(accepts=False))
        ask(visitor, "board", due=due)
        visitor._scriptrunner = page = runner(accepts=True)
        await a_while()
        starts.assert_not_called()
        assert page.request_rerun.call_count == (not due)

    in_a_loop(visit)


def test_nothing_starts_for_those_who_have_left(starts: Mock) -> None:
    async def visit() -> None:
        visitor = session(runner(accepts=False))
        ask(visitor, "list")
        visitor._state, visitor._scriptrunner = AppSessionState.SHUTDOWN_REQUESTED, None
        await a_while()
        starts.assert_not_called()

    in_a_loop(visit)


def element(words: str, fragment: str = "") -> ForwardMsg:
    """A message that shows something, at the same place each time."""
    message = ForwardMsg()
    message.metadata.delta_path.extend([0, 16])
    message.delta.new_element.markdown.body = words
    message.delta.fragment_id = fragment
    return message


def finished(status: ForwardMsg.ScriptFinishedStatus.ValueType) -> ForwardMsg:
    return ForwardMsg(script_finished=status)


@pytest.mark.parametrize("ended", [ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY])
def test_a_fragment_that_starts_takes_nothing_back_that_waits_to_be_sent(
    starts: Mock, ended: ForwardMsg.ScriptFinishedStatus.ValueType
) -> None:
    visitor = Mock(spec=AppSession, _browser_queue=ForwardMsgQueue())
    before = [element("1 of 4", "progress"), finished(ended)]
    after = element("2 of 4", "progress")
    for message in before:
        visitor._browser_queue.enqueue(message)
    AppSession._clear_queue(visitor, ["progress"])
    visitor._browser_queue.enqueue(after)
    assert visitor._browser_queue.flush() == [*before, after]


def test_a_page_that_starts_takes_back_what_waits_to_be_sent(starts: Mock) -> None:
    visitor = Mock(spec=AppSession, _browser_queue=ForwardMsgQueue())
    visitor._browser_queue.enqueue(element("old"))
    AppSession._clear_queue(visitor)
    assert visitor._browser_queue.is_empty()


def test_no_message_is_replaced_by_a_reference_which_could_outlive_its_run() -> None:
    message = ForwardMsg()
    message.delta.new_element.markdown.body = 1_000_000 * "long "
    populate_hash_if_needed(message)
    assert not message.metadata.cacheable
