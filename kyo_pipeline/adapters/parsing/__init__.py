"""Reading PDF, DOCX and text files: each format in its module, all run by `pool` in child processes."""

from kyo_pipeline.adapters.parsing.pool import ParserPool

__all__ = ["ParserPool"]
