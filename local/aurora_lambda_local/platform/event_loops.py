"""Event loops that end: what still waits on one is cancelled."""

import asyncio


def cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """End what still waits: Python would report each task as never awaited, whenever it is freed."""
    if tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
