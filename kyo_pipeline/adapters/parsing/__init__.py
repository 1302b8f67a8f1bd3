"""Reading PDF, DOCX and text files: each format in its module, all run by `pool` in child processes.

Imports nothing: the children start faster when they do not load what only their parent needs.
"""
