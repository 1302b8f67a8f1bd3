"""Settings: the seed's names and defaults are kept, `.env.example` lists them all, mistakes are told together."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from kyo_pipeline.errors import Invalid
from kyo_pipeline.settings import PROJECT_ROOT, Settings, harmless, load_settings, root_of

#: From the README that the project started with.
SEED = {
    "DEBUG": True,
    "ALLOWED_HOSTS": ("localhost", "127.0.0.1"),
    "DB_NAME": "knowledge_platform",
    "DB_USER": "kyo_user",
    "DB_HOST": "localhost",
    "DB_PORT": 5432,
    "REDIS_URL": "redis://localhost:6379/0",
    "MAX_FILE_SIZE_MB": 10,
    "ALLOWED_FILE_TYPES": ("pdf", "docx", "txt"),
    "CHUNK_SIZE": 500,
    "CHUNK_OVERLAP": 50,
    "TOP_K_RESULTS": 5,
    "SIMILARITY_THRESHOLD": 0.7,
    "MAX_QUERIES_PER_DAY": 100,
    "MAX_TOKENS_PER_QUERY": 2000,
    "JWT_ACCESS_TOKEN_LIFETIME_MINUTES": 60,
    "JWT_REFRESH_TOKEN_LIFETIME_DAYS": 7,
}
#: Secrets of the seed, which have no default.
SEED_SECRETS = ("SECRET_KEY", "DB_PASSWORD", "HF_EMBEDDING_API_KEY", "HF_LLM_API_KEY")

EXAMPLE = dict(re.findall(r"^# ([A-Z][A-Z0-9_]*)=(.*)$", (PROJECT_ROOT / ".env.example").read_text(), re.MULTILINE))


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "default"), SEED.items())
def test_the_seeds_names_and_defaults_are_kept(name: str, default: object) -> None:
    value = getattr(load_settings(), name)
    assert (value.get_secret_value() if isinstance(value, SecretStr) else value) == default


@pytest.mark.parametrize("name", SEED_SECRETS)
def test_the_seeds_secrets_have_no_default(name: str) -> None:
    assert getattr(load_settings(), name) is None


def test_new_names_start_with_kyo() -> None:
    new = set(Settings.model_fields) - set(SEED) - set(SEED_SECRETS) - {"DATABASE_URL"}
    assert {name for name in new if not name.startswith("KYO_")} == set()


def test_the_example_lists_every_setting_in_order() -> None:
    assert list(EXAMPLE) == list(Settings.model_fields)


def test_the_example_says_the_same_as_the_descriptions() -> None:
    said = " ".join((PROJECT_ROOT / ".env.example").read_text().replace("#", " ").split())
    wrong = [
        name
        for name, field in Settings.model_fields.items()
        if field.description and f"{field.description} {name}=" not in said
    ]
    assert wrong == []


def test_what_no_code_reads_is_said_to_have_no_effect() -> None:
    sources = [path for folder in ("kyo_app", "kyo_pipeline") for path in (PROJECT_ROOT / folder).rglob("*.py")]
    code = "".join(path.read_text() for path in sources)
    unread = {name for name in Settings.model_fields if not re.search(rf"(settings|self)\.{name}\b", code)}
    said = {name for name, field in Settings.model_fields.items() if "Not used yet" in (field.description or "")}
    assert unread == said


def test_the_example_is_all_comments() -> None:
    lines = (PROJECT_ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_example_has_the_defaults(tmp_path: Path) -> None:
    """What it says, read back, is what holds when nothing is set."""
    said = "\n".join(f"{name}={value}" for name, value in EXAMPLE.items() if value)
    (tmp_path / ".env").write_text(said)
    read, default = load_settings(tmp_path / ".env").model_dump(), Settings().model_dump()
    assert PROJECT_ROOT / read.pop("KYO_HOME") == default.pop("KYO_HOME")
    assert read == default


def test_all_mistakes_are_told_at_once_and_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"KYO_PORT": "eighty", "MAX_FILE_SIZE_MB": "0", "ALLOWED_FILE_TYPES": "pdf,exe", "KYO_LLM_BACKEND": "magic"}
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Invalid) as refused:
        load_settings()
    lines = refused.value.message.splitlines()
    assert [name for name in wrong if not any(line.startswith(name) for line in lines)] == []
    assert len(lines) == len(wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [("CHUNK_OVERLAP", "500"), ("ALLOWED_FILE_TYPES", ","), ("DB_PORT", "70000"), ("SIMILARITY_THRESHOLD", "1.5")],
)
def test_what_cannot_work_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Invalid, match=name):
        load_settings()


def test_the_audit_log_is_kept_as_long_as_versions_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYO_RETAIN_VERSIONS_DAYS", "90")
    monkeypatch.setenv("KYO_RETAIN_AUDIT_DAYS", "91")
    assert load_settings().KYO_RETAIN_AUDIT_DAYS == 91
    monkeypatch.setenv("KYO_RETAIN_AUDIT_DAYS", "90")
    with pytest.raises(Invalid, match="KYO_RETAIN_AUDIT_DAYS: must be more than KYO_RETAIN_VERSIONS_DAYS"):
        load_settings()


def test_former_keys_stand_between_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYO_FORMER_SECRET_KEYS", " one, ,two ")
    assert [key.get_secret_value() for key in load_settings().KYO_FORMER_SECRET_KEYS] == ["one", "two"]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_days_are_those_of_a_time_zone(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYO_TIME_ZONE", zone)
    assert zone == load_settings().KYO_TIME_ZONE


@pytest.mark.parametrize("zone", ["Berlin", "localtime", "posix/UTC", "../etc/passwd", "+01:00", "Europe/", "Europe"])
def test_what_is_no_time_zone_is_refused(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYO_TIME_ZONE", zone)
    with pytest.raises(Invalid, match="KYO_TIME_ZONE: must be the name of a time zone"):
        load_settings()


@pytest.mark.parametrize("cron", ["0 0 * * 0", "*/15 1-5/2,22 1,15 1-12 1-5", "59 23 31 12 7"])
def test_the_upkeep_has_a_schedule_of_its_own(cron: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYO_UPKEEP_CRON", f"  {cron.replace(' ', '   ')} ")
    assert cron == load_settings().KYO_UPKEEP_CRON


@pytest.mark.parametrize(
    "cron",
    ["daily", "30 2 * *", "0 30 2 * * *", "60 2 * * *", "0 24 * * *", "0 2 0 * *", "0 2 * 13 *", "0 2 * * 8",
     "5-1 * * * *", "*/0 * * * *", "*/60 * * * *", "5/10 * * * *", "1,,2 * * * *", "0 2 * * sunday", "٣ 2 * * *",
     "-1 2 * * *"],
)  # fmt: skip
def test_what_is_no_cron_schedule_is_refused(cron: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYO_UPKEEP_CRON", cron)
    with pytest.raises(Invalid, match="KYO_UPKEEP_CRON: must be the five fields of a cron schedule"):
        load_settings()


@pytest.mark.parametrize("name", ["KYO_TLS_CERTIFICATE", "KYO_TLS_KEY"])
def test_a_certificate_needs_its_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "file.pem")
    with pytest.raises(Invalid, match="KYO_TLS_KEY: https needs KYO_TLS_CERTIFICATE and KYO_TLS_KEY: set both"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("HF_LLM_API_KEY", "hf_verysecret"), ("REDIS_URL", "redis://:verysecret@host/0"), ("DB_PASSWORD", "verysecret")],
)
def test_a_secret_is_never_shown(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert "verysecret" not in repr(load_settings())


def test_no_setting_and_no_key_is_harmless() -> None:
    known = dict.fromkeys([*Settings.model_fields, "DAGSTER_PG_URL", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY"], "x")
    assert harmless({**known, "PATH": "/bin", "TZ": "UTC"}) == {"PATH": "/bin", "TZ": "UTC"}


def test_what_lies_beside_the_package_in_a_checkout_lies_in_it_after_a_wheel(tmp_path: Path) -> None:
    package = tmp_path / "kyo_pipeline"
    package.mkdir()
    assert root_of(package) == tmp_path
    (package / "sql").mkdir()
    assert root_of(package) == package


def test_a_wheel_takes_along_all_that_is_looked_up_beside_the_packages() -> None:
    build = (PROJECT_ROOT / "pyproject.toml").read_text()
    for name in ("sql", "dagster.yaml", "workspace.yaml"):
        assert (PROJECT_ROOT / name).exists()
        assert f'"{name}" = "kyo_pipeline/{name}"' in build


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("KYO_PORT=1001\nCHUNK_SIZE=600\n")
    monkeypatch.setenv("KYO_PORT", "1002")
    settings = load_settings(tmp_path / ".env")
    assert (settings.KYO_PORT, settings.CHUNK_SIZE) == (1002, 600)


def test_the_database_is_embedded_when_nothing_names_another() -> None:
    assert load_settings().uses_embedded_database
    assert load_settings().uses_embedded_redis


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://u@h/n"),
        ("DB_NAME", "knowledge_platform"),
        ("DB_USER", "kyo_user"),
        ("DB_PASSWORD", "secret"),
        ("DB_HOST", "localhost"),
        ("DB_PORT", "5432"),
    ],
)
def test_one_variable_names_another_database_even_with_the_default(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert not load_settings().uses_embedded_database
    assert load_settings().uses_embedded_redis


def test_redis_is_not_embedded_when_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379/0")
    assert not load_settings().uses_embedded_redis
    assert load_settings().uses_embedded_database


SIGN_ON = {
    "KYO_PUBLIC_URL": "http://localhost:8501",
    "KYO_OIDC_METADATA_URL": "https://id.example.org/.well-known/openid-configuration",
    "KYO_OIDC_CLIENT_ID": "kyo",
    "KYO_OIDC_CLIENT_SECRET": "of the provider",
}


def test_single_sign_on_is_off_unless_it_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load_settings().has_single_sign_on
    for name, value in SIGN_ON.items():
        monkeypatch.setenv(name, value)
    assert load_settings().has_single_sign_on


@pytest.mark.parametrize("name", SIGN_ON)
def test_single_sign_on_is_configured_as_a_whole(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for other in SIGN_ON.keys() - {name}:
        monkeypatch.setenv(other, SIGN_ON[other])
    with pytest.raises(Invalid, match=r"KYO_OIDC_CLIENT_SECRET: single sign-on needs this and .*KYO_PUBLIC_URL"):
        load_settings()


@pytest.mark.parametrize(
    "url", ["http://id.example.org/x", "ftp://localhost/x", "id.example.org", "//localhost/x", "https://"]
)
def test_the_provider_is_asked_over_tls(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("KYO_OIDC_METADATA_URL", url)
    with pytest.raises(Invalid, match="KYO_OIDC_METADATA_URL: must begin with https://"):
        load_settings()


@pytest.mark.parametrize(
    "url",
    ["kyo.example.org", "https://", "https://kyo.example.org/path", "https://kyo.example.org?x=1", "ftp://kyo.example.org",
     "https://user@kyo.example.org", "https://user:secret@kyo.example.org", "https://[", "javascript:alert(1)"],
)  # fmt: skip
def test_the_public_address_has_no_path(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "*")
    monkeypatch.setenv("KYO_PUBLIC_URL", url)
    with pytest.raises(Invalid, match="KYO_PUBLIC_URL: "):
        load_settings()


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://KYO.example.org/", "kyo.example.org"),
        ("https://kyo.example.org:8443", "localhost,*.example.org"),
        ("http://localhost:8501", "*"),
    ],
)
def test_the_public_address_is_one_that_the_app_answers_to(
    monkeypatch: pytest.MonkeyPatch, url: str, hosts: str
) -> None:
    monkeypatch.setenv("KYO_PUBLIC_URL", url)
    monkeypatch.setenv("ALLOWED_HOSTS", "elsewhere.example.org")
    with pytest.raises(Invalid, match="must be in ALLOWED_HOSTS as well"):
        load_settings()
    monkeypatch.setenv("ALLOWED_HOSTS", hosts)
    assert url.rstrip("/").lower() == load_settings().KYO_PUBLIC_URL


def test_settings_apart_share_models_and_sizes_but_no_server_and_no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = {"KYO_EMBEDDING_BACKEND": "builtin", "CHUNK_SIZE": "300", "SIMILARITY_THRESHOLD": "0.4"}
    own = {
        "DATABASE_URL": "postgresql://example",
        "REDIS_URL": "redis://example",
        "KYO_INBOX": "in",
        "KYO_HOME": "home",
    }
    for name, value in {**shared, **own}.items():
        monkeypatch.setenv(name, value)
    apart = load_settings().apart(Path("elsewhere"))
    assert (apart.KYO_EMBEDDING_BACKEND, apart.CHUNK_SIZE, apart.explicit_similarity_threshold) == ("builtin", 300, 0.4)
    assert apart.uses_embedded_database
    assert apart.uses_embedded_redis
    assert (None, None, Path("elsewhere")) == (apart.DATABASE_URL, apart.KYO_INBOX, apart.KYO_HOME)
    assert Settings.model_fields["TOP_K_RESULTS"].default == apart.TOP_K_RESULTS


MAIL = {"KYO_ALERT_EMAILS": "ops@example.org, boss@example.org", "KYO_SMTP_HOST": "mail", "KYO_SMTP_FROM": "k@e.org"}


def test_alerts_go_where_they_are_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**MAIL, "KYO_ALERT_WEBHOOK": "https://hooks.example.org/secret"}.items():
        monkeypatch.setenv(name, value)
    found = load_settings()
    assert found.KYO_ALERT_EMAILS == ("ops@example.org", "boss@example.org")
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"KYO_SMTP_HOST": ""}, "KYO_SMTP_FROM: alerts by e-mail need KYO_ALERT_EMAILS, KYO_SMTP_HOST"),
        ({"KYO_SMTP_FROM": ""}, "KYO_SMTP_FROM: alerts by e-mail need KYO_ALERT_EMAILS, KYO_SMTP_HOST"),
        ({"KYO_SMTP_FROM": "kyo"}, "KYO_SMTP_FROM: must be one address"),
        ({"KYO_ALERT_EMAILS": "ops@example.org,boss"}, "KYO_ALERT_EMAILS: must be addresses .* this is none: boss"),
        ({"KYO_ALERT_EMAILS": "o@e.org\nBcc: x@e.org"}, "KYO_ALERT_EMAILS: must be addresses"),
        ({"KYO_SMTP_TLS": "off", "KYO_SMTP_PASSWORD": "plum"}, "KYO_SMTP_PASSWORD needs KYO_SMTP_TLS"),
        ({"KYO_AUDIT_ANCHOR_URL": "hooks.example.org/secret"}, "KYO_AUDIT_ANCHOR_URL: must be an address that begins"),
        ({"KYO_ALERT_WEBHOOK": "hooks.example.org/secret"}, "KYO_ALERT_WEBHOOK: must be an address that begins"),
        ({"KYO_QUALITY_CRON": "at night"}, "KYO_QUALITY_CRON: must be the five fields of a cron schedule"),
    ],
)
def test_alerts_that_could_not_arrive_are_refused(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], told: str
) -> None:
    for name, value in {**MAIL, **changed}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Invalid, match=told) as refused:
        load_settings()
    assert "secret" not in refused.value.message
    assert "plum" not in refused.value.message
