"""Every environment variable, typed, validated, frozen. KYO's own names start with KYO_."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kyo_pipeline.errors import Invalid


def root_of(package: Path) -> Path:
    """Where `sql/`, dagster.yaml and workspace.yaml lie: beside the package in a checkout, in it after a wheel."""
    return package if (package / "sql").is_dir() else package.parent


_PACKAGE = Path(__file__).resolve().parent

PROJECT_ROOT = root_of(_PACKAGE)

#: Where `.env` is read, and where relative paths begin. In a wheel's folder nobody looks for files of theirs.
BASE_FOLDER = Path() if PROJECT_ROOT == _PACKAGE else PROJECT_ROOT

#: What programs need that are not ours. The rest of the environment holds keys and passwords.
_HARMLESS = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")

_DATABASE = frozenset({"DATABASE_URL", "DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST", "DB_PORT"}) | {
    "KYO_APP_DATABASE_URL",
    "KYO_PIPELINE_DATABASE_URL",
}

#: Minute, hour, day of the month, month, day of the week.
_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_CRON_PART = re.compile(r"(?:\*|(?P<first>\d{1,2})(?:-(?P<last>\d{1,2}))?)(?:/(?P<step>\d{1,2}))?", re.ASCII)

#: Without what only some systems know: localtime, posix/…, right/….
_TIME_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)

#: Of somebody who gets e-mail: nothing in it that could end a line of a message.
_ADDRESS = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+")

_LANGUAGE = re.compile(r"\w+(?:/\w+)?", re.ASCII)

FileType = Literal["pdf", "docx", "txt", "md", "html"]


class Settings(BaseSettings):
    """The configuration of one KYO installation, read from the environment and from `.env`."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    # Core
    SECRET_KEY: SecretStr | None = Field(
        None,
        description="Seals the audit log, signs the API's tokens. Without it, audit.key and tokens.key in KYO_HOME do.",
    )
    KYO_FORMER_SECRET_KEYS: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Values that SECRET_KEY had before, with commas: `kyo audit verify` knows their seals."
    )
    DEBUG: bool = Field(True, description="The app's log tells of its start and end too, not only of warnings.")
    ALLOWED_HOSTS: Annotated[tuple[str, ...], NoDecode] = Field(
        ("localhost", "127.0.0.1"),
        description="Host names that the app answers to, with commas between them.",
    )

    # Database: with none of these set, an embedded PostgreSQL is started in KYO_HOME.
    DATABASE_URL: SecretStr | None = Field(None, description="postgresql://user:password@host:port/name")
    DB_NAME: str = "knowledge_platform"
    DB_USER: str = "kyo_user"
    DB_PASSWORD: SecretStr | None = None
    DB_HOST: str = "localhost"
    DB_PORT: int = Field(5432, ge=1, le=65535)
    KYO_APP_DATABASE_URL: SecretStr | None = Field(
        None,
        description="The same database, as a user who is a member of kyo_app alone. Without it the app connects as the "
        "owner of the database and takes on that role.",
    )
    KYO_PIPELINE_DATABASE_URL: SecretStr | None = Field(None, description="The same for Dagster and kyo_pipeline.")

    # Redis: unless this is set, an embedded Redis is started in KYO_HOME.
    REDIS_URL: SecretStr = SecretStr("redis://localhost:6379/0")

    # Hugging Face
    HF_EMBEDDING_API_KEY: SecretStr | None = Field(None, description="With it, embeddings come from Hugging Face.")
    HF_LLM_API_KEY: SecretStr | None = Field(None, description="With it, answers are written by the language model.")

    # Document processing
    MAX_FILE_SIZE_MB: int = Field(10, ge=1, le=1024)
    ALLOWED_FILE_TYPES: Annotated[tuple[FileType, ...], NoDecode] = ("pdf", "docx", "txt")
    CHUNK_SIZE: int = Field(500, ge=32, le=8192, description="Tokens of the embedding model's own tokenizer.")
    CHUNK_OVERLAP: int = Field(50, ge=0, description="Tokens that neighbouring chunks share; less than CHUNK_SIZE.")

    # Vector search
    TOP_K_RESULTS: int = Field(5, ge=1, le=50, description="Passages that an answer is made from.")
    SIMILARITY_THRESHOLD: float = Field(
        0.7,
        ge=-1,
        le=1,
        description="Cosine below which a passage is no evidence. The default belongs to bge-base-en-v1.5; "
        "other models bring their own unless this is set.",
    )

    # Answers
    KYO_ANSWER_CACHE_SECONDS: int = Field(
        3600, ge=0, description="Written answers are kept in Redis, for those who may read the same; 0: never."
    )

    # Rate limiting
    MAX_QUERIES_PER_DAY: int = Field(100, ge=1, description="Questions of one person; days begin at midnight UTC.")
    MAX_TOKENS_PER_QUERY: int = Field(2000, ge=512, description="Prompt and answer of one question together.")

    # Tokens of the HTTP API
    JWT_ACCESS_TOKEN_LIFETIME_MINUTES: int = Field(
        60, ge=1, le=1440, description="Access tokens end after so long at the latest, and with their sign-in at once."
    )
    JWT_REFRESH_TOKEN_LIFETIME_DAYS: int = Field(
        7, ge=1, le=365, description="A program that is silent for longer has to sign in again."
    )
    KYO_API_KEY_MAX_DAYS: int = Field(365, ge=1, le=3650, description="API keys end after so many days at the latest.")

    # Where things are
    KYO_HOME: Path = Field(BASE_FOLDER / ".kyo", description="The one folder with all state of this installation.")
    KYO_INBOX: Path | None = Field(None, description="Folder whose files are picked up and uploaded for review.")
    KYO_HOST: str = Field("127.0.0.1", description="Address that the app listens on.")
    KYO_PORT: int = Field(8501, ge=1, le=65535, description="Port of the app.")
    KYO_PUBLIC_URL: str | None = Field(
        None,
        description="The address that people open, such as https://kyo.example.org; its host is in ALLOWED_HOSTS.",
    )
    KYO_TLS_CERTIFICATE: Path | None = Field(
        None, description="With it and its key the app speaks https itself: a PEM file, with what stands above it."
    )
    KYO_TLS_KEY: Path | None = Field(
        None, validate_default=True, description="The key of that certificate: a PEM file without a password."
    )
    KYO_DAGSTER_HOST: str = Field(
        "127.0.0.1",
        description="Address that the Dagster UI listens on. It has no sign-in: whoever reaches it may act.",
    )
    KYO_DAGSTER_PORT: int = Field(3000, ge=1, le=65535, description="Port of the Dagster UI.")

    # Models
    KYO_EMBEDDING_BACKEND: Literal["auto", "builtin", "huggingface", "local"] = Field(
        "auto",
        description="auto: Hugging Face when HF_EMBEDDING_API_KEY or KYO_EMBEDDING_ENDPOINT is set, else built-in.",
    )
    KYO_EMBEDDING_MODEL: str = Field("BAAI/bge-base-en-v1.5", description="Model name, or a folder for `local`.")
    KYO_EMBEDDING_ENDPOINT: str | None = Field(None, description="URL of a self-hosted embedding endpoint.")
    KYO_EMBEDDING_TOKENIZER: Path | None = Field(
        None, description="A tokenizer.json, where the model's own cannot be downloaded."
    )
    KYO_LLM_BACKEND: Literal["auto", "extractive", "huggingface"] = Field(
        "auto",
        description="auto: Hugging Face when HF_LLM_API_KEY or KYO_LLM_ENDPOINT is set, else extractive.",
    )
    KYO_LLM_MODEL: str = "mistralai/Mistral-7B-Instruct-v0.2"
    KYO_LLM_ENDPOINT: str | None = Field(None, description="URL of any OpenAI-compatible server.")
    KYO_LLM_FALLBACK: bool = Field(
        True, description="When the language model fails, quote from the documents and say so; else say that it failed."
    )
    KYO_RERANKER: Literal["off", "local", "endpoint"] = Field(
        "off", description="Who puts the passages of a search into a better order. local needs the extra `local`."
    )
    KYO_RERANKER_MODEL: str = Field(
        "Xenova/ms-marco-MiniLM-L-6-v2",
        description="For `local`: a cross-encoder that fastembed knows, or a folder with one.",
    )
    KYO_RERANKER_ENDPOINT: str | None = Field(
        None,
        validate_default=True,
        description="For `endpoint`: URL of a text-embeddings-inference server whose model is a reranker.",
    )
    KYO_RERANKER_KEY: SecretStr | None = Field(
        None, description="Sent to that endpoint; no other key is ever sent there."
    )
    KYO_VECTOR_STORAGE: Literal["vector", "halfvec"] = Field(
        "vector",
        description="How vectors are stored: four bytes a number (vector), or two (halfvec). Another one is built "
        "beside the old.",
    )
    KYO_REMOTE_TIMEOUT_SECONDS: float = Field(60, gt=0, description="For one call of a model endpoint.")

    # Parsing
    KYO_PARSE_TIMEOUT_SECONDS: float = Field(
        30, gt=0, description="Of computing for one file, or four times as many by the clock; then it is refused."
    )
    KYO_PARSE_MEMORY_MB: int = Field(512, ge=128, description="Address space of the process that parses one file.")
    KYO_PARSE_WORKERS: int = Field(2, ge=1, le=64, description="Files that are parsed at the same time.")

    # Text recognition (OCR) on pages that are pictures: needs the extra `ocr`, and tesseract's language data.
    KYO_OCR: Literal["auto", "off"] = Field("auto", description="auto: on when what it needs is there.")
    KYO_OCR_LANGUAGES: Annotated[tuple[str, ...], NoDecode] = Field(
        ("eng",), description="As tesseract calls them, with commas between them: eng,deu."
    )
    KYO_OCR_DATA: Path | None = Field(
        None, description="Folder with the language data, where it is not in the usual place: eng.traineddata."
    )
    KYO_OCR_SECONDS_PER_PAGE: float = Field(30, gt=0, description="For one page; then it stays without text.")
    KYO_OCR_SECONDS_PER_FILE: float = Field(900, gt=0, description="For one file; then its other pages stay so.")
    KYO_OCR_MAX_PAGES: int = Field(500, ge=1, description="Pages of one file that are recognised at most.")

    # Re-embedding: another model, other chunks or another storage is built beside what answers, judged, and swapped in.
    KYO_REEMBED_ON_CHANGE: bool = Field(
        True, description="Begin by itself when these settings name another model or CHUNK_SIZE than what answers."
    )
    KYO_REEMBED_CRON: str | None = Field(
        None,
        description="Embed everything anew at these times, in UTC, such as 0 2 * * 0.",
    )
    KYO_REEMBED_ACTIVATE: Literal["judged", "manual"] = Field(
        "judged",
        description="judged: a set that is not worse answers from then on; manual: an admin decides in any case.",
    )
    KYO_REEMBED_RUNS: int = Field(
        1, ge=1, le=16, description="Runs that embed at the same time: more help where the model is elsewhere."
    )
    KYO_EVAL_DIR: Path | None = Field(
        None,
        description="Folder with questions of yours whose answers are known, as `kyo eval` reads it: a new set is "
        "judged by them, and by questions whose answers people found helpful.",
    )
    KYO_REEMBED_MARGIN: float = Field(
        0.02,
        ge=0,
        le=1,
        description="By how much each measure of a new set (0 to 1) may be worse; beyond that, the set is worse.",
    )
    KYO_REEMBED_MINUTES: float = Field(
        20, gt=0, le=50, description="How long one run embeds; then the next one goes on. Runs of an hour are ended."
    )
    KYO_RETAIN_EMBEDDING_SETS: int = Field(
        1, ge=0, description="Sets that stand, and are kept up to date, after they were replaced: for the way back."
    )
    KYO_EMBEDDING_TOKEN_PRICE: float | None = Field(
        None, ge=0, description="Of a million tokens, in your currency: what a re-embedding costs is then shown."
    )

    # Pipeline
    KYO_BATCH_SIZE: int = Field(250, ge=1, description="Files that one Dagster run takes at most.")
    KYO_MAX_RUNS: int = Field(2, ge=1, description="Ingestion runs at the same time.")

    # Upkeep
    KYO_UPKEEP_CRON: str = Field(
        "30 2 * * *",
        description="When the nightly upkeep starts, in UTC: minute, hour, day, month, day of the week, as numbers.",
    )
    KYO_GAP_DAYS: int = Field(
        90, ge=1, le=3650, description="Questions of so many days are looked through for knowledge gaps every night."
    )
    KYO_RETAIN_VERSIONS_DAYS: int | None = Field(
        None,
        ge=1,
        le=36_500,
        description="Versions that have not answered questions for so many days are deleted, unless an answer cites "
        "them. Without it all are kept.",
    )
    KYO_RETAIN_RUNS_DAYS: int = Field(
        30, ge=1, le=36_500, description="Runs in the Dagster UI that ended before that are deleted."
    )

    # Audit log
    KYO_AUDIT_READS: bool = Field(
        True, description="Whether it goes on record who has read which document and which answer."
    )
    KYO_AUDIT_ANCHORS: Path | None = Field(
        None,
        description="File that gets the hash of the log's last row every night; without it, audit-anchors.jsonl in "
        "KYO_HOME. Best on another machine's disk.",
    )
    KYO_AUDIT_ANCHOR_URL: SecretStr | None = Field(None, description="Gets the same as JSON, by POST.")
    KYO_RETAIN_AUDIT_DAYS: int | None = Field(
        None,
        ge=30,
        description="Rows of the audit log that are older are deleted every night. Without it all are kept. More "
        "than KYO_RETAIN_VERSIONS_DAYS: what has answered when is read there.",
    )
    KYO_RETAIN_AUDIT_ADDRESSES_DAYS: int = Field(
        90, ge=1, description="After so many days the audit log forgets where deeds came from."
    )

    # Analytics
    KYO_TIME_ZONE: str = Field(
        "UTC", description="Whose days usage is counted by, as IANA calls it: Europe/Berlin. A change counts all anew."
    )
    KYO_PROMPT_TOKEN_PRICE: float | None = Field(
        None, ge=0, description="Of a million tokens that a language model is given, in your currency."
    )
    KYO_COMPLETION_TOKEN_PRICE: float | None = Field(
        None,
        ge=0,
        description="Of a million tokens that it writes. With one of both, analytics show what answers cost.",
    )

    # Quality: every night the questions are asked whose answers are known, and compared with the nights before.
    KYO_QUALITY_CRON: str = Field(
        "30 3 * * *",
        description="When the nightly quality run starts, in UTC: after the upkeep.",
    )
    KYO_QUALITY_MARGIN: float = Field(
        0.03,
        ge=0,
        le=1,
        description="By how much a measure (0 to 1) may be worse than in the nights before; beyond that, you are told.",
    )

    # Alerts: a run that failed, files that wait, answers that became worse, an audit log that was changed.
    KYO_ALERT_WEBHOOK: SecretStr | None = Field(
        None, description="Gets alerts as JSON, by POST; Slack and what understands its messages will do."
    )
    KYO_ALERT_EMAILS: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Who gets alerts by e-mail, with commas between them; needs KYO_SMTP_HOST and KYO_SMTP_FROM."
    )
    KYO_ALERT_QUEUE_MINUTES: int = Field(
        60, ge=1, description="A file that has waited for longer to be processed is an alert."
    )
    KYO_SMTP_HOST: str | None = Field(None, description="The server that takes e-mail.")
    KYO_SMTP_PORT: int = Field(587, ge=1, le=65535, description="Its port: 587 for starttls, 465 for tls.")
    KYO_SMTP_TLS: Literal["starttls", "tls", "off"] = Field(
        "starttls", description="How the way to it is encrypted; off: not at all, for a server on this machine."
    )
    KYO_SMTP_USER: str | None = Field(None, description="For servers that want to know who sends.")
    KYO_SMTP_PASSWORD: SecretStr | None = Field(None, description="Of that user; it is never sent without encryption.")
    KYO_SMTP_FROM: str | None = Field(None, validate_default=True, description="The address that alerts come from.")

    # Organisation
    KYO_SELF_APPROVAL: Literal["auto", "always", "never"] = Field(
        "auto", description="May people approve their own uploads? auto: only while nobody else may approve."
    )
    KYO_QUERIES_PER_MINUTE: int = Field(10, ge=1, description="Questions and searches of one person.")
    KYO_UPLOADS_PER_HOUR: int = Field(200, ge=1, description="Files of one person.")
    KYO_SESSION_HOURS: int = Field(12, ge=1, description="A sign-in ends after this time.")
    KYO_SESSION_IDLE_HOURS: int = Field(4, ge=1, description="A sign-in that nobody uses ends after this time.")
    KYO_REGISTRATION: Literal["off", "approval", "open"] = Field(
        "off",
        description="May people register by themselves? approval: an admin lets each of them in; open: at once.",
    )
    KYO_INVITATION_DAYS: int = Field(
        7, ge=1, le=365, description="Links of invitations and one-time passwords work for this time."
    )

    # Single sign-on: people use their accounts of the organisation. Needs the first three, and KYO_PUBLIC_URL.
    KYO_OIDC_METADATA_URL: str | None = Field(
        None, description="Of the OpenID Connect provider: https://…/.well-known/openid-configuration"
    )
    KYO_OIDC_CLIENT_ID: str | None = Field(None, description="Registered with the provider for KYO.")
    KYO_OIDC_CLIENT_SECRET: SecretStr | None = Field(
        None, validate_default=True, description="What the provider gave with it. KYO_PUBLIC_URL is needed as well."
    )
    KYO_OIDC_NAME: str = Field(
        "your organisation's account", max_length=60, description='What stands on the button after "Sign in with".'
    )

    @field_validator("ALLOWED_HOSTS", "ALLOWED_FILE_TYPES", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("KYO_ALERT_EMAILS", mode="before")
    @classmethod
    def _split_addresses(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("KYO_ALERT_EMAILS")
    @classmethod
    def _check_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [one for one in value if not _ADDRESS.fullmatch(one)]:
            raise ValueError(f"must be addresses with commas between them; this is none: {wrong[0]}")
        return value

    @field_validator("KYO_ALERT_WEBHOOK", "KYO_AUDIT_ANCHOR_URL")
    @classmethod
    def _check_webhook(cls, value: SecretStr | None) -> SecretStr | None:
        url = urlsplit(value.get_secret_value()) if value else None
        if url is not None and not (url.scheme in ("http", "https") and url.hostname):
            raise ValueError("must be an address that begins with https:// or http://")
        return value

    @field_validator("KYO_SMTP_FROM")
    @classmethod
    def _check_mail(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not _ADDRESS.fullmatch(value):
            raise ValueError("must be one address, such as kyo@example.org")
        if info.data.get("KYO_ALERT_EMAILS") and not (value and info.data.get("KYO_SMTP_HOST")):
            raise ValueError("alerts by e-mail need KYO_ALERT_EMAILS, KYO_SMTP_HOST and KYO_SMTP_FROM")
        password = info.data.get("KYO_SMTP_PASSWORD")
        if info.data.get("KYO_SMTP_TLS") == "off" and password is not None:
            raise ValueError("KYO_SMTP_PASSWORD needs KYO_SMTP_TLS: without it, others read the password")
        return value

    @field_validator("KYO_FORMER_SECRET_KEYS", mode="before")
    @classmethod
    def _split_secrets(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("KYO_OCR_LANGUAGES", mode="before")
    @classmethod
    def _split_languages(cls, value: object) -> object:
        names = [part.strip() for part in re.split(r"[,+]", value) if part.strip()] if isinstance(value, str) else value
        if (
            not isinstance(names, list | tuple)
            or not names
            or not all(_LANGUAGE.fullmatch(str(name)) for name in names)
        ):
            raise ValueError("must name languages as tesseract does, such as eng,deu")
        return tuple(names)

    @field_validator("CHUNK_OVERLAP")
    @classmethod
    def _check_overlap(cls, value: int, info: ValidationInfo) -> int:
        if value >= info.data.get("CHUNK_SIZE", value + 1):
            raise ValueError("must be less than CHUNK_SIZE")
        return value

    @field_validator("ALLOWED_FILE_TYPES")
    @classmethod
    def _check_file_types(cls, value: tuple[FileType, ...]) -> tuple[FileType, ...]:
        if not value:
            raise ValueError("must name at least one of pdf, docx, txt, md, html")
        return value

    @field_validator("KYO_UPKEEP_CRON", "KYO_REEMBED_CRON", "KYO_QUALITY_CRON")
    @classmethod
    def _check_cron(cls, value: str | None) -> str | None:
        if value is None:
            return None
        fields = value.split()
        if len(fields) != len(_CRON_RANGES) or not all(map(_is_cron_field, fields, _CRON_RANGES)):
            raise ValueError("must be the five fields of a cron schedule, such as 30 2 * * * for half past two")
        return " ".join(fields)

    @field_validator("KYO_RETAIN_AUDIT_DAYS")
    @classmethod
    def _check_audit_days(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value <= (info.data.get("KYO_RETAIN_VERSIONS_DAYS") or 0):
            raise ValueError("must be more than KYO_RETAIN_VERSIONS_DAYS")
        return value

    @field_validator("KYO_TIME_ZONE")
    @classmethod
    def _check_time_zone(cls, value: str) -> str:
        try:
            known = _TIME_ZONE.fullmatch(value) is not None and ZoneInfo(value)
        except (OSError, ValueError, ZoneInfoNotFoundError):
            known = False
        if not known:
            raise ValueError("must be the name of a time zone, such as Europe/Berlin or UTC")
        return value

    @field_validator("KYO_PUBLIC_URL")
    @classmethod
    def _check_public_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        url, value = urlsplit(value), value.rstrip("/").lower()
        plain = f"{url.scheme}://{url.netloc}".lower()
        if url.scheme not in ("http", "https") or not url.hostname or url.username is not None or value != plain:
            raise ValueError("must be an address without a path, such as https://kyo.example.org")
        if not any(is_host(url.hostname, pattern) for pattern in info.data.get("ALLOWED_HOSTS", "*")):
            raise ValueError(f"{url.hostname} must be in ALLOWED_HOSTS as well: the app answers to no other names")
        return value

    @field_validator("KYO_TLS_KEY")
    @classmethod
    def _check_tls(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if (value is None) != (info.data.get("KYO_TLS_CERTIFICATE") is None):
            raise ValueError("https needs KYO_TLS_CERTIFICATE and KYO_TLS_KEY: set both, or neither")
        return value

    @field_validator("KYO_RERANKER_ENDPOINT")
    @classmethod
    def _check_reranker(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("KYO_RERANKER") == "endpoint":
            raise ValueError("must be set, since KYO_RERANKER is endpoint")
        if value is not None and not (urlsplit(value).scheme in ("http", "https") and urlsplit(value).hostname):
            raise ValueError("must be an address that begins with http:// or https://")
        return value

    @field_validator("KYO_OIDC_METADATA_URL")
    @classmethod
    def _check_metadata_url(cls, value: str | None) -> str | None:
        url = urlsplit(value or "")
        here = url.scheme == "http" and url.hostname in ("localhost", "127.0.0.1")
        # Whoever can change what comes from there can sign in as anybody.
        if value is not None and not here and not (url.scheme == "https" and url.hostname):
            raise ValueError("must begin with https://")
        return value

    @field_validator("KYO_OIDC_CLIENT_SECRET")
    @classmethod
    def _check_single_sign_on(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        names = ("KYO_OIDC_METADATA_URL", "KYO_OIDC_CLIENT_ID", "KYO_PUBLIC_URL")
        given = [info.data.get(name) for name in names]
        wanted = value is not None or any(given[:2])
        if wanted and all(name in info.data for name in names) and not (value and all(given)):
            raise ValueError("single sign-on needs this and " + ", ".join(names))
        return value

    @property
    def has_single_sign_on(self) -> bool:
        return self.KYO_OIDC_CLIENT_SECRET is not None

    @property
    def max_file_bytes(self) -> int:
        return self.MAX_FILE_SIZE_MB * 1024 * 1024

    @property
    def session_idle(self) -> timedelta:
        return timedelta(hours=self.KYO_SESSION_IDLE_HOURS)

    def apart(self, home: Path) -> "Settings":
        """The same models and sizes, with embedded servers and all state in another folder."""
        shared = _DATABASE | {"REDIS_URL", "KYO_INBOX"}
        kept = {name: getattr(self, name) for name in self.model_fields_set - shared}
        return Settings.model_construct(**{**kept, "KYO_HOME": home})

    @property
    def uses_embedded_database(self) -> bool:
        """True when no database is named: no DATABASE_URL, no other of these URLs, and none of the DB_* variables."""
        return not (_DATABASE & self.model_fields_set)

    @property
    def uses_embedded_redis(self) -> bool:
        return "REDIS_URL" not in self.model_fields_set

    @property
    def explicit_similarity_threshold(self) -> float | None:
        """SIMILARITY_THRESHOLD if somebody set it, else None: then each model brings its own."""
        return self.SIMILARITY_THRESHOLD if "SIMILARITY_THRESHOLD" in self.model_fields_set else None


def load_settings(env_file: Path = BASE_FOLDER / ".env") -> Settings:
    """Read the settings; raise `Invalid` that names every wrong variable at once."""
    try:
        return Settings(_env_file=env_file)
    except ValidationError as error:
        raise Invalid("\n".join(_complaint(dict(detail)) for detail in error.errors())) from error


def harmless(variables: Mapping[str, str]) -> dict[str, str]:
    """What a program that is not ours may know of these variables: where things are, language, time zone."""
    return {name: value for name, value in variables.items() if name in _HARMLESS}


def is_host(name: str, pattern: str) -> bool:
    """As Starlette's TrustedHostMiddleware compares them."""
    return pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def _is_cron_field(field: str, allowed: tuple[int, int]) -> bool:
    """Less than cron may know, such as names of days: nothing that Dagster would not understand."""
    return all(_is_cron_part(_CRON_PART.fullmatch(part), *allowed) for part in field.split(","))


def _is_cron_part(part: re.Match[str] | None, least: int, most: int) -> bool:
    if part is None:
        return False
    first, last, step = (int(part[name]) if part[name] else None for name in ("first", "last", "step"))
    if step is not None and (not 1 <= step <= most or (first is not None and last is None)):
        return False
    return first is None or least <= first <= (first if last is None else last) <= most


def _complaint(detail: dict[str, object]) -> str:
    place = detail["loc"]
    name = str(place[0]) if isinstance(place, tuple) and place else "Settings"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}"
