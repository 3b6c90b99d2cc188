"""Work of a request in a thread that the end of the process does not wait for: a model that hangs must not keep it alive."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


async def in_thread(work: Callable[[Given], Made], given: Given) -> Made:
    """The result of ``work(given)``, or what it raises. Who gives up on it leaves the thread to itself."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Made] = loop.create_future()

    def finish(made: Made | None, error: BaseException | None) -> None:
        if result.done():  # nobody waits any more
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(made)  # type: ignore[arg-type]

    def run() -> None:
        made, error = None, None
        try:
            made = work(given)
        except Exception as raised:
            error = raised
        except BaseException as raised:  # code of the user may call sys.exit
            error = RuntimeError(f"{type(raised).__name__} in the model")
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(finish, made, error)

    threading.Thread(target=run, name="supnorm request", daemon=True).start()
    return await result
