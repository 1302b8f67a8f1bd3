"""Why a file cannot be used, raised where that is found out."""


class Unreadable(Exception):
    """The message is a sentence for the person who uploaded the file: what is wrong and what to do about it."""
