"""Settings: each name of the contract is read, typed and checked; a wrong one is one line without secrets."""

import re
from collections.abc import Mapping
from datetime import time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.core.pricing import Offset
from bot.errors import SettingsError
from bot.settings import HIDDEN, NAMES, UNSHOWN, Settings, load_settings, parse_settings

EXAMPLE = Path(__file__).parent.parent / ".env.example"
SECRET = "s3cr3t-Value_That.Must-Not_Be-Seen"
LIVE = {
    "EXCHANGE": "bybit",
    "EXCHANGE_MODE": "live",
    "EXCHANGE_API_KEY": "key",
    "EXCHANGE_API_SECRET": "secret",
}

CONTRACT = [
    "TELEGRAM_BOT_TOKEN",
    "TELEGRAM_OWNER_IDS",
    "TELEGRAM_VIEWER_IDS",
    "TELEGRAM_API_URL",
    "EXCHANGE",
    "EXCHANGE_MODE",
    "EXCHANGE_API_KEY",
    "EXCHANGE_API_SECRET",
    "EXCHANGE_API_PASSWORD",
    "EXCHANGE_OPTIONS",
    "SYMBOL",
    "PAPER_FUNDS",
    "PAPER_MAKER_FEE",
    "SIMULATED_SEED",
    "LEVERAGE",
    "BOT_ID",
    "TICK_SECONDS",
    "MAKER_OFFSET_BUY",
    "MAKER_OFFSET_SELL",
    "MAX_OPEN_ORDERS",
    "MAX_EXPOSURE",
    "MAX_DAILY_LOSS",
    "ALLOW_WITHDRAWAL_KEY",
    "DAILY_REPORT_AT",
    "TIMEZONE",
    "BOT_LANGUAGE",  # beside the contract
    "RESULTS_DIR",
    "DATABASE_URL",
    "HEARTBEAT_URL",
    "LOG_LEVEL",
]

WRONG = {
    "TELEGRAM_BOT_TOKEN": ["token", "123456", "12 34:x", "abc:def"],
    "TELEGRAM_OWNER_IDS": ["@me", "1;2", "1,,2", "-100123", "0", "１２", "1.5"],
    "TELEGRAM_VIEWER_IDS": ["me", "1 2"],
    "TELEGRAM_API_URL": [
        "127.0.0.1:8081",
        "ftp://host",
        "http://",
        "http://host:99999",
        "http://h/?a=1",
        "http://a b",
    ],
    "EXCHANGE_MODE": ["real", "test", "0"],
    "EXCHANGE_OPTIONS": ["[]", "{", "1", "{'a': 1}", '{"a": NaN}'],
    "SYMBOL": ["BTC", "BTC-USDT", "BTC/", "/USDT", "BTC/USDT/X", "BTC /USDT"],
    "PAPER_FUNDS": ["10000", "USDT 10000", "10,000 USDT", "1 USDT, 2 usdt", "-1 USDT", "1e4 USDT", "1 USDT,"],
    "PAPER_MAKER_FEE": ["0.1", "6%", "-0.1%", "%", "1e-3", "0,1%", "free"],
    "SIMULATED_SEED": ["1.5", "-1", "seven"],
    "LEVERAGE": ["0", "-2", "3x"],
    "BOT_ID": ["ab", "abcd", "a-b", "äbc"],
    "TICK_SECONDS": ["0", "0.09", "61", "2s", "nan"],
    "MAKER_OFFSET_BUY": ["-1", "11%", "0,1", "1e3"],
    "MAKER_OFFSET_SELL": ["x", "%"],
    "MAX_OPEN_ORDERS": ["0", "1.5", "many"],
    "MAX_EXPOSURE": ["0", "1,000", "Infinity"],
    "MAX_DAILY_LOSS": ["-5", "5%"],
    "ALLOW_WITHDRAWAL_KEY": ["maybe", "2"],
    "DAILY_REPORT_AT": ["24:00", "8", "08:60", "8am"],
    "TIMEZONE": ["Mars/Base", "Europe", "../UTC", "/etc/localtime"],
    "BOT_LANGUAGE": ["xx", "English", "en.toml", "../en"],
    "DATABASE_URL": ["mysql://host/x", "host"],
    "HEARTBEAT_URL": ["monitor", "file:///x"],
    "LOG_LEVEL": ["LOUD", "1"],
}


