"""`/api/documents/…`."""

from fastapi import APIRouter

router = APIRouter(prefix="/documents", tags=["Documents"])
