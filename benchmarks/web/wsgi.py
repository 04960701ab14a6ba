"""A candidate as a WSGI application, for web servers; BENCH says which, as JSON."""

import json
import os

from django.core.wsgi import get_wsgi_application

from ..project import configure

configure(**json.loads(os.environ["BENCH"]))
application = get_wsgi_application()
