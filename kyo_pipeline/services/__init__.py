"""The verbs that the app, the command line and Dagster call."""
