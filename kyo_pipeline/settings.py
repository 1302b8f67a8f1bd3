"""Every environment variable, typed, validated, frozen. KYO's own names start with KYO_."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

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

FileType = Literal["pdf", "docx", "txt"]


class Settings(BaseSettings):
    """The configuration of one KYO installation, read from the environment and from `.env`."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    # Core
    SECRET_KEY: SecretStr | None = Field(None, description="Not used yet: will sign the tokens of the HTTP API.")
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

    # Rate limiting
    MAX_QUERIES_PER_DAY: int = Field(100, ge=0, description="Not used yet: nobody's questions are counted.")
    MAX_TOKENS_PER_QUERY: int = Field(2000, ge=256, description="Prompt and answer of one question together.")

    # Tokens of the HTTP API
    JWT_ACCESS_TOKEN_LIFETIME_MINUTES: int = Field(60, ge=1, description="Not used yet: there is no HTTP API.")
    JWT_REFRESH_TOKEN_LIFETIME_DAYS: int = Field(7, ge=1, description="Not used yet: there is no HTTP API.")

    # Where things are
    KYO_HOME: Path = Field(BASE_FOLDER / ".kyo", description="The one folder with all state of this installation.")
    KYO_INBOX: Path | None = Field(None, description="Folder whose files are picked up and uploaded for review.")
    KYO_HOST: str = Field("127.0.0.1", description="Address that the app listens on.")
    KYO_PORT: int = Field(8501, ge=1, le=65535, description="Port of the app.")
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
    KYO_REMOTE_TIMEOUT_SECONDS: float = Field(60, gt=0, description="For one call of a model endpoint.")

    # Parsing
    KYO_PARSE_TIMEOUT_SECONDS: float = Field(30, gt=0, description="For one file; then it is refused.")
    KYO_PARSE_MEMORY_MB: int = Field(512, ge=128, description="Address space of the process that parses one file.")
    KYO_PARSE_WORKERS: int = Field(2, ge=1, le=64, description="Files that are parsed at the same time.")

    # Pipeline
    KYO_BATCH_SIZE: int = Field(250, ge=1, description="Files that one Dagster run takes at most.")
    KYO_MAX_RUNS: int = Field(2, ge=1, description="Ingestion runs at the same time.")

    # Organisation
    KYO_SELF_APPROVAL: Literal["auto", "always", "never"] = Field(
        "auto", description="May people approve their own uploads? auto: only while nobody else may approve."
    )
    KYO_SESSION_HOURS: int = Field(12, ge=1, description="A sign-in ends after this time.")

    @field_validator("ALLOWED_HOSTS", "ALLOWED_FILE_TYPES", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

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
            raise ValueError("must name at least one of pdf, docx, txt")
        return value

    @property
    def max_file_bytes(self) -> int:
        return self.MAX_FILE_SIZE_MB * 1024 * 1024

    @property
    def uses_embedded_database(self) -> bool:
        """True when no DATABASE_URL and none of the DB_* variables is set."""
        named = {"DATABASE_URL", "DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST", "DB_PORT"}
        return not (named & self.model_fields_set)

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


def _complaint(detail: dict[str, object]) -> str:
    place = detail["loc"]
    name = str(place[0]) if isinstance(place, tuple) and place else "Settings"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}"
