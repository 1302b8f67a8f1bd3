"""Lists are read page by page."""

#: Rows of one page at most.
MAX_PAGE = 200
