"""A folder that keeps the weights from one start to the next, as a volume with a model cache does."""

from pathlib import Path

MARKER = ".downloaded"


class Weights:
    """Whether the folder has the weights. Without a folder they are never kept."""

    def __init__(self, folder: str | None) -> None:
        self._marker = Path(folder) / MARKER if folder else None

    @property
    def are_there(self) -> bool:
        """Whether an earlier start has downloaded them."""
        return self._marker is not None and self._marker.exists()

    def keep(self) -> None:
        """Note that they are there from now on. OSError when the folder cannot be written to."""
        if self._marker is not None:
            self._marker.parent.mkdir(parents=True, exist_ok=True)
            self._marker.touch()
