"""Hashes of passwords; the tests use cheaper ones, but for this."""

from argon2 import PasswordHasher

from kyo_pipeline.adapters import passwords


def test_a_hash_costs_what_owasp_asks_for(real_hasher: PasswordHasher) -> None:
    password_hash = real_hasher.hash("plum tree river")
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.verify(password_hash, "plum tree river")


def test_the_tests_hash_cheaply_and_a_hash_of_another_cost_is_outdated(real_hasher: PasswordHasher) -> None:
    assert not passwords.is_outdated(passwords.hash_password("plum tree river"))
    assert passwords.is_outdated(real_hasher.hash("plum tree river"))
