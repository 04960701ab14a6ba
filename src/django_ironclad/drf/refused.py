"""Our errors as exceptions of Django REST framework."""

from __future__ import annotations

from rest_framework.exceptions import APIException

from ..errors import IroncladError
from ..http import answers


class NumberDetail(int):
    """A number in a refusal, with the `code` that DRF wants of whatever is told: its `ErrorDetail` is a text."""

    code: str

    def __new__(cls, number: int, code: str) -> NumberDetail:
        self = super().__new__(cls, number)
        self.code = code
        return self


class Refused(APIException):
    """Our error as DRF answers it. No `AuthenticationFailed`, which is 403 where another class stands first."""

    def __init__(self, error: IroncladError) -> None:
        #: Of our error, for a handler of the project's: see docs/guide.md, "Errors".
        self.reason = error.reason
        body = answers.error_body(error)
        super().__init__(detail=body, code=error.code)  # type: ignore[arg-type]
        numbers = {name: each for name, each in body.items() if isinstance(each, int)}
        vars(self)["detail"].update({name: NumberDetail(each, error.code) for name, each in numbers.items()})
        self.status_code = error.status
        self.auth_header = answers.error_headers(error).get("WWW-Authenticate", "")
        self.wait = error.retry_after
