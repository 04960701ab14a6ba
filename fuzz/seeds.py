"""Where fuzzing begins: the tokens of the tests, good and bad, and requests that are nearly right."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from django_ironclad.tokens.encoding import dump_json
from tests.tokens.test_tokens import BAD_TOKENS, CLAIMS, GOOD, PAYLOADS, TYPES, Genuine, genuine

from .targets import ALGORITHMS, KEYS, NOW, REFRESH, SECRET, SEED


def tokens() -> Iterator[bytes]:
    for number, algorithm in enumerate(ALGORITHMS):
        good = genuine(KEYS[algorithm], NOW)
        for forge in (*GOOD.values(), *BAD_TOKENS.values()):
            text = forge(good)
            if len(text) < 9500:
                yield bytes([32 | number]) + text.encode("utf-8", "surrogatepass")
        yield from _signed(number, good)


def _signed(number: int, good: Genuine) -> Iterator[bytes]:
    """Whatever may be claimed, under the right header and signature."""
    how = bytes([number | 4 | 8 | 16])
    yield how + dump_json(good.claims)
    for claims in [*(change(NOW) for change in CLAIMS.values()), *TYPES.values()]:
        changed = {**good.claims, **claims}
        yield how + dump_json({name: value for name, value in changed.items() if value is not ...})
    for change in PAYLOADS.values():
        yield how + change(dump_json(good.claims))[:9000]


def refresh_tokens() -> Iterator[bytes]:
    good = REFRESH.encode(secret=SECRET, seed=SEED, realm="")
    yield good.encode()
    for text in (
        good + "=",
        good.upper(),
        f" {good}",
        good + "\n",
        good.replace(".3.", ".03."),
        good.replace("3", "٣", 1),
    ):
        yield text.encode()


FORM = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\nada\r\n--x--\r\n'
BODIES = {
    "application/json": [
        b'{"username":"ada","password":"x","transport":"cookie","scope":"a b"}',
        b'{"refresh_token":"0b8e5d2e-6f6c-4f0e-9a43-3f6b2f1f3c55.0.0.x"}',
        b'{"type":"ironclad.renew","access_token":"a.b.c"}',
        b'{"username":7,"password":["x"],"scope":1,"refresh_token":null}',
        b'{"username":"a\\u0000","password":"\\ud800","transport":"header"}',
        b'{"a":1,"a":2}',
        b'{"a":' * 20 + b"1" + b"}" * 20,
    ],
    "application/x-www-form-urlencoded": [
        urlencode({"username": "ada", "password": "x y"}).encode(),
        b"a=1&a=2",
        b"%ff=%00",
        # Latin-1, as Django reads what is no UTF-8; and a name that has another form.
        b"username=ada\xb9&password=x",
    ],
    "multipart/form-data; boundary=x": [FORM % b"username", FORM % b"x", b"--x\r\nnonsense"],
    "multipart/form-data; boundary=x; charset=hex": [FORM % b"username"],
    "text/plain": [b"username=ada"],
}


PAGES = [
    b"https://testserver\nsame-origin",
    b"https://testserver\ncross-site",
    b"https://evil.example\nsame-site",
    b"https://testserver.evil.example\nnone",
    b"null\ncross-site",
    b"\n",
]
AUTHORIZATIONS = [b"Bearer a.b.c", b"bearer  a", b"Bearer", b"Basic YTpi", b"Bearer a b", b"Bearer \xe9", b""]


def requests() -> Iterator[bytes]:
    for content_type, bodies in BODIES.items():
        for body in bodies:
            for length in (b"", b"%d" % len(body), b"9000", b"-1", b"+1_0"):
                yield _request(content_type=content_type.encode(), length=length, body=body)
    for page in PAGES:
        yield _request(page=page)
    for authorization in AUTHORIZATIONS:
        yield _request(authorization=authorization, cookie=b"ironclad_refresh_token=a; ironclad_refresh_token=b")


def _request(
    *,
    authorization: bytes = b"",
    content_type: bytes = b"application/json",
    length: bytes = b"",
    cookie: bytes = b"ironclad_refresh_token=x; other=y",
    page: bytes = PAGES[0],
    body: bytes = b"{}",
) -> bytes:
    return b"\n".join([authorization, content_type, length, cookie, page, b"203.0.113.7, [2001:db8::1]:80", body])


SEEDS = {"tokens": tokens, "refresh_tokens": refresh_tokens, "requests": requests}
