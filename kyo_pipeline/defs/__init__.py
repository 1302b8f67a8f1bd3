"""Dagster, and nothing but Dagster: resources, assets, checks, sensors, jobs."""
