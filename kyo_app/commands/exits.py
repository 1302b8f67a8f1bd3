"""Exit codes of `kyo`, as its help lists them. 2 is click's own, for a wrong command line."""

FAILED = 1
UNAVAILABLE = 3
