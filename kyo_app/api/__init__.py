"""The HTTP API under `/api`: each route parses, calls one service, and answers. FastAPI is imported here alone."""
