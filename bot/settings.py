"""Settings: the only reader of the environment and of `.env` in the working directory.

Rule: a setting that is wrong ends the start with one line that names it, what it accepts and what was found;
nothing is guessed, and no secret is ever shown, not in a repr, not in that line. Each field's description is
that line's middle, so what a setting accepts stands beside the setting. Empty means not set, but for
`DAILY_REPORT_AT`, where it means none; the environment wins over the file.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import orjson
from dotenv.parser import parse_stream
from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.core.pricing import Offset
from bot.errors import SettingsError
from bot.texts.catalogue import ENGLISH, languages

HIDDEN = "a value that is not shown"
NUMBER = r"(?:[0-9]{1,18}(?:\.[0-9]{1,18})?|\.[0-9]{1,18})"
"""Plain ASCII decimals: no sign, no exponent, no thousands, and so neither NaN nor infinity."""


def _match(pattern: str, text: str) -> re.Match[str]:
    found = re.fullmatch(pattern, text)
    if found is None:
        raise ValueError
    return found


def _require(fact: bool) -> None:
    if not fact:
        raise ValueError


def _decimal(text: str) -> Decimal:
    return Decimal(_match(NUMBER, text)[0])


def _positive(text: str) -> Decimal:
    number = _decimal(text)
    _require(number > 0)
    return number


def _whole(text: str) -> int:
    return int(_match("[0-9]{1,18}", text)[0])


def _count(text: str) -> int:
    number = _whole(text)
    _require(number > 0)
    return number


def _ids(text: str) -> frozenset[int]:
    return frozenset(_count(part.strip()) for part in text.split(","))


def _http_url(text: str) -> str:
    _match(r"[!-~]+", text)
    url = urlsplit(text)
    _require(url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0)
    return text


def _base_url(text: str) -> str:
    url = _http_url(text)
    _require("?" not in url and "#" not in url)
    return url.rstrip("/")


def _token(text: str) -> str:
    return _match(r"[0-9]+:[!-~]+", text)[0]


def _secret(text: str) -> str:
    """A multi-line PEM often comes as one line with `\\n` written out."""
    return text.replace("\\n", "\n") if text.startswith("-----BEGIN") else text


def _json_object(text: str) -> dict[str, Any]:
    value = orjson.loads(text)
    _require(isinstance(value, dict))
    return dict(value)


def _symbol(text: str) -> str:
    symbol = text.upper() if text.islower() else text
    return _match(r"[^\s/:]+/[^\s/:]+(?::[^\s/:]+)?", symbol)[0]


def _funds(text: str) -> dict[str, Decimal]:
    parts = [_match(rf"({NUMBER})\s*([A-Za-z][A-Za-z0-9]*)", part.strip()) for part in text.split(",")]
    funds = {part[2].upper(): _decimal(part[1]) for part in parts}
    _require(len(funds) == len(parts))
    return funds


def _fee_ratio(text: str) -> Decimal:
    """A bare 0.01 or more is far likelier a per cent that lost its sign than a fee of 1 % or more."""
    if text.endswith("%"):
        fee_pct = _decimal(text[:-1].rstrip())
        _require(fee_pct <= 5)
        return fee_pct / 100
    ratio = _decimal(text)
    _require(ratio < Decimal("0.01"))
    return ratio


def _offset(text: str) -> Offset:
    if not text.endswith("%"):
        return Offset(absolute=_decimal(text))
    offset_pct = _decimal(text[:-1].rstrip())
    _require(offset_pct <= 10)
    return Offset(ratio=offset_pct / 100)


def _seconds(text: str) -> float:
    seconds = _decimal(text)
    _require(Decimal("0.1") <= seconds <= 60)
    return float(seconds)


def _yes(text: str) -> bool:
    yes, no = ("yes", "true", "on", "1"), ("no", "false", "off", "0")
    _require(text.lower() in yes + no)
    return text.lower() in yes


def _time_of_day(text: str) -> time | None:
    if not text:
        return None
    found = _match("([0-9]{1,2}):([0-9]{2})", text)
    return time(int(found[1]), int(found[2]))


def _timezone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, OSError) as error:  # no such zone; a folder of zones
        raise ValueError from error


def _bot_id(text: str) -> str:
    return _match("[a-z0-9]{3}", text.lower())[0]


def _language(text: str) -> str:
    _require(text.lower() in languages())
    return text.lower()


def _folder(text: str) -> Path:
    return Path(os.path.expanduser(text))


def _database_url(text: str) -> str:
    return _match(r"(?i:postgres(?:ql)?)://[!-~]+", text)[0]


Ids = Annotated[frozenset[int], BeforeValidator(_ids)]
Money = Annotated[Decimal | None, BeforeValidator(_positive)]
Maker = Annotated[Offset, BeforeValidator(_offset)]
Secret = Annotated[SecretStr | None, BeforeValidator(_secret)]


class Settings(BaseSettings):
    """What the worker was told, checked and typed. Ratios are ratios: a fee of 0.1 % is 0.001."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=str.upper,
        hide_input_in_errors=True,
        validate_default=False,  # defaults are typed already; validators read words
    )

    telegram_bot_token: Annotated[SecretStr | None, BeforeValidator(_token)] = Field(
        None, description="the token from BotFather, such as 123456789:AAE-x0x0x0"
    )
    telegram_owner_ids: Ids = Field(
        frozenset(), description="numeric user ids, comma-separated, such as 111222333,444555666"
    )
    telegram_viewer_ids: Ids = Field(
        frozenset(), description="numeric user ids, comma-separated, such as 111222333,444555666"
    )
    telegram_api_url: Annotated[str | None, BeforeValidator(_base_url)] = Field(
        None, description="an http or https base URL, such as http://127.0.0.1:8081", repr=False
    )
    exchange: Annotated[str, BeforeValidator(lambda text: _match("[a-z0-9]+", text.lower())[0])] = Field(
        "simulated", description="simulated or a ccxt id, such as bybit"
    )
    exchange_mode: Annotated[Literal["paper", "demo", "live"], BeforeValidator(str.lower)] = Field(
        "paper", description="paper, demo or live, such as paper"
    )
    exchange_api_key: Secret = Field(None, description="the API key of the exchange")
    exchange_api_secret: Secret = Field(None, description="the API secret of the exchange")
    exchange_api_password: Secret = Field(None, description="the API password of the exchange")
    exchange_options: Annotated[Mapping[str, Any], BeforeValidator(_json_object)] = Field(
        {}, description='a JSON object, such as {"options": {"adjustForTimeDifference": true}}', repr=False
    )
    symbol: Annotated[str, BeforeValidator(_symbol)] = Field(
        "BTC/USDT", description="a ccxt symbol, such as BTC/USDT or BTC/USDT:USDT"
    )
    paper_funds: Annotated[Mapping[str, Decimal], BeforeValidator(_funds)] = Field(
        {"USDT": Decimal(10000)}, description="amounts with their coins, such as 10000 USDT, 0.1 BTC"
    )
    paper_maker_fee: Annotated[Decimal, BeforeValidator(_fee_ratio)] = Field(
        Decimal("0.001"), description="a per cent from 0% to 5% or a ratio below 0.01, such as 0.1% or 0.001"
    )
    simulated_seed: Annotated[int | None, BeforeValidator(_whole)] = Field(
        None, description="a whole number, such as 7"
    )
    leverage: Money = Field(None, description="a positive number, such as 3")
    bot_id: Annotated[str | None, BeforeValidator(_bot_id)] = Field(
        None, description="three letters or digits, such as rx1"
    )
    tick_seconds: Annotated[float, BeforeValidator(_seconds)] = Field(
        2.0, description="seconds from 0.1 to 60, such as 2"
    )
    maker_offset_buy: Maker = Field(
        Offset(), description="a distance in quote currency or per cent (up to 10%), such as 0.1 or 0.01%"
    )
    maker_offset_sell: Maker = Field(
        Offset(), description="a distance in quote currency or per cent (up to 10%), such as 0.1 or 0.01%"
    )
    max_open_orders: Annotated[int | None, BeforeValidator(_count)] = Field(
        None, description="a positive whole number, such as 100"
    )
    max_exposure: Money = Field(None, description="a positive amount of quote currency, such as 5000")
    max_daily_loss: Money = Field(None, description="a positive amount of quote currency, such as 200")
    allow_withdrawal_key: Annotated[bool, BeforeValidator(_yes)] = Field(False, description="yes or no, such as no")
    daily_report_at: Annotated[time | None, BeforeValidator(_time_of_day)] = Field(
        time(8), description="a time of day or nothing, such as 08:00"
    )
    timezone: Annotated[ZoneInfo, BeforeValidator(_timezone)] = Field(
        ZoneInfo("UTC"), description="a time zone, such as Europe/Berlin"
    )
    bot_language: Annotated[str, BeforeValidator(_language)] = Field(
        ENGLISH, description=f"one of {', '.join(languages())}, such as {ENGLISH}"
    )
    results_dir: Annotated[Path, BeforeValidator(_folder)] = Field(
        Path("results"), description="a folder, such as ./results"
    )
    database_url: Annotated[SecretStr | None, BeforeValidator(_database_url)] = Field(
        None, description="a Postgres URL, such as postgresql://user:password@host:5432/name"
    )
    heartbeat_url: Annotated[SecretStr | None, BeforeValidator(_http_url)] = Field(
        None, description="an http or https URL, such as https://monitor.example/ping/1"
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR, such as INFO"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` gathered, so that whoever hands in a mapping gets exactly that."""
        return (init_settings,)

    @field_validator("exchange_mode")
    @classmethod
    def _simulated_is_always_paper(cls, mode: str, info: ValidationInfo) -> str:
        return "paper" if info.data.get("exchange") == "simulated" else mode

    @model_validator(mode="after")
    def _settings_fit_each_other(self) -> Self:
        if self.leverage is not None and ":" not in self.symbol:
            raise ValueError(
                "LEVERAGE: expected nothing on a spot SYMBOL, or a perpetual such as BTC/USDT:USDT, "
                f"got SYMBOL={self.symbol!r}"
            )
        if self.exchange_mode != "paper":
            for name, secret in (("KEY", self.exchange_api_key), ("SECRET", self.exchange_api_secret)):
                if secret is None:
                    expected = f"expected a value for EXCHANGE_MODE={self.exchange_mode}"
                    raise ValueError(f"EXCHANGE_API_{name}: {expected}, got nothing")
        return self

    def secrets(self) -> list[str]:
        """Every value that must not be seen anywhere."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


NAMES = tuple(name.upper() for name in Settings.model_fields)
"""Every setting, in the contract's order."""

UNSHOWN = frozenset(
    name.upper()
    for name, field in Settings.model_fields.items()
    if not field.repr or field.annotation == SecretStr | None
)
"""Settings whose value no message may repeat."""


def load_settings(environ: Mapping[str, str] | None = None, env_file: Path | None = Path(".env")) -> Settings:
    """The settings from the environment, or where it is silent from the file; raises SettingsError."""
    file = {} if env_file is None else _read(env_file)
    values = file | dict(os.environ if environ is None else environ)
    return parse_settings(values)


def parse_settings(values: Mapping[str, str]) -> Settings:
    """The settings these raw values mean; names that are no settings are ignored; raises SettingsError."""
    raw = {name: values[name].strip() for name in NAMES if name in values}
    given = {name: text for name, text in raw.items() if text or name == "DAILY_REPORT_AT"}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        lines = list(_lines(error, given))
    raise SettingsError("; ".join(lines))  # outside the handler: no values hang on it as its context


def contact(environ: Mapping[str, str] | None = None, env_file: Path | None = Path(".env")) -> Settings | None:
    """Nothing but whom to tell, and how, where that is right whatever the other settings are; raises nothing."""
    names = ("TELEGRAM_BOT_TOKEN", "TELEGRAM_OWNER_IDS", "TELEGRAM_API_URL", "RESULTS_DIR")
    with suppress(SettingsError):
        values = {} if env_file is None else _read(env_file)
        values |= os.environ if environ is None else environ
        told = parse_settings({name: values[name] for name in names if name in values})
        return told if told.telegram_bot_token is not None and told.telegram_owner_ids else None
    return None


HOSTS = ("DYNO", "K_SERVICE", "RENDER", "RAILWAY_ENVIRONMENT", "FLY_APP_NAME")
"""Set by hosts whose disk goes with a restart or a deploy, unless one was attached."""


def is_hosted(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this runs on a host of that kind."""
    return any(name in (os.environ if environ is None else environ) for name in HOSTS)


def _read(env_file: Path) -> dict[str, str]:
    if not env_file.exists():
        return {}
    try:
        with env_file.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        kind = type(error).__name__
        raise SettingsError(f"{env_file.name}: expected a readable UTF-8 text file, got {kind}") from None
    values: dict[str, str] = {}
    for key, value, original, unreadable in bindings:
        if unreadable or (key is not None and value is None):  # a cap that is skipped in silence is no cap
            start = len(original.string) - len(original.string.lstrip())
            line = original.line + original.string.count("\n", 0, start)
            expected = "expected NAME=value on each line, such as SYMBOL=BTC/USDT"
            raise SettingsError(f"{env_file.name}: {expected}, got something else on line {line}")
        if key is not None and value is not None:
            values[key] = value
    return values


def _lines(error: ValidationError, given: Mapping[str, str]) -> Iterator[str]:
    for detail in error.errors(include_url=False, include_input=False):
        if not detail["loc"]:
            yield str(detail["ctx"]["error"])
            continue
        name = str(detail["loc"][0])
        found = HIDDEN if name in UNSHOWN else _shown(given[name])
        yield f"{name}: expected {Settings.model_fields[name.lower()].description}, got {found}"


def _shown(text: str) -> str:
    """The value as found, unless it may be a secret that was put under the wrong name."""
    secret_like = len(text) > 24 or re.search("[A-Za-z0-9_-]{16}", text) or ("://" in text and "@" in text)
    return HIDDEN if secret_like else repr(text)
