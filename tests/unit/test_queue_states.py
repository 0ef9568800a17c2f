"""The run queue under any order of commands: hypothesis makes up the orders.

Commands do not wait for what they lead to. `settle` and `reopen` do, and compare what is there with the disk.
"""

import functools
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from mlpcore.datasets import Dataset
from mlpcore.experiment import experiment_from_fields
from mlpcore.runs import Run, RunQueue, Status
from mlpcore.store import Store
from tests.waiting import until

CORES, AT_ONCE = 2, 3

_TINY = experiment_from_fields({"hidden": [4], "train_size": 640, "validation": 0, "epochs": 2, "device": "cpu"})
KINDS = {
    "short": _TINY,
    "diverging": _TINY.changed(hidden=[64] * 8, optimizer="rmsprop", learning_rate=100.0),
    "endless": _TINY.changed(epochs=1000, train_size=10_000),
}
ENDED = {Status.FINISHED, Status.STOPPED, Status.FAILED}


def needs(what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Leaves a command out where there is nothing that it could be for.

    Not as a precondition: whether a run is stopped or cancelled depends on time, and hypothesis must not notice.
    """

    def leave_out(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def maybe(self: "Machine", **arguments: object) -> None:
            if getattr(self, what):
                command(self, **arguments)

        return maybe

    return leave_out


class Machine(RuleBasedStateMachine):
    mnist: ClassVar[Dataset]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.home = Path(self.folder.name) / "runs"
        self.runs: dict[str, Run] = {}  # all that should be listed, as far as commands tell
        self.deleted: list[str] = []
        self.ended: dict[str, Status] = {}
        self.targets: dict[str, float] = {}  # where a paused run was told to pause again

    @initialize()
    def open(self) -> None:
        self.queue = RunQueue(
            load=lambda name: self.mnist, cores=CORES, training_at_once=AT_ONCE, store=Store(self.home)
        )

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.queue.close()
            self.folder.cleanup()

    def pick(self, number: int) -> Run:
        return list(self.runs.values())[number % len(self.runs)]

    # Commands

    @rule(kind=st.sampled_from([*KINDS]), paused=st.booleans())
    def submit(self, kind: str, paused: bool) -> None:
        number = max((run.number for run in self.runs.values()), default=0)
        run = self.queue.submit(KINDS[kind], paused=paused)
        self.runs[run.id] = run
        assert run.number > number

    @rule(number=st.integers(0, 99))
    @needs("runs")
    def pause(self, number: int) -> None:
        self.queue.pause(run := self.pick(number))
        self.targets.pop(run.id, None)

    @rule(number=st.integers(0, 99), steps=st.integers(1, 12))
    @needs("runs")
    def step(self, number: int, steps: int) -> None:
        run = self.pick(number)
        rests = run.status is Status.PAUSED
        self.queue.advance(run, steps)
        self.targets[run.id] = run.pause_after if rests else math.nan
        assert not rests or run.pause_after >= steps

    @rule(number=st.integers(0, 99))
    @needs("runs")
    def resume(self, number: int) -> None:
        run = self.pick(number)
        was = run.status
        self.queue.resume(run)
        self.targets.pop(run.id, None)
        assert run.status is was if was in ENDED else run.status is not Status.PAUSED

    @rule(number=st.integers(0, 99))
    @needs("runs")
    def stop(self, number: int) -> None:
        run = self.pick(number)
        was = run.status
        self.queue.stop(run)
        until(lambda: run.status.is_final, "it ends")
        self.targets.pop(run.id, None)
        if self.queue.get(run.id) is None:
            assert was in (Status.QUEUED, Status.TRAINING, Status.PAUSED)
            assert (run.status, run.step) == (Status.STOPPED, 0), "only what has not begun is cancelled"
            del self.runs[run.id]

    @rule(number=st.integers(0, 99))
    @needs("runs")
    def delete(self, number: int) -> None:
        # Mostly one that can be deleted.
        run = next((run for run in self.runs.values() if run.status.is_final), self.pick(number))
        was_final = run.status.is_final
        self.queue.delete([run])
        if self.queue.get(run.id) is None:
            self.deleted.append(run.id)
            del self.runs[run.id]
        else:
            assert not was_final

    @rule(number=st.integers(0, 99))
    @needs("deleted")
    def undo(self, number: int) -> None:
        run_id = self.deleted.pop(number % len(self.deleted))
        self.queue.put_back([run_id])
        run = self.queue.get(run_id)
        assert run
        self.runs[run_id] = run

    @rule(number=st.integers(0, 99), name=st.sampled_from(["", "A name", "Another"]))
    @needs("runs")
    def describe(self, number: int, name: str) -> None:
        run = self.pick(number)
        self.queue.describe(run, name, ["tag"] if name else [])
        assert run.name == (name or None)

    @rule()
    def settle(self) -> None:
        """Pauses what would go on for ever, and lets the rest come to its pause or its end."""

        def settled() -> bool:
            active = [run for run in self.runs.values() if run.status in (Status.QUEUED, Status.TRAINING)]
            for run in active:
                if run.experiment == KINDS["endless"] and math.isinf(run.pause_after):
                    self.queue.pause(run)
            return not active

        until(settled, "all come to rest")
        for run in self.runs.values():
            assert run.history.steps == run.step
            if run.status is Status.PAUSED:
                target = self.targets.get(run.id, math.nan)
                assert math.isnan(target) or run.step == target
        self.compare_with_disk()

    @rule()
    def reopen(self) -> None:
        """The server ends, whatever is going on, and another one starts."""
        self.queue.close()
        before = self.runs
        self.open()
        self.runs = {run.id: run for run in self.queue.runs()}
        self.targets.clear()
        assert set(self.runs) == set(before)
        for run_id, run in self.runs.items():
            was = before[run_id]
            assert run.status is (was.status if was.status in ENDED else Status.INTERRUPTED)
            assert (run.number, run.step, run.name) == (was.number, was.step, was.name)
        self.compare_with_disk()

    # Promises

    @invariant()
    def every_run_is_in_exactly_one_state(self) -> None:
        queue = self.queue
        with queue._changed:
            places = {
                Status.QUEUED: list(queue._waiting),
                Status.TRAINING: [*queue._turns, *queue._on_turn],
            }
            known = [*queue._runs.values(), *(run for run, _ in queue._deleted.values())]
            for status, runs in places.items():
                assert len(set(runs)) == len(runs)
                assert {run for run in known if run.status is status} == set(runs)
            assert len(places[Status.TRAINING]) <= AT_ONCE and len(queue._on_turn) <= CORES
            assert not queue._waiting or len(places[Status.TRAINING]) == AT_ONCE, "nobody waits beside a free place"

    @invariant()
    def what_has_ended_has_ended(self) -> None:
        for run in self.runs.values():
            status = run.status
            assert 0 <= run.step <= run.experiment.total_steps
            if status in ENDED:
                assert self.ended.setdefault(run.id, status) is status
                assert (run.outcome is None) == (status is Status.FAILED)
                assert (run.error is not None) == (status is Status.FAILED)

    @invariant()
    def what_is_listed_is_what_was_submitted_and_not_taken_away(self) -> None:
        assert {run.id for run in self.queue.runs()} == set(self.runs)
        assert self.queue.unsaved is None and not any(run.unsaved for run in self.runs.values())

    def compare_with_disk(self) -> None:
        store = Store(self.home)
        rows = {row.id: row for row in store.runs()}
        assert set(rows) == set(self.runs)
        for run in self.runs.values():
            row = rows[run.id]
            listed = "training" if run.status is Status.PAUSED else run.status
            assert (row.status, row.number, row.title, row.tags) == (listed, run.number, run.name, run.tags)
            assert row.made_by == run.made_by
            if run.status.is_final:
                assert (row.step, row.error, row.outcome) == (run.step, run.error, run.outcome)
                assert store.history(run.id, row.experiment, row.step).losses.tobytes() == run.history.losses.tobytes()
            if run.outcome:
                assert store.result(run.id).test.accuracy == run.outcome.test_accuracy
                assert store.model(run.id)
        folders = {path.name for path in self.home.iterdir() if path.is_dir()}
        assert folders == {*self.runs, *self.deleted}
        store.close()


@pytest.mark.usefixtures("one_thread")
def test_the_queue_keeps_its_promises_in_any_order_of_commands(mnist: Dataset) -> None:
    Machine.mnist = mnist
    run_state_machine_as_test(
        Machine,
        # The same orders each time, so that a failure is no chance. What depends on time cannot be shortened.
        settings=settings(max_examples=25, stateful_step_count=25, derandomize=True, phases=[Phase.generate]),
    )
