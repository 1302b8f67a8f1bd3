"""Every query of the project, one module a noun."""
