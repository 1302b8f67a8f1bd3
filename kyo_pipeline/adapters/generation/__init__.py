"""Generators of answers, one file a kind; `factory.open_generator` chooses."""
