"""Models that somebody brought in from a file: checked, kept beside the runs, and offered wherever models are asked."""

import re
import tempfile
import uuid
from pathlib import Path

from mlpcore.models import InvalidModel, TrainedModel, load, save, title_in

MAX_BYTES = 600_000_000
"""The largest model that an experiment allows has eight layers of 4,096 neurons: 134 million parameters."""

_NAME = re.compile(r"[0-9a-f]{32}")


class Imported:
    """The models in one folder, by their ids of 32 hexadecimal digits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, file: Path, name: str | None = None) -> str:
        """Checks the model in `file`, keeps a copy, and returns its id.

        Nothing of the file is used before all of it was checked, and what is kept is written anew.

        Args:
            file: where it is.
            name: what it is called in a sentence about it; its path if None.

        Raises:
            InvalidModel: it is none that can be used, with the sentence to show; or there is no place for it.
        """
        try:
            size = file.stat().st_size
        except OSError as error:
            raise InvalidModel(f"{file} cannot be read ({error.strerror}).") from error
        if not file.is_file():
            raise InvalidModel(f"{file} is no ordinary file. A model file made by MLP Lab is needed.")
        if size > MAX_BYTES:
            called = name or file.name
            raise InvalidModel(f"{called} has {size:,} bytes, and no model here has more than {MAX_BYTES:,}.")
        model = load(file, name)
        model_id = uuid.uuid4().hex
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save(model, self._path(model_id))
        except OSError as error:
            raise InvalidModel(f"The model cannot be kept in {self._folder} ({error.strerror}).") from error
        return model_id

    def add_bytes(self, content: bytes, name: str) -> str:
        """The same for the content of a file called `name`, as a browser uploads it."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.safetensors"
            try:
                file.write_bytes(content)
            except OSError as error:
                raise InvalidModel(f"{name} cannot be taken in ({error.strerror}).") from error
            return self.add(file, name)

    def ids(self) -> list[str]:
        """All ids, the newest first."""
        if not self._folder.is_dir():
            return []
        files = [path for path in self._folder.glob("*.safetensors") if _NAME.fullmatch(path.stem)]
        return [path.stem for path in sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)]

    def title(self, model_id: str) -> str:
        """What the model calls itself; "unreadable" if its file was damaged."""
        try:
            return title_in(self._path(model_id))
        except InvalidModel:
            return "unreadable"

    def get(self, model_id: str) -> TrainedModel:
        """The model with this id.

        Raises:
            InvalidModel: there is none, or its file was damaged.
        """
        if not _NAME.fullmatch(model_id):
            raise InvalidModel(f"There is no model {model_id[:40]!r}.")
        return load(self._path(model_id))

    def remove(self, model_id: str) -> None:
        """Removes a model, if it is there."""
        if _NAME.fullmatch(model_id):
            self._path(model_id).unlink(missing_ok=True)

    def _path(self, model_id: str) -> Path:
        return self._folder / f"{model_id}.safetensors"
