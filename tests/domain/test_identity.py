"""What is believed of an identity provider's claims."""

import pytest

from kyo_pipeline.domain.identity import Identity, identity_of

CLIENT_ID = "kyo"


def test_an_identity_is_read_from_the_claims() -> None:
    claims = {
        "iss": "https://id.example",
        "sub": "7",
        "aud": [CLIENT_ID, "b"],
        "email": "e@x.org",
        "name": " Erin\x00 ",
    }
    assert identity_of(claims, CLIENT_ID) == Identity("https://id.example", "7", "e@x.org", False, "Erin")


@pytest.mark.parametrize(
    ("said", "believed"),
    [(True, True), ("true", True), (False, False), ("false", False), (None, False), (1.5, False), ("yes", False)],
)
def test_an_address_counts_only_when_the_provider_has_verified_it(said: object, believed: bool) -> None:
    claims = {"iss": "i", "sub": "7", "aud": CLIENT_ID, "email": "e@x.org", "email_verified": said}
    identity = identity_of(claims, CLIENT_ID)
    assert identity is not None
    assert identity.email_verified is believed


@pytest.mark.parametrize("email", [None, "", 7, ["a@b.org"], {"x": 1}, "e@x.org\x00", " e@x.org", "e" * 300 + "@x.org"])
def test_no_plain_address_is_no_verified_address(email: object) -> None:
    identity = identity_of(
        {"iss": "i", "sub": "7", "aud": CLIENT_ID, "email": email, "email_verified": True}, CLIENT_ID
    )
    assert identity is not None
    assert (identity.email, identity.email_verified) == (None, False)


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Erin", "preferred_username": "erin"}, "Erin"),
        ({"name": "", "preferred_username": "erin"}, "erin"),
        ({"name": ["x"], "email": "e@x.org"}, "e@x.org"),
        ({"name": "x" * 10_000}, "x" * 200),
        ({}, "7"),
    ],
)
def test_a_person_is_called_something(claims: dict[str, object], name: str) -> None:
    identity = identity_of({"iss": "i", "sub": "7", "aud": CLIENT_ID, **claims}, CLIENT_ID)
    assert identity is not None
    assert identity.name == name


@pytest.mark.parametrize("audience", [None, "", "other", ["other"], [], 7, {CLIENT_ID: 1}])
def test_a_token_for_another_client_is_nobody_s(audience: object) -> None:
    assert identity_of({"iss": "i", "sub": "7", "aud": audience}, CLIENT_ID) is None


@pytest.mark.parametrize("claim", ["iss", "sub"])
@pytest.mark.parametrize("said", [None, "", " ", 7, ["x"], "a\x00b", "\ud800", " a", "x" * 1_000_000])
def test_what_is_not_whole_names_nobody(claim: str, said: object) -> None:
    assert identity_of({"iss": "i", "sub": "7", "aud": CLIENT_ID, claim: said}, CLIENT_ID) is None


@pytest.mark.parametrize(("issuer", "subject"), [("i" * 2000, "7"), ("i", "x" * 255), ("'; drop table users --", "😀")])
def test_an_odd_identity_is_one_all_the_same(issuer: str, subject: str) -> None:
    identity = identity_of({"iss": issuer, "sub": subject, "aud": CLIENT_ID}, CLIENT_ID)
    assert identity is not None
    assert (identity.issuer, identity.subject) == (issuer, subject)
