"""Reading PDF, DOCX and text files: each format in its module, all run by `pool` in child processes."""
