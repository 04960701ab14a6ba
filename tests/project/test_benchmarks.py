"""What would let the benchmarks lie without anybody's noticing: figures, verdicts, refused requests, stale pages."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.costs import PAGE, TEMPLATE, render
from benchmarks.report import FOLDER, Target, page
from benchmarks.rounds import Figure, ratios, take_turns
from benchmarks.web.load import NotAnswered, drive, request


def test_a_ratio_is_taken_within_each_round_so_that_a_busy_machine_changes_nothing() -> None:
    busy_in_the_second = {"ours": [1.0, 30.0, 1.0], "theirs": [2.0, 60.0, 2.0]}
    assert ratios(busy_in_the_second, "theirs")["ours"] == Figure(0.5, 0.5, 0.5)


def test_candidates_take_turns_at_being_first() -> None:
    seen: list[str] = []
    found = take_turns("abc", 3, lambda name: seen.append(name) or len(seen))
    assert "".join(seen) == "abcbcacab"
    assert found == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


@pytest.mark.parametrize(
    ("values", "at_least", "verdict"),
    [
        ([2, 3, 4, 5], False, "**not met**"),
        ([0.9, 1.1, 1.2, 1.3], False, "**not met**, within the noise"),
        ([0.7, 0.8, 0.9, 1.1, 1.2], False, "met, within the noise"),
        ([0.1, 0.2, 0.3, 0.4, 0.5], False, "met"),
        ([0.1, 0.2, 0.3, 0.4, 0.5], True, "**not met**"),
        ([1], False, "met"),
        ([1], True, "met"),
    ],
)
def test_a_verdict_says_what_the_rounds_allow(values: list[float], at_least: bool, verdict: str) -> None:
    assert Target("anything", Figure.of(values), 1, at_least=at_least).row()[-1] == verdict


@contextmanager
def answering(folder: Path, *answers: bytes) -> Iterator[Path]:
    """A server that gives these answers, one after the other, and each in two pieces."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(folder / "socket"))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                for answer in answers:
                    assert connection.recv(65536) == request("/", {"HTTP_AUTHORIZATION": "Bearer x"})
                    for piece in (answer[: len(answer) // 2], answer[len(answer) // 2 :]):
                        connection.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        yield folder / "socket"
        thread.join()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n42\r\n0\r\n\r\n"
WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n42"
REFUSED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


def test_only_requests_that_were_granted_are_measured(tmp_path: Path) -> None:
    mine = [request("/", {"HTTP_AUTHORIZATION": "Bearer x"})]
    with answering(tmp_path, CHUNKED, WITH_LENGTH) as server:
        assert len(drive(server, mine, count=2, clients=1).latencies) == 2
    (tmp_path / "socket").unlink()
    with answering(tmp_path, WITH_LENGTH, REFUSED) as server, pytest.raises(NotAnswered, match="401"):
        drive(server, mine, count=2, clients=1)


def test_the_pages_say_what_was_found_last() -> None:
    """`scripts/bench` writes them: who edits one edits its source, benchmarks/costs.md or benchmarks/report.py."""
    found = json.loads((FOLDER / "results.json").read_text())
    assert (FOLDER / "RESULTS.md").read_text() == page(found)
    assert PAGE.read_text() == render(TEMPLATE.read_text(), found)
