"""Embedding models, one file a backend; `factory.open_embedder` chooses."""
