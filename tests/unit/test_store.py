"""Runs on disk: what comes back, who may train what, and a sentence for everything that can go wrong."""

import dataclasses
import errno
import math
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mlpcore.datasets import Dataset
from mlpcore.experiment import Experiment
from mlpcore.history import EpochRecord, HealthRecord, History, LayerHealth
from mlpcore.store import NotToBeTrained, Outcome, Recorder, Store, StoreProblem, files, recorder, runs_folder
from mlpcore.store.cache import ByteCache
from mlpcore.store.database import MIGRATIONS
from mlpcore.training import EpochEnd, Finished, Result, Step, Trainer
from tests.locked import busy

Small = Callable[..., Experiment]
Train = Callable[..., tuple[Trainer, Result]]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs")
    yield store
    store.close()


@pytest.fixture
def other(store: Store) -> Iterator[Store]:
    """Another server's look at the same folder."""
    other = Store(store.folder)
    yield other
    other.close()


def ended(store: Store, trainer: Trainer, result: Result) -> Recorder:
    """A run that is kept as finished."""
    kept = store.create(trainer.experiment, "me")
    kept.end("finished", trainer.experiment, trainer.history, result, trainer.model.eval())
    return kept


def interrupted(store: Store, experiment: Experiment, dataset: Dataset, steps: int) -> Recorder:
    """A run that was kept after some steps, and that nobody trains."""
    kept = store.create(experiment)
    trainer = Trainer(experiment, dataset)
    while trainer.steps < steps:
        next(trainer)
    kept.save(trainer)
    kept.release()
    return kept


def same_arrays(one: object, other: object) -> bool:
    """Whether two dataclasses hold the same, to the last bit."""
    for field in dataclasses.fields(one):  # type: ignore[arg-type]
        mine, yours = getattr(one, field.name), getattr(other, field.name)
        if dataclasses.is_dataclass(mine):
            equal = same_arrays(mine, yours)
        elif isinstance(mine, np.ndarray):
            equal = mine.dtype == yours.dtype and mine.tobytes() == yours.tobytes()
        else:
            equal = type(mine) is type(yours) and mine == yours
        if not equal:
            return False
    return True


def test_the_folder_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLPLAB_HOME", str(tmp_path))
    assert runs_folder() == Store().folder == tmp_path
    monkeypatch.delenv("MLPLAB_HOME")
    assert runs_folder() == Path(__file__).parents[2] / "runs"


def test_nothing_is_made_before_it_is_needed(store: Store) -> None:
    assert not store.folder.exists()
    assert store.runs() == []
    assert (store.folder / "runs.db").exists()


def test_what_came_out_of_a_run_comes_back_to_the_last_bit(
    store: Store, other: Store, small: Small, train: Train
) -> None:
    trainer, result = train(small(dropout=0.1, batch_norm=True))
    kept = ended(store, trainer, result)
    (run,) = other.runs()
    assert (run.id, run.number, run.status, run.owner, run.step) == (kept.id, 1, "finished", "me", 20)
    assert run.experiment == trainer.experiment
    assert run.outcome == Outcome.of(result, trainer.history)
    assert run.ended and run.created < run.ended
    assert same_arrays(other.result(run.id), result)
    history = other.history(run.id, run.experiment, run.step)
    assert history.losses.tobytes() == trainer.history.losses.tobytes()
    assert history.rates.tobytes() == trainer.history.rates.tobytes()
    assert (history.epochs, history.health) == (trainer.history.epochs, trainer.history.health)
    state = other.model(run.id).state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in trainer.model.state_dict().items())
    assert not other.model(run.id).training
    assert sorted(path.name for path in (store.folder / run.id).iterdir()) == [
        "history.safetensors", "lock", "model.safetensors", "result.safetensors",
    ]  # fmt: skip


def test_a_record_with_infinite_numbers_comes_back(tmp_path: Path, small: Small) -> None:
    history = History(small())
    history.append_step(math.inf, 0.1)
    history.append_step(math.nan, 0.1)
    history.epochs.append(EpochRecord(1, math.inf, 0.1, 0.2, None, None, 0.3, 0.4))
    history.health.append(HealthRecord(1, (LayerHealth(math.inf, 1e-300, None), LayerHealth(0.1, math.inf, 0.5))))
    files.write_history(tmp_path / "history", history)
    back = files.read_history(tmp_path / "history", small())
    assert back.losses.tobytes() == history.losses.tobytes()
    assert (back.epochs, back.health) == (history.epochs, history.health)


