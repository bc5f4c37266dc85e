"""Executors that are no processes, for tests of what is given out to processes."""

import pickle
from concurrent.futures import Executor, Future


class Here(Executor):
    """Workers that are this process: they get a copy of everything, and are done at once."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            fn, args, kwargs = pickle.loads(pickle.dumps((fn, args, kwargs)))  # noqa: S301 - own
            future.set_result(pickle.loads(pickle.dumps(fn(*args, **kwargs))))  # noqa: S301 - own
        except Exception as error:  # noqa: BLE001 - whoever asks gets it
            future.set_exception(error)
        return future


class Lost(Executor):
    """Workers that never come to it."""

    def submit(self, _fn, /, *_args, **_kwargs):
        future = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future
