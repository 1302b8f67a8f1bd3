import pytest

from kyo_pipeline.domain.stemming import stems, weigh

# What PostgreSQL 18 answers: select array_agg(lexeme order by lexeme) from unnest(to_tsvector('english', text)).
POSTGRESQL = [
    ("The employees' holidays were cancelled", ["cancel", "employe", "holiday"]),
    ("self-approval isn't allowed", ["allow", "approv", "isn", "self", "self-approv"]),
    (
        "Ask hr@example.com or visit intranet.example.com",
        ["ask", "hr@example.com", "intranet.example.com", "visit"],
    ),
    ("Version 3.5 costs 10,000 euros", ["000", "10", "3.5", "cost", "euro", "version"]),
    ("401(k) plans", ["401", "k", "plan"]),
    ("What is the on-call policy?", ["call", "on-cal", "polici"]),
    ("generously organised organisations", ["generous", "organis"]),
    ("Don't run; running ran", ["ran", "run"]),
    ("naïve café RÉSUMÉ", ["café", "naïv", "résumé"]),
    ("foo_bar baz", ["bar", "baz", "foo"]),
    ("e-mail state-of-the-art", ["art", "e", "e-mail", "mail", "state", "state-of-the-art"]),
    ("skiing skies dying news", ["die", "news", "ski", "sky"]),
    ("a and the of", []),
    ("Müller's straße", ["müller", "straße"]),
    ("1.2.3 release", ["1.2.3", "releas"]),
    ("9-month leave", ["9", "leav", "month"]),
    ("up to 30% off", ["30"]),
]


@pytest.mark.parametrize(("text", "lexemes"), POSTGRESQL)
def test_stems_are_postgresqls_lexemes(text: str, lexemes: list[str]) -> None:
    assert sorted(set(stems(text))) == lexemes


def test_compatibility_forms_are_folded() -> None:
    assert stems("ﬁling") == stems("filing")


def test_weights_bridge_the_versions_of_snowball() -> None:
    weights = weigh("Which organization handles the emergency leave?", {"organ": 2.0, "emerg": 3.0, "leav": 1.0})
    assert weights == {stems("organization")[0]: 2.0, stems("emergency")[0]: 3.0, "leav": 1.0}
