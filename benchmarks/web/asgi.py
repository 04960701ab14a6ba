"""A candidate as an ASGI application, for web servers; BENCH says which, as JSON."""

import json
import os

from django.core.asgi import get_asgi_application

from ..project import configure

configure(**json.loads(os.environ["BENCH"]), pool=True)
application = get_asgi_application()