def refusal(values: Mapping[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        parse_settings(values)
    assert caught.value.__context__ is None, "the values would hang on the traceback"
    return str(caught.value)


def test_the_settings_are_those_of_the_contract_in_its_order() -> None:
    assert list(NAMES) == CONTRACT


def test_with_nothing_set_the_defaults_are_the_contracts() -> None:
    settings = load_settings({}, None)
    assert (settings.telegram_bot_token, settings.telegram_api_url, settings.leverage) == (None, None, None)
    assert settings.telegram_owner_ids == settings.telegram_viewer_ids == frozenset()
    assert (settings.exchange, settings.exchange_mode, settings.symbol) == ("simulated", "paper", "BTC/USDT")
    assert settings.paper_funds == {"USDT": Decimal(10000)}
    assert settings.paper_maker_fee == Decimal("0.001")
    assert settings.maker_offset_buy == settings.maker_offset_sell == Offset()
    assert (settings.tick_seconds, settings.daily_report_at) == (2.0, time(8))
    assert (settings.timezone, settings.results_dir) == (ZoneInfo("UTC"), Path("results"))
    assert (settings.log_level, settings.allow_withdrawal_key) == ("INFO", False)


def test_every_setting_is_read_and_typed() -> None:
    settings = parse_settings(
        LIVE
        | {
            "TELEGRAM_BOT_TOKEN": "42:abc",
            "TELEGRAM_OWNER_IDS": "1, 22,333",
            "TELEGRAM_API_URL": "http://127.0.0.1:8081/",
            "EXCHANGE": "Bybit",
            "EXCHANGE_MODE": "DEMO",
            "EXCHANGE_OPTIONS": '{"options": {"a": 1}}',
            "SYMBOL": "btc/usdt:usdt",
            "PAPER_FUNDS": "10000 USDT, 0.1btc",
            "PAPER_MAKER_FEE": "0.02%",
            "SIMULATED_SEED": "7",
            "LEVERAGE": "2.5",
            "BOT_ID": "RX1",
            "TICK_SECONDS": "0.5",
            "MAKER_OFFSET_BUY": "0.1",
            "MAKER_OFFSET_SELL": "0.01%",
            "MAX_OPEN_ORDERS": "40",
            "MAX_EXPOSURE": "5000.5",
            "ALLOW_WITHDRAWAL_KEY": "Yes",
            "DAILY_REPORT_AT": "7:05",
            "TIMEZONE": "Europe/Berlin",
            "RESULTS_DIR": "/data/bot",
            "LOG_LEVEL": "debug",
        }
    )
    assert settings.telegram_bot_token is not None
    assert settings.telegram_bot_token.get_secret_value() == "42:abc"
    assert settings.telegram_owner_ids == {1, 22, 333}
    assert settings.telegram_api_url == "http://127.0.0.1:8081"
    assert (settings.exchange, settings.exchange_mode) == ("bybit", "demo")
    assert settings.exchange_options == {"options": {"a": 1}}
    assert settings.symbol == "BTC/USDT:USDT"
    assert settings.paper_funds == {"USDT": Decimal(10000), "BTC": Decimal("0.1")}
    assert settings.paper_maker_fee == Decimal("0.0002")
    assert (settings.simulated_seed, settings.leverage, settings.bot_id) == (7, Decimal("2.5"), "rx1")
    assert (settings.tick_seconds, settings.max_open_orders) == (0.5, 40)
    assert settings.maker_offset_buy == Offset(absolute=Decimal("0.1"))
    assert settings.maker_offset_sell == Offset(ratio=Decimal("0.0001"))
    assert (settings.max_exposure, settings.max_daily_loss) == (Decimal("5000.5"), None)
    assert (settings.allow_withdrawal_key, settings.daily_report_at) == (True, time(7, 5))
    assert (settings.timezone, settings.results_dir) == (ZoneInfo("Europe/Berlin"), Path("/data/bot"))
    assert settings.log_level == "DEBUG"


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_one_line_that_names_the_setting(name: str, value: str) -> None:
    line = refusal({name: value})
    assert re.fullmatch(rf"{name}: expected .+, such as .+, got .+", line)
    assert line.endswith(HIDDEN if name in UNSHOWN else repr(value))


@given(name=st.sampled_from(NAMES), value=st.text(max_size=80))
def test_any_text_is_understood_or_refused_in_one_line(name: str, value: str) -> None:
    try:
        parse_settings({name: value})
    except SettingsError as error:
        assert str(error).startswith(f"{name}: ")
        assert len(str(error).splitlines()) == 1


@given(st.decimals(min_value=0, max_value=10**9, places=6, allow_nan=False, allow_infinity=False))
def test_money_is_read_to_the_last_digit(amount: Decimal) -> None:
    assert parse_settings({"PAPER_FUNDS": f"{amount:f} USDT"}).paper_funds["USDT"] == amount


def test_several_wrong_settings_share_the_line() -> None:
    line = refusal({"TICK_SECONDS": "0", "LOG_LEVEL": "LOUD"})
    assert "TICK_SECONDS: " in line
    assert "; LOG_LEVEL: " in line


def test_a_fee_without_its_sign_of_per_cent_is_not_taken_for_ten_per_cent() -> None:
    assert parse_settings({"PAPER_MAKER_FEE": "0.001"}).paper_maker_fee == Decimal("0.001")
    assert "0.1% or 0.001" in refusal({"PAPER_MAKER_FEE": "0.1"})


def test_leverage_is_refused_on_spot_and_taken_on_a_perpetual() -> None:
    assert refusal({"LEVERAGE": "3"}).startswith("LEVERAGE: expected nothing on a spot SYMBOL")
    assert parse_settings({"LEVERAGE": "3", "SYMBOL": "BTC/USDT:USDT"}).leverage == 3


@pytest.mark.parametrize("mode", ["demo", "live"])
@pytest.mark.parametrize("name", ["EXCHANGE_API_KEY", "EXCHANGE_API_SECRET"])
def test_demo_and_live_need_key_and_secret(mode: str, name: str) -> None:
    line = refusal(LIVE | {"EXCHANGE_MODE": mode, name: ""})
    assert line.startswith(f"{name}: expected")
    assert mode in line


def test_the_simulated_exchange_is_paper_whatever_the_mode() -> None:
    assert parse_settings({"EXCHANGE_MODE": "live"}).exchange_mode == "paper"


def test_no_daily_report_is_what_an_empty_time_means() -> None:
    assert parse_settings({"DAILY_REPORT_AT": ""}).daily_report_at is None


def test_empty_means_not_set_and_names_that_are_no_settings_are_ignored() -> None:
    empty = dict.fromkeys(NAMES, " ") | {"DAILY_REPORT_AT": "08:00", "_": "/bin/sh", "symbol": "x"}
    assert load_settings(empty, None) == load_settings({}, None)


def test_secrets_are_in_no_repr_and_in_no_refusal() -> None:
    secrets = dict.fromkeys(UNSHOWN, SECRET) | {
        "TELEGRAM_BOT_TOKEN": f"42:{SECRET}",
        "EXCHANGE_OPTIONS": f'{{"password": "{SECRET}"}}',
        "DATABASE_URL": f"postgres://user:{SECRET}@host/x",
        "HEARTBEAT_URL": f"https://host/{SECRET}",
        "TELEGRAM_API_URL": f"http://user:{SECRET}@host",
    }
    settings = parse_settings(secrets)
    assert SECRET not in repr(settings) + str(settings)
    for name in NAMES:  # under the wrong name too
        try:
            parse_settings({name: f"x {SECRET}"})
        except SettingsError as error:
            assert SECRET not in str(error)


def test_a_pem_written_on_one_line_gets_its_lines_back() -> None:
    secret = parse_settings({"EXCHANGE_API_SECRET": r"-----BEGIN KEY-----\nabc\n-----END"}).exchange_api_secret
    assert secret is not None
    assert secret.get_secret_value().splitlines() == ["-----BEGIN KEY-----", "abc", "-----END"]


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        setattr(load_settings({}, None), "symbol", "ETH/USDT")  # noqa: B010 - mypy knows they are frozen


def test_the_environment_wins_over_the_file_even_when_empty(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("\ufeffexport SYMBOL='ETH/USDT'  # mine\nBOT_ID=abc\nLOG_LEVEL = DEBUG\n", encoding="utf-8")
    settings = load_settings({"BOT_ID": "", "LOG_LEVEL": "ERROR"}, file)
    assert (settings.symbol, settings.bot_id, settings.log_level) == ("ETH/USDT", None, "ERROR")


def test_without_arguments_the_process_and_the_working_directory_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("SYMBOL=ETH/USDT\n", encoding="utf-8")
    monkeypatch.setenv("BOT_ID", "xyz")
    settings = load_settings()
    assert (settings.symbol, settings.bot_id) == ("ETH/USDT", "xyz")


@pytest.mark.parametrize("line", ["MAX_DAILY_LOSS 200", "MAX_DAILY_LOSS", 'SYMBOL="BTC/USDT'])
def test_a_line_of_the_file_that_can_not_be_read_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"# mine\n\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^\.env: expected NAME=value .* on line 3$"):
        load_settings({}, file)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"^\.env: expected a readable UTF-8 text file"):
        load_settings({}, file)
    with pytest.raises(SettingsError, match="expected a readable"):
        load_settings({}, tmp_path)


def test_the_example_names_every_setting_in_order_and_works_as_it_stands() -> None:
    lines = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert [line.split("=")[0] for line in lines] == CONTRACT
    assert load_settings({}, EXAMPLE) == load_settings({}, None)


def test_what_a_setting_accepts_stands_beside_it() -> None:
    assert all(field.description for field in Settings.model_fields.values())
