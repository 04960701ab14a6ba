"""A network of its own for a server, whose packets can be dropped: what a pulled cable or a dead switch looks like."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network

#: For tests between two networks, so nobody's (RFC 2544).
RANGE = ip_network("198.18.0.0/15")
#: The hardware addresses of the two ends.
_HERE, _THERE = "02:00:00:00:00:01", "02:00:00:00:00:02"


class NoAddressIsFreeError(Exception):
    pass


def _free_addresses() -> tuple[str, str]:
    """Two that no route of this machine leads to: whatever it is connected to must stay so."""
    routes = json.loads(_run("ip -json -4 route show table all"))
    taken = [ip_network(route["dst"]) for route in routes if route["dst"] not in ("default", "0.0.0.0/0")]
    for candidate in RANGE.subnets(new_prefix=30):
        if not any(candidate.overlaps(each) for each in taken):
            here, there = candidate.hosts()
            return str(here), str(there)
    raise NoAddressIsFreeError


def why_impossible() -> str:
    """Empty where it works: it takes root, iproute2 and a kernel with network namespaces."""
    if os.geteuid() != 0:
        return "a network namespace takes root"
    if not shutil.which("ip"):
        return "iproute2 is missing"
    try:
        with network():
            return ""
    except subprocess.CalledProcessError as error:
        return f"the kernel refuses: {error.stderr.strip()}"
    except NoAddressIsFreeError:
        return f"all of {RANGE} is taken"


@dataclass(frozen=True)
class Network:
    """A namespace, and a cable with an address at either end that leads to it."""

    name: str
    here: str
    address: str

    @property
    def within(self) -> str:
        """What a command is run by, to run there."""
        return f"ip netns exec {self.name}"

    def cut(self) -> None:
        """From now on every packet vanishes, and nobody is told."""
        _run(f"{self.within} ip link set there down")

    def mend(self) -> None:
        _run(f"{self.within} ip link set there up")
        self.know_each_other()

    def know_each_other(self) -> None:
        """For good: with the question who has this address unanswered, the kernel would soon say "no route"."""
        _run(f"ip neighbour replace {self.address} lladdr {_THERE} dev {self.name} nud permanent")
        _run(f"{self.within} ip neighbour replace {self.here} lladdr {_HERE} dev there nud permanent")


@contextmanager
def network() -> Iterator[Network]:
    """Gone at the end, with whatever it was made of."""
    # An interface's name has 15 bytes at most.
    made = Network(f"iron{os.getpid()}", *_free_addresses())
    _run(f"ip netns add {made.name}")
    try:
        ends = f"{made.name} address {_HERE} type veth peer name there address {_THERE}"
        _run(f"ip link add {ends} netns {made.name}")
        _run(f"ip address add {made.here}/30 dev {made.name}")
        _run(f"ip link set {made.name} up")
        _run(f"{made.within} ip address add {made.address}/30 dev there")
        _run(f"{made.within} ip link set there up")
        _run(f"{made.within} ip link set lo up")
        made.know_each_other()
        yield made
    finally:
        # Its end of the cable goes with the namespace, and the other with it.
        subprocess.run(["ip", "link", "delete", made.name], capture_output=True, check=False)
        _run(f"ip netns delete {made.name}")


def _run(command: str) -> str:
    return subprocess.run(command.split(), capture_output=True, check=True, text=True).stdout