def test_numbers_count_on_and_none_is_given_twice(store: Store, other: Store, small: Small) -> None:
    numbers = []
    for each in (store, other, store):
        kept = each.create(small())
        kept.release()
        numbers.append(kept.number)
    other.delete([kept.id])
    other.purge()
    assert [*numbers, other.create(small()).number] == [1, 2, 3, 4]
    assert [run.number for run in store.runs()] == [1, 2, 4]


def test_a_run_is_trained_by_one_process_and_interrupted_when_nobody_does(
    store: Store, other: Store, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlpcore.store.store.PROBING_SECONDS", 0.01)
    first = store.create(small())
    assert [run.status for run in store.runs()] == [run.status for run in other.runs()] == ["training"]
    with pytest.raises(NotToBeTrained, match="Another program"):
        other.take(first.id, 1)
    first.release()
    assert [run.status for run in other.runs()] == ["interrupted"]
    second = other.take(first.id, 1)
    with pytest.raises(NotToBeTrained, match="Another program"):
        store.take(first.id, 1)
    second.end("failed", small(), History(small()), error="no luck")
    assert [(run.status, run.error, run.outcome) for run in store.runs()] == [("failed", "no luck", None)]
    with pytest.raises(NotToBeTrained, match="is failed"):
        store.take(first.id, 1)
    with pytest.raises(NotToBeTrained, match="no longer there"):
        store.take(32 * "0", 2)


def test_an_interrupted_run_goes_on_to_the_same_bits(
    store: Store, other: Store, small: Small, train: Train, mnist: Dataset
) -> None:
    experiment = small(dropout=0.2)
    whole, _ = train(experiment)
    run_id = interrupted(store, experiment, mnist, 13).id
    (run,) = other.runs()
    assert (run.status, run.step) == ("interrupted", 13)
    assert np.array_equal(other.history(run_id, experiment, 13).losses, whole.history.losses[:13])
    (half := other.folder / run_id / "checkpoint.pt.half").write_bytes(b"left by a process that died")
    other.take(run_id, run.number).release()
    assert not half.exists()
    resumed = Trainer(experiment, mnist, state=other.state(run_id))
    assert resumed.steps == 13
    list(resumed)
    assert resumed.history.losses.tobytes() == whole.history.losses.tobytes()
    assert all(torch.equal(*pair) for pair in zip(resumed.model.parameters(), whole.model.parameters(), strict=True))


def test_a_run_that_was_never_kept_begins_anew(store: Store, small: Small) -> None:
    kept = store.create(small())
    kept.release()
    assert store.state(kept.id) is None
    assert store.history(kept.id, small(), 0).steps == 0


@pytest.mark.parametrize(
    ("seconds_a_step", "seconds_to_write", "expected"),
    [
        (1.0, 0.1, ["end", "end"]),
        # After 30 seconds the next update is kept: step 6 after 45, step 10 after 36 more; then the epoch's end.
        (9.0, 0.1, [6, 10, "end", 16, 20, "end"]),
        # After 2 seconds of writing 40 must pass, which is too long for steps 10 and 20.
        (9.0, 2.0, [6, "end", 16, "end"]),
    ],
)
def test_checkpoints_come_with_every_epoch_and_in_long_ones_and_take_a_share_of_the_time(
    seconds_a_step: float,
    seconds_to_write: float,
    expected: list[object],
    store: Store,
    small: Small,
    mnist: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0

    def slow(path: Path, state: dict[str, Any]) -> None:
        nonlocal now
        now += seconds_to_write

    monkeypatch.setattr("mlpcore.store.recorder.time.monotonic", lambda: now)
    monkeypatch.setattr(recorder, "write_state", slow)
    trainer = Trainer(small(accumulate=3), mnist)  # 10 steps in an epoch: groups of 3, 3, 3 and 1
    kept, saved = store.create(trainer.experiment), []
    for event in trainer:
        before = now
        kept.on_event(event, trainer)
        if now > before:
            saved.append(event.step if isinstance(event, Step) else "end")
            (run,) = store.runs()
            assert run.step == trainer.steps
        now += seconds_a_step if isinstance(event, Step) else 0.0
    assert saved == expected


def test_a_file_is_replaced_whole_or_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.write_whole(path, b"old")

    def no_room(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("mlpcore.store.files.os.fsync", no_room)
        with pytest.raises(OSError, match="No space"):
            files.write_whole(path, b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"
    files.write_whole(path, b"new", memoryview(b"er"))
    assert path.read_bytes() == b"newer"


def test_a_damaged_checkpoint_is_told_from_a_whole_one(store: Store, small: Small, mnist: Dataset) -> None:
    path = store.folder / (run_id := interrupted(store, small(), mnist, 5).id) / "checkpoint.pt"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for content in (b"", whole[:7], whole[:40], whole[: len(whole) // 2], whole[:-1], bytes(flipped), b"x" * 100):
        path.write_bytes(content)
        with pytest.raises(StoreProblem, match=r"checkpoint\.pt is damaged"):
            store.state(run_id)
        with pytest.raises(StoreProblem, match=r"checkpoint\.pt is damaged"):
            store.history(run_id, small(), 5)
    path.write_bytes(whole)
    assert store.state(run_id)


@pytest.mark.parametrize("name", ["history", "result", "model"])
def test_a_file_that_is_missing_or_damaged_is_said_in_a_sentence(
    name: str, store: Store, small: Small, train: Train
) -> None:
    trainer, result = train(small())
    kept = ended(store, trainer, result)
    path = store.folder / kept.id / f"{name}.safetensors"

    def read() -> object:
        if name == "history":
            return store.history(kept.id, trainer.experiment, 20)
        return store.result(kept.id) if name == "result" else store.model(kept.id)

    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StoreProblem, match=rf"{name}\.safetensors") as damaged:
        read()
    assert " is missing" not in str(damaged.value)
    path.unlink()
    with pytest.raises(StoreProblem, match=rf"{name}\.safetensors is missing"):
        read()


def test_a_newer_versions_list_is_left_alone(store: Store, small: Small) -> None:
    store.create(small()).release()
    store.close()
    with sqlite3.connect(store.folder / "runs.db") as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StoreProblem, match="newer version of MLP Lab"):
        store.runs()
    with sqlite3.connect(store.folder / "runs.db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.close()
    # It is tried again each time, so that what a person has mended works at once.
    assert len(store.runs()) == 1


def test_a_damaged_list_is_said_in_a_sentence(store: Store) -> None:
    store.folder.mkdir()
    (store.folder / "runs.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreProblem, match=r"The list of runs in .* is damaged"):
        store.runs()


def test_a_list_that_vanished_is_not_written_to(store: Store, small: Small) -> None:
    store.create(small()).release()
    (store.folder / "runs.db").unlink()
    with pytest.raises(StoreProblem, match=r"runs\.db is missing"):
        store.create(small())
    assert len([path for path in store.folder.iterdir() if path.is_dir()]) == 1


def test_a_run_of_an_experiment_that_this_version_does_not_know_is_left_out(store: Store, small: Small) -> None:
    kept = [store.create(small()) for _ in range(2)]
    with sqlite3.connect(store.folder / "runs.db") as connection:
        connection.execute("UPDATE runs SET experiment = '{\"seed\": -1}' WHERE number = 1")
    connection.close()
    assert [run.id for run in store.runs()] == [kept[1].id]


def test_a_full_disk_and_a_read_only_folder_are_said_in_sentences(
    store: Store, small: Small, mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(small(), mnist)
    kept = store.create(trainer.experiment)
    for code, part in [(errno.ENOSPC, "is full"), (errno.EROFS, "cannot be written to"), (errno.EIO, "cannot be used")]:

        def fail(path: Path, *parts: bytes, code: int = code) -> None:
            raise OSError(code, "the system's words")

        with monkeypatch.context() as patch:
            patch.setattr(files, "write_whole", fail)
            kept.save(trainer)
        assert kept.unsaved and part in kept.unsaved and str(store.folder) in kept.unsaved
        kept.save(trainer)
        assert kept.unsaved is None


def fill(store: Store, experiment: Experiment) -> None:
    """Lists runs until there is no room any more."""
    for _ in range(100):
        store.create(experiment).release()


@pytest.mark.parametrize(("pragma", "part"), [("max_page_count = 1", "is full"), ("query_only = ON", "be written to")])
def test_a_list_that_cannot_grow_is_said_in_a_sentence(pragma: str, part: str, store: Store, small: Small) -> None:
    store.runs()
    assert store._database
    store._database._connection.execute(f"PRAGMA {pragma}")
    with pytest.raises(StoreProblem, match=part):
        fill(store, small())
    # What was begun is taken back.
    assert {path.name for path in store.folder.iterdir() if path.is_dir()} == {run.id for run in store.runs()}


def test_too_little_memory_for_a_checkpoint_is_no_end(
    store: Store, small: Small, mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def state(trainer: Trainer) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    trainer = Trainer(small(), mnist)
    kept = store.create(trainer.experiment)
    monkeypatch.setattr(Trainer, "state", state)
    kept.save(trainer)
    assert kept.unsaved and "memory" in kept.unsaved


def test_a_run_whose_end_cannot_be_kept_stays_interrupted(
    store: Store, small: Small, mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(small(), mnist)
    kept = store.create(trainer.experiment)
    for event in trainer:
        if isinstance(event, EpochEnd) and event.record.epoch == 1:
            kept.save(trainer)
    assert isinstance(event, Finished)

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(recorder, "write_result", no_room)
        kept.end("finished", trainer.experiment, trainer.history, event.result, trainer.model)
    assert kept.unsaved and "is full" in kept.unsaved
    # It is still held, so that its end can be kept later.
    (run,) = store.runs()
    assert (run.status, run.step, run.outcome) == ("training", 10, None)
    kept.release()
    (run,) = store.runs()
    assert run.status == "interrupted"
    assert store.state(run.id)
    again = store.take(run.id, run.number)
    again.end("finished", trainer.experiment, trainer.history, event.result, trainer.model)
    (run,) = store.runs()
    assert (run.status, again.unsaved, store.state(run.id)) == ("finished", None, None)


def test_a_run_that_failed_leaves_its_record_only(store: Store, small: Small, mnist: Dataset) -> None:
    trainer = Trainer(small(), mnist)
    kept = store.create(trainer.experiment)
    next(trainer)
    kept.save(trainer)
    assert (store.folder / kept.id / "checkpoint.pt").exists()
    kept.end("failed", trainer.experiment, trainer.history, error="no luck")
    assert sorted(path.name for path in (store.folder / kept.id).iterdir()) == ["history.safetensors", "lock"]
    assert store.history(kept.id, trainer.experiment, 1).steps == 1


def test_a_list_that_another_process_keeps_busy_is_read_and_not_waited_for_to_write(store: Store, small: Small) -> None:
    store.create(small()).release()
    quick = Store(store.folder, busy_seconds=0.01)
    with busy(store.folder):
        (run,) = quick.runs()
        with pytest.raises(StoreProblem, match=r"Another program .* busy"):
            quick.create(small())
        with pytest.raises(StoreProblem, match="busy"):
            quick.describe(run.id, "name", [], "")
    # Nothing is left of what was not possible, and now it is.
    assert [path.name for path in store.folder.iterdir() if path.is_dir()] == [run.id]
    assert quick.create(small(), run_id=32 * "a").id == 32 * "a"
    assert [found.id for found in store.runs()] == [run.id, 32 * "a"]
    quick.close()


def test_describing_a_run_that_is_gone_does_nothing(store: Store, small: Small) -> None:
    store.describe(32 * "0", "name", ["tag"], "note")
    assert store.runs() == []


def test_a_person_can_name_runs_and_write_beside_them(store: Store, other: Store, small: Small) -> None:
    kept = store.create(small())
    store.describe(kept.id, "  My best ", ["wide", " wide", "", "Ünder 'quotes'"], "a note\nof two lines")
    (run,) = other.runs()
    assert (run.title, run.tags, run.note) == ("My best", ("wide", "Ünder 'quotes'"), "a note\nof two lines")
    store.describe(kept.id, " ", [], "")
    (run,) = other.runs()
    assert (run.title, run.tags, run.note) == (None, (), "")
    for title, tags, note in [
        (61 * "x", [], ""), ("a\x00b", [], ""), ("", ["x" * 31], ""), ("", ["a\nb"], ""),
        ("", list("abcdefghijklmnopqrstu"), ""), ("", [], 10_001 * "x"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match="at most"):
            store.describe(kept.id, title, tags, note)


def test_deleting_can_be_undone_until_it_is_done_for_good(store: Store, other: Store, small: Small) -> None:
    first, second, third = (store.create(small()) for _ in range(3))
    for kept in (first, second):
        kept.release()
    store.describe(first.id, "", ["tag"], "")
    store.delete([first.id, second.id, third.id])
    assert other.runs() == []
    other.put_back([second.id])
    other.purge(older_than=timedelta(hours=1))
    store.put_back([first.id])
    assert [run.number for run in store.runs()] == [1, 2]
    store.delete([first.id, second.id])
    other.purge()
    # The third is still trained by somebody, so it goes later.
    assert {path.name for path in store.folder.iterdir() if path.is_dir()} == {third.id}
    third.release()
    store.purge()
    assert not [path for path in store.folder.iterdir() if path.is_dir()]
    with sqlite3.connect(store.folder / "runs.db") as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM tags").fetchone() == (0,)
    connection.close()


def test_others_changes_show_in_the_version(store: Store, other: Store, small: Small) -> None:
    before = store.version()
    store.create(small())
    assert store.version() == before
    kept = other.create(small())
    assert store.version() != before
    before = store.version()
    other.describe(kept.id, "name", [], "")
    assert store.version() != before


def test_many_can_open_a_new_folder_and_write_at_once(tmp_path: Path, small: Small) -> None:
    stores = [Store(tmp_path / "runs") for _ in range(8)]
    problems: list[BaseException] = []

    def write(store: Store) -> None:
        try:
            for _ in range(5):
                store.create(small())
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=write, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert [run.number for run in stores[0].runs()] == list(range(1, 41))
    for store in stores:
        store.close()


def test_everybodys_runs_are_counted_by_themselves_and_no_number_comes_twice(store: Store, small: Small) -> None:
    kept = [store.create(small(), owner) for owner in ("ann", "bob", "ann", "")]
    assert [each.number for each in kept] == [1, 1, 2, 1]
    kept[2].release()
    store.delete([kept[2].id])
    store.purge()
    assert store.create(small(), "ann").number == 3
    assert [(run.owner, run.number) for run in store.runs()] == [("ann", 1), ("bob", 1), ("", 1), ("ann", 3)]


def test_the_runs_of_an_older_list_get_numbers_of_their_owners(tmp_path: Path, small: Small) -> None:
    (tmp_path / "runs").mkdir()
    with sqlite3.connect(tmp_path / "runs" / "runs.db") as database:
        database.executescript(f"{MIGRATIONS[0]}; PRAGMA user_version = 1")
        for run_id, owner in [("a", "ann"), ("b", "bob"), ("c", "ann")]:
            database.execute(
                "INSERT INTO runs (id, created, owner, experiment, status) VALUES (?, ?, ?, ?, 'finished')",
                (32 * run_id, "2026-01-01T00:00:00+00:00", owner, small().model_dump_json()),
            )
    database.close()
    store = Store(tmp_path / "runs")
    assert [(run.id[0], run.number) for run in store.runs()] == [("a", 1), ("b", 1), ("c", 2)]
    assert [run.made_by for run in store.runs()] == [None, None, None]
    assert [store.create(small(), owner).number for owner in ("ann", "bob", "new")] == [3, 2, 1]
    store.close()


def test_a_cache_keeps_what_was_used_last_up_to_so_many_bytes() -> None:
    cache = ByteCache(100)
    read: list[str] = []

    def get(key: str, size: int) -> str:
        def from_disk() -> str:
            read.append(key)
            return key

        return cache.get(key, from_disk, lambda value: size)

    for key, size in [("a", 40), ("b", 40), ("a", 40), ("c", 40)]:
        assert get(key, size) == key
    assert read == ["a", "b", "c"]
    get("a", 40)
    get("b", 40)
    assert read == ["a", "b", "c", "b"], "b had to go for c"
    get("large", 1000)
    get("large", 1000)
    assert read[4:] == ["large"], "what is too large is kept alone"
    get("a", 40)
    get("large", 1000)
    assert read[5:] == ["a", "large"]


def test_what_cannot_be_read_is_not_cached() -> None:
    cache = ByteCache(100)
    tries: list[None] = []

    def read() -> str:
        tries.append(None)
        if len(tries) < 3:
            raise StoreProblem("not yet")
        return "read"

    for _ in range(2):
        with pytest.raises(StoreProblem):
            cache.get("key", read, len)
    assert [cache.get("key", read, len) for _ in range(2)] == ["read", "read"]
    assert len(tries) == 3


def test_the_store_keeps_models_by_their_size(
    store: Store, small: Small, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, result = train(small())
    first, second = (ended(store, trainer, result).id for _ in range(2))
    model = store.model(first)
    assert store.model(first) is model and store.result(first) is store.result(first)
    monkeypatch.setattr("mlpcore.store.store.CACHE_BYTES", 4 * sum(p.numel() for p in model.parameters()))
    tight = Store(store.folder)
    model = tight.model(first)
    assert tight.model(first) is model
    tight.model(second)
    assert tight.model(first) is not model
    tight.close()
