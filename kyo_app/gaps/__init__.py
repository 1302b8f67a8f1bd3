"""A knowledge gap on its page."""
