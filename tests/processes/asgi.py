"""What uvicorn serves: the application, with every hop to a thread counted by what it runs there."""

from __future__ import annotations

from typing import Any

from asgiref.sync import SyncToAsync
from django.core.asgi import get_asgi_application

application = get_asgi_application()

from tests.processes.reports import hops  # noqa: E402

_call = SyncToAsync.__call__


async def _counted(self: SyncToAsync[Any, Any], *args: Any, **kwargs: Any) -> Any:
    function = getattr(self.func, "func", self.func)
    hops[f"{function.__module__}.{function.__qualname__}"] += 1
    return await _call(self, *args, **kwargs)


SyncToAsync.__call__ = _counted  # type: ignore[method-assign]
