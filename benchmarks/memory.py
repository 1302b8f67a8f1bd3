"""Memory of the whole stack at rest, shared pages counted once: `python -m benchmarks.memory`."""

import time

from benchmarks.stack import running_stack

SETTLE_SECONDS = 60


def main() -> None:
    with running_stack() as (stack, _):
        time.sleep(SETTLE_SECONDS)
        rows = []
        for process in stack.processes():
            command = " ".join(process.cmdline())[-60:] or process.name()
            rows.append((process.memory_full_info().pss / 1e6, command))
    for megabytes, command in sorted(rows, reverse=True):
        print(f"{megabytes:8.1f} MB  {command}")
    print(f"{sum(megabytes for megabytes, _ in rows):8.1f} MB  in all (2,000 MB or less is wanted)")


if __name__ == "__main__":
    main()
