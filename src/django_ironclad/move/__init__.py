"""What a project that comes from another package has to change, and what of that changes by itself."""

from .findings import CODES, Finding
from .packages import PACKAGES, Package, Table
from .project import Project
from .reporting import Report, report
from .rewriting import LibCSTMissing, diff, rewritten, write
from .tokens import living

__all__ = [
    "CODES",
    "PACKAGES",
    "Finding",
    "LibCSTMissing",
    "Package",
    "Project",
    "Report",
    "Table",
    "diff",
    "living",
    "report",
    "rewritten",
    "write",
]
