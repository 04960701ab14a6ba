"""Serve `asgi` under asyncio's debug mode, to which no option and no variable of uvicorn's leads."""

from __future__ import annotations

import asyncio

import uvicorn

#: A callback that keeps the loop for longer is told: well above what a busy machine does to an innocent one.
SLOW = 0.5


async def main() -> None:
    asyncio.get_running_loop().slow_callback_duration = SLOW
    config = uvicorn.Config(
        "tests.processes.asgi:application",
        port=0,
        lifespan="off",
        loop="asyncio",
        access_log=False,
        timeout_keep_alive=120,
        log_level="info",
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(), debug=True)
