"""What the app writes to its log: lines with a time in UTC, and no address that anybody opened."""

import logging
import time

from streamlit import config


def set_up(*, debug: bool) -> None:
    """After Streamlit is imported: that gives uvicorn's loggers levels and handlers which uvicorn has not asked for."""
    # Tickets and invitations stand in addresses. `--no-access-log` only takes the handler away.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("uvicorn.error").setLevel(logging.INFO if debug else logging.WARNING)
    logging.Formatter.converter = time.gmtime
    formatter = logging.Formatter(config.get_option("logger.messageFormat"))
    formatter.default_msec_format = "%s.%03d"
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    # For our own loggers, and for all that are not Streamlit's or uvicorn's: nobody else gives them a handler.
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
