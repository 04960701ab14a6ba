"""What gunicorn serves."""

from tests.processes.hosts_clock import set_ahead

set_ahead()

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()
