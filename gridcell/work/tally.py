"""Communities counted as their tasks end, for whoever is told of progress."""

from collections.abc import Callable, Sequence


class Tally:
    """Tells of communities that are done and that failed; it is the `told` of `run_each`.

    Parameters
    ----------
    stage
        What is being done.
    sizes
        (tasks,) communities of each task.
    progress
        Called with the stage, the communities that are over (0 at first) and their total, and,
        where tasks failed, with ``failed``, the communities of these and the total.
    """

    def __init__(
        self, stage: str, sizes: Sequence[int], progress: Callable[[str, int, int], None] | None
    ) -> None:
        self._stage, self._sizes, self._progress = stage, sizes, progress
        self._over = self._failed = 0
        if progress is not None:
            progress(stage, 0, sum(sizes))

    def __call__(self, at: int, failed: bool, /) -> None:  # noqa: FBT001
        """Take note that a task is over."""
        if self._progress is None:
            return
        self._over += self._sizes[at]
        total = sum(self._sizes)
        if failed:
            self._failed += self._sizes[at]
            self._progress("failed", self._failed, total)
        self._progress(self._stage, self._over, total)
