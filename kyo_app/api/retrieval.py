"""`/api/retrieval/…`."""

from fastapi import APIRouter

router = APIRouter(prefix="/retrieval", tags=["Retrieval"])
