"""The pipeline's steps: read, cut, embed, publish. Each claims what waits, and may be killed or run again at any moment."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from kyo_pipeline.db import chunks, claims, corpus, embedding_sets, texts
from kyo_pipeline.db.claims import Claimed
from kyo_pipeline.db.embedding_sets import EmbeddingSet
from kyo_pipeline.db.engine import Transaction
from kyo_pipeline.db.publishing import publish
from kyo_pipeline.domain.actor import OPERATOR
from kyo_pipeline.domain.batching import groups
from kyo_pipeline.domain.chunking import chunk
from kyo_pipeline.domain.chunks import Chunk, indexed_text
from kyo_pipeline.domain.documents import VersionStatus
from kyo_pipeline.domain.parsed import ParsedDocument
from kyo_pipeline.errors import Conflict, KyoError, Unavailable
from kyo_pipeline.kyo import Kyo

LEASE = timedelta(minutes=15)
MAX_ATTEMPTS = 5
#: Tokens kept free for title and headings, which are embedded with each chunk.
PLACE_TOKENS = 48
VERSIONS_A_TRANSACTION = 50
CHUNKS_A_TRANSACTION = 1000

_GAVE_UP = (
    "Processing this file was interrupted {attempts} times. Try it again; if that does not help, the file is probably too "
    "large or damaged."
)
_NO_TEXT = "No text was found in this file."
