"""Models imported from files: checked, stored next to the runs, and available wherever a model can be chosen."""

import re
import tempfile
import uuid
from pathlib import Path

from mlpcore.models import InvalidModel, TrainedModel, load, save, title_in

MAX_BYTES = 600_000_000
"""Enough for the largest possible model: eight layers of 4,096 neurons, or 121 million parameters."""

_NAME = re.compile(r"[0-9a-f]{32}")


class Imported:
    """The models in one folder, by their ids of 32 hexadecimal digits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, file: Path, name: str | None = None) -> str:
        """Checks the model in `file`, stores a copy, and returns its id.

        Nothing in the file is used before all of it has been checked; the copy is written from what was read.

        Args:
            file: the model file.
            name: what to call the file in messages; its path if None.

        Raises:
            InvalidModel: it cannot be used or stored; the message is the sentence to show.
        """
        try:
            size = file.stat().st_size
        except OSError as error:
            raise InvalidModel(f"{file} cannot be read ({error.strerror}).") from error
        if not file.is_file():
            raise InvalidModel(f"{file} is not a regular file. Choose a model file made by MLP Lab.")
        if size > MAX_BYTES:
            called = name or file.name
            raise InvalidModel(f"{called} has {size:,} bytes; models here have at most {MAX_BYTES:,}.")
        model = load(file, name)
        model_id = uuid.uuid4().hex
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save(model, self._path(model_id))
        except OSError as error:
            raise InvalidModel(f"The model cannot be saved in {self._folder} ({error.strerror}).") from error
        return model_id

    def add_bytes(self, content: bytes, name: str) -> str:
        """Like `add`, for the content of an uploaded file called `name`."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.safetensors"
            try:
                file.write_bytes(content)
            except OSError as error:
                raise InvalidModel(f"{name} cannot be imported ({error.strerror}).") from error
            return self.add(file, name)

    def ids(self) -> list[str]:
        """All ids, newest first."""
        if not self._folder.is_dir():
            return []
        files = [path for path in self._folder.glob("*.safetensors") if _NAME.fullmatch(path.stem)]
        return [path.stem for path in sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)]

    def title(self, model_id: str) -> str:
        """The model's own title; "unreadable" if its file is damaged."""
        try:
            return title_in(self._path(model_id))
        except InvalidModel:
            return "unreadable"

    def get(self, model_id: str) -> TrainedModel:
        """The model with this id.

        Raises:
            InvalidModel: there is none, or its file is damaged.
        """
        if not _NAME.fullmatch(model_id):
            raise InvalidModel(f"There is no model {model_id[:40]!r}.")
        return load(self._path(model_id))

    def remove(self, model_id: str) -> None:
        """Removes a model if it exists."""
        if _NAME.fullmatch(model_id):
            self._path(model_id).unlink(missing_ok=True)

    def _path(self, model_id: str) -> Path:
        return self._folder / f"{model_id}.safetensors"
