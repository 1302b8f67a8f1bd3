"""What the machine has that this process runs on."""

import os

import psutil


def memory_mb() -> int:
    """All of it, whoever uses it now."""
    return int(psutil.virtual_memory().total) >> 20


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
