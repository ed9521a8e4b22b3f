"""What the venues answer, through ccxt's own error handling, and what it means for an order's fate."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ccxt.base import errors

from bot.core.events import Refusal
from bot.exchange import outcomes
from bot.exchange.venues import VENUES, ItemRefused
from tests.exchange.wire import Wire, open_exchange

NOW = datetime(2026, 1, 1, tzinfo=UTC)
URLS = {"binance": "https://api.binance.com/api/v3/order?timestamp=1&signature=0123456789abcdef"}
OPEN: dict[str, Any] = {}


def raised(name: str, status: int, body: str) -> BaseException:
    """What ccxt raises for a reply to a create: by the venue's handler, else by the HTTP status."""
    exchange = OPEN.setdefault(name, open_exchange(VENUES[name], Wire()))
    url = URLS.get(name, f"https://api.{name}.com/order?key=secret")
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    try:
        exchange.handle_errors(status, "Reason", url, "POST", {}, body, parsed, {}, None)
        exchange.handle_http_status_code(status, "Reason", url, "POST", body)
    except errors.BaseError as error:
        found: BaseException = error
        return found
    raise AssertionError("no error")


def bybit(code: int, words: str = "words") -> str:
    return json.dumps({"retCode": code, "retMsg": words, "result": {}, "retExtInfo": {}, "time": 1})


def binance(code: int, words: str) -> str:
    return json.dumps({"code": code, "msg": words})


def okx(code: str, words: str = "words") -> str:
    item = {"clOrdId": "a", "ordId": "", "sCode": code, "sMsg": words}
    return json.dumps({"code": "1", "msg": "All operations failed", "data": [item]})


def coinbase(reason: str) -> str:
    body = {"error": reason, "message": "words", "preview_failure_reason": f"PREVIEW_{reason}"}
    echo = {"limit_limit_gtc": {"post_only": True}}
    return json.dumps({"success": False, "error_response": body, "order_configuration": echo})


def hyperliquid(words: str) -> str:
    return json.dumps({"status": "ok", "response": {"type": "order", "data": {"statuses": [{"error": words}]}}})


def kraken(words: str) -> str:
    return json.dumps({"error": [words]})


def coded(code: str, words: str = "words") -> str:
    return json.dumps({"code": code, "msg": words})


def gate(label: str, words: str = "words") -> str:
    return json.dumps({"label": label, "message": words})


REFUSED = [
    ("bybit", 200, bybit(170131, "Balance insufficient."), Refusal.FUNDS),
    ("bybit", 200, bybit(110007), Refusal.FUNDS),
    ("bybit", 200, bybit(170140), Refusal.MINIMUM),
    ("bybit", 200, bybit(110094), Refusal.MINIMUM),
    ("bybit", 200, bybit(110020), Refusal.TOO_MANY),
    ("bybit", 200, bybit(170371), Refusal.PRICE_BAND),
    ("bybit", 200, bybit(170372), Refusal.PRICE_BAND),
    ("bybit", 200, bybit(10006, "Too many visits!"), Refusal.RATE),
    ("bybit", 200, bybit(10003), Refusal.AUTH),
    ("bybit", 200, bybit(10004), Refusal.AUTH),
    ("bybit", 200, bybit(33004), Refusal.AUTH),
    ("bybit", 200, bybit(10010, "Unmatched IP"), Refusal.AUTH),
    ("bybit", 200, bybit(110017), Refusal.OTHER),
    ("bybit", 200, bybit(10001), Refusal.OTHER),
    ("bybit", 200, bybit(10002), Refusal.OTHER),
    ("bybit", 200, bybit(170218), Refusal.WOULD_CROSS),
    ("binance", 400, binance(-2010, "Order would immediately match and take."), Refusal.WOULD_CROSS),
    ("binance", 400, binance(-2010, "Account has insufficient balance for requested action."), Refusal.FUNDS),
    ("binance", 400, binance(-1013, "Filter failure: NOTIONAL"), Refusal.MINIMUM),
    ("binance", 400, binance(-1013, "Filter failure: LOT_SIZE"), Refusal.MINIMUM),
    ("binance", 400, binance(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"), Refusal.PRICE_BAND),
    ("binance", 400, binance(-1013, "Filter failure: PRICE_FILTER"), Refusal.OTHER),
    ("binance", 400, binance(-1013, "Filter failure: MAX_NUM_ORDERS"), Refusal.TOO_MANY),
    ("binance", 400, binance(-1015, "Too many new orders; current limit is 50 orders per 10 SECOND."), Refusal.RATE),
    ("binance", 429, binance(-1003, "Too much request weight used"), Refusal.RATE),
    ("binance", 418, "", Refusal.RATE),
    ("binance", 400, binance(-1021, "Timestamp for this request is outside of the recvWindow."), Refusal.OTHER),
    ("binance", 401, binance(-2015, "Invalid API-key, IP, or permissions for action."), Refusal.AUTH),
    ("okx", 200, okx("51008", "Insufficient balance"), Refusal.FUNDS),
    ("okx", 200, okx("51020"), Refusal.MINIMUM),
    ("okx", 200, okx("51006"), Refusal.PRICE_BAND),
    ("okx", 200, okx("51174"), Refusal.TOO_MANY),
    ("okx", 200, okx("51000"), Refusal.OTHER),
    ("okx", 429, json.dumps({"code": "50011", "msg": "Rate limit reached", "data": []}), Refusal.RATE),
    ("okx", 401, json.dumps({"code": "50111", "msg": "Invalid OK-ACCESS-KEY", "data": []}), Refusal.AUTH),
    ("okx", 401, json.dumps({"code": "50110", "msg": "Your IP is not in the whitelist", "data": []}), Refusal.AUTH),
    ("okx", 401, json.dumps({"code": "50102", "msg": "Timestamp request expired", "data": []}), Refusal.OTHER),
    ("kraken", 200, kraken("EOrder:Insufficient funds"), Refusal.FUNDS),
    ("kraken", 200, kraken("EOrder:Order minimum not met"), Refusal.MINIMUM),
    ("kraken", 200, kraken("EOrder:Post only order"), Refusal.WOULD_CROSS),
    ("kraken", 200, kraken("EOrder:Orders limit exceeded"), Refusal.TOO_MANY),
    ("kraken", 200, kraken("EOrder:Rate limit exceeded"), Refusal.RATE),
    ("kraken", 200, kraken("EAPI:Invalid key"), Refusal.AUTH),
    ("kraken", 200, kraken("EGeneral:Permission denied"), Refusal.AUTH),
    ("kraken", 200, kraken("EService:Market in cancel_only mode"), Refusal.MAINTENANCE),
    ("kucoin", 200, coded("200004", "Balance insufficient!"), Refusal.FUNDS),
    ("kucoin", 200, coded("400100", "Order size below the minimum requirement."), Refusal.MINIMUM),
    ("kucoin", 429, coded("429000", "Too many requests"), Refusal.RATE),
    ("kucoin", 401, coded("400003", "KC-API-KEY not exists"), Refusal.AUTH),
    ("gate", 400, gate("POC_FILL_IMMEDIATELY"), Refusal.WOULD_CROSS),
    ("gate", 400, gate("BALANCE_NOT_ENOUGH"), Refusal.FUNDS),
    (
        "gate",
        400,
        gate("INVALID_PARAM_VALUE", "Your order size 0.5 USDT is too small. The minimum is 3 USDT"),
        Refusal.MINIMUM,
    ),
    ("gate", 400, gate("TOO_MANY_ORDERS"), Refusal.TOO_MANY),
    ("gate", 401, gate("INVALID_KEY"), Refusal.AUTH),
    ("gate", 429, gate("TOO_MANY_REQUESTS"), Refusal.RATE),
    ("gate", 401, gate("REQUEST_EXPIRED"), Refusal.OTHER),
    ("bitget", 400, coded("43012", "Insufficient balance"), Refusal.FUNDS),
    ("bitget", 400, coded("45110", "less than the minimum amount 5 USDT"), Refusal.MINIMUM),
    ("bitget", 400, coded("40018", "Invalid IP"), Refusal.AUTH),
    ("bitget", 429, coded("429", "Too many requests"), Refusal.RATE),
    ("mexc", 400, json.dumps({"code": 30004, "msg": "Insufficient position"}), Refusal.FUNDS),
    ("mexc", 400, json.dumps({"code": 30002, "msg": "The minimum transaction volume"}), Refusal.MINIMUM),
    ("mexc", 400, json.dumps({"code": 30087, "msg": "Order price exceeds allowed range"}), Refusal.PRICE_BAND),
    ("mexc", 400, json.dumps({"code": 700006, "msg": "IP not in the white list"}), Refusal.AUTH),
    ("coinbase", 200, coinbase("INSUFFICIENT_FUND"), Refusal.FUNDS),
    ("coinbase", 200, coinbase("INVALID_LIMIT_PRICE_POST_ONLY"), Refusal.WOULD_CROSS),
    ("coinbase", 200, coinbase("SOMETHING_ELSE"), Refusal.OTHER),
    ("coinbase", 429, json.dumps({"errors": [{"id": "rate_limit_exceeded", "message": "slow"}]}), Refusal.RATE),
    (
        "hyperliquid",
        200,
        hyperliquid("Post only order would have immediately matched, bbo was 1@2."),
        Refusal.WOULD_CROSS,
    ),
    ("hyperliquid", 200, hyperliquid("Insufficient margin to place order. asset=1"), Refusal.FUNDS),
    ("hyperliquid", 200, hyperliquid("Order must have minimum value of $10."), Refusal.MINIMUM),
    ("hyperliquid", 200, hyperliquid("Reduce only order would increase position. asset=1"), Refusal.OTHER),
    (
        "hyperliquid",
        200,
        json.dumps({"status": "err", "response": "Too many cumulative requests sent (9 > 8)"}),
        Refusal.RATE,
    ),
]


@pytest.mark.parametrize(("name", "status", "body", "expected"), REFUSED)
def test_a_definite_refusal_says_why(name: str, status: int, body: str, expected: Refusal) -> None:
    found = outcomes.refusal_of(raised(name, status, body), VENUES[name])
    assert found is not None
    assert found[0] is expected
    assert found[1]


UNKNOWN = [
    ("bybit", 200, bybit(10016, "System error")),
    ("bybit", 200, bybit(170007, "Timeout waiting for response from backend server.")),
    ("bybit", 200, bybit(170146, "Order creation timeout")),
    ("bybit", 200, bybit(170035, "Submitted to the system for processing!")),
    ("bybit", 200, bybit(987654, "never heard of")),
    ("binance", 400, binance(-1006, "An unexpected response was received. Execution status unknown.")),
    ("binance", 408, binance(-1007, "Timeout waiting for response from backend server.")),
    ("binance", 500, binance(-1000, "An unknown error occured while processing the request.")),
    ("binance", 503, "<html>busy</html>"),
    ("binance", 403, "<html>forbidden</html>"),
    ("okx", 200, okx("50004", "Endpoint request timeout")),
    ("okx", 200, json.dumps({"code": "50013", "msg": "Systems are busy", "data": []})),
    ("okx", 200, okx("99999")),
    ("kraken", 200, kraken("EService:Timeout")),
    ("kraken", 200, kraken("EGeneral:Internal error")),
    ("kraken", 520, ""),
    ("kucoin", 500, coded("500000", "Internal Server Error")),
    ("kucoin", 200, coded("408000", "Network timeout, please try again later")),
    ("gate", 500, gate("SERVER_ERROR")),
    ("bitget", 400, coded("40725", "service return an error")),
    ("bitget", 500, coded("45001", "Unknown error")),
    ("mexc", 500, json.dumps({"code": 500, "msg": "Internal error"})),
    ("mexc", 504, json.dumps({"code": 504, "msg": "Gateway Time-out"})),
    ("coinbase", 500, json.dumps({"errors": [{"id": "internal_server_error", "message": "words"}]})),
    ("hyperliquid", 502, "bad gateway"),
]


@pytest.mark.parametrize(("name", "status", "body"), UNKNOWN)
def test_whatever_is_not_beyond_doubt_leaves_the_orders_fate_unknown(name: str, status: int, body: str) -> None:
    assert outcomes.refusal_of(raised(name, status, body), VENUES[name]) is None


DUPLICATES = [
    ("bybit", 200, bybit(170141, "Duplicate clientOrderId.")),
    ("bybit", 200, bybit(110072, "OrderLinkedID is duplicate")),
    ("binance", 400, binance(-2010, "Duplicate order sent.")),
    ("okx", 200, okx("51016", "Duplicated client order ID")),
    ("kucoin", 200, coded("126044", "clientOid duplicate")),
    ("gate", 400, gate("REPEATED_CREATION")),
    ("bitget", 400, coded("40786", "Duplicate clientOid")),
    ("mexc", 400, json.dumps({"code": 603, "msg": "Repeated request"})),
]


@pytest.mark.parametrize(("name", "status", "body"), DUPLICATES)
def test_a_duplicate_id_is_no_refusal_since_the_first_order_stands(name: str, status: int, body: str) -> None:
    error = raised(name, status, body)
    assert outcomes.is_duplicate(error, VENUES[name])
    assert outcomes.refusal_of(error, VENUES[name]) is None


@pytest.mark.parametrize(
    "kind", ["RequestTimeout", "ExchangeNotAvailable", "NetworkError", "ExchangeError", "BadResponse"]
)
@pytest.mark.parametrize("name", sorted(VENUES))
def test_no_answer_and_a_torn_one_are_unknown_everywhere(name: str, kind: str) -> None:
    error = getattr(errors, kind)(f"{name} POST https://api.example.com/order?apiKey=secret")
    assert outcomes.refusal_of(error, VENUES[name]) is None
    assert not outcomes.is_not_found(error, VENUES[name])


def test_what_is_not_ccxts_is_unknown() -> None:
    for error in (TimeoutError(), OSError("170131"), ValueError('"retCode":170131')):
        assert outcomes.refusal_of(error, VENUES["bybit"]) is None


@pytest.mark.parametrize(
    ("name", "info", "expected"),
    [
        ("bybit", {"orderLinkId": "a", "code": 170131, "msg": "Balance insufficient."}, Refusal.FUNDS),
        ("okx", {"clOrdId": "a", "sCode": "51008", "sMsg": "Insufficient"}, Refusal.FUNDS),
        ("gate", {"text": "t-a", "succeeded": False, "label": "POC_FILL_IMMEDIATELY"}, Refusal.WOULD_CROSS),
        ("mexc", {"newClientOrderId": "a", "code": 30002, "msg": "minimum"}, Refusal.MINIMUM),
        ("bitget", {"clientOid": "a", "errorCode": "43012", "errorMsg": "Insufficient"}, Refusal.FUNDS),
        ("bybit", {"orderLinkId": "a", "code": 170141, "msg": "Duplicate"}, None),
        ("bybit", {"orderLinkId": "a", "code": 10016, "msg": "System error"}, None),
        ("bybit", {"orderLinkId": "a", "code": 987654, "msg": "new"}, None),
    ],
)
def test_an_item_of_a_batch_is_judged_by_the_same_rules(name: str, info: Any, expected: Refusal | None) -> None:
    found = outcomes.refusal_of(ItemRefused({"info": info}), VENUES[name])
    assert (found[0] if found else None) is expected


GONE = [
    ("bybit", 200, bybit(170213, "Order does not exist.")),
    ("bybit", 200, bybit(110001)),
    ("bybit", 200, bybit(110008, "Order has been finished or canceled")),
    ("binance", 400, binance(-2011, "Unknown order sent.")),
    ("binance", 400, binance(-2013, "Order does not exist.")),
    ("okx", 200, okx("51400")),
    ("okx", 200, json.dumps({"code": "51603", "msg": "Order does not exist", "data": []})),
    ("kraken", 200, kraken("EOrder:Unknown order")),
    ("kucoin", 404, coded("400100", "order_not_exist_or_not_allow_to_cancel")),
    ("kucoin", 200, coded("100001", "error.getOrder.orderNotExist")),
    ("gate", 404, gate("ORDER_NOT_FOUND")),
    ("gate", 400, gate("ORDER_CLOSED")),
    ("bitget", 400, coded("43001", "The order does not exist")),
    ("bitget", 400, coded("40768", "Order does not exist")),
    ("mexc", 400, json.dumps({"code": -2011, "msg": "Unknown order sent."})),
    ("mexc", 400, json.dumps({"code": -2013, "msg": "Order does not exist."})),
    ("hyperliquid", 200, json.dumps({"status": "unknownOid"})),
    ("hyperliquid", 200, hyperliquid("Order was never placed, already canceled, or filled. asset=1")),
]


@pytest.mark.parametrize(("name", "status", "body"), GONE)
def test_an_order_that_is_not_there_is_seen_as_such(name: str, status: int, body: str) -> None:
    error = raised(name, status, body)
    assert outcomes.is_not_found(error, VENUES[name])
    assert not outcomes.is_auth(error, VENUES[name])


def test_coinbases_failed_cancel_is_a_question_too() -> None:
    error = errors.BadRequest("coinbase cancelOrders() has failed, check your arguments and parameters")
    assert outcomes.is_not_found(error, VENUES["coinbase"])


def test_missing_funds_are_not_a_missing_order() -> None:
    assert not outcomes.is_not_found(raised("bybit", 200, bybit(170131)), VENUES["bybit"])


# -- what concerns every request ---------------------------------------------------------------------------------------


def test_a_key_revoked_after_it_worked_is_a_matter_of_the_key_and_not_of_the_rate() -> None:
    exchange = open_exchange(VENUES["binance"], Wire())
    exchange.options["hasAlreadyAuthenticatedSuccessfully"] = True
    body = binance(-2015, "Invalid API-key, IP, or permissions for action.")
    with pytest.raises(errors.DDoSProtection) as caught:
        exchange.handle_errors(401, "", URLS["binance"], "POST", {}, body, json.loads(body), {}, None)
    refused = outcomes.refusal_of(caught.value, VENUES["binance"])
    assert refused is not None
    assert refused[0] is Refusal.AUTH
    assert outcomes.is_auth(caught.value, VENUES["binance"])
    assert outcomes.retry_after(caught.value, None, NOW) is None


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("bybit", 200, bybit(10029, "the requested symbol is invalid, please check symbol whitelist")),
        ("binance", 400, binance(-2010, "This symbol is not permitted for this account.")),
        ("mexc", 400, json.dumps({"code": 30020, "msg": "no permission for the symbol"})),
    ],
)
def test_a_market_that_is_closed_to_an_account_does_not_damn_the_key(name: str, status: int, body: str) -> None:
    error = raised(name, status, body)
    assert not outcomes.is_auth(error, VENUES[name])
    refused = outcomes.refusal_of(error, VENUES[name])
    assert refused is not None
    assert refused[0] is Refusal.OTHER


def test_a_clock_that_is_off_is_seen_as_such() -> None:
    assert outcomes.is_clock(raised("binance", 400, binance(-1021, "outside of the recvWindow")))
    assert outcomes.is_clock(raised("bybit", 200, bybit(10002)))
    expired = raised("gate", 401, gate("REQUEST_EXPIRED"))
    assert outcomes.is_clock(expired)
    assert not outcomes.is_auth(expired, VENUES["gate"])
    assert not outcomes.is_clock(errors.ChecksumError("binance"))
    assert not outcomes.is_clock(ValueError("REQUEST_EXPIRED"))


def test_maintenance_is_seen_as_such() -> None:
    assert outcomes.is_maintenance(raised("okx", 503, json.dumps({"code": "50001", "msg": "upgrading", "data": []})))
    assert not outcomes.is_maintenance(errors.ExchangeNotAvailable("okx"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": "3600"}, 3600),
        ({"Retry-After": "Thu, 01 Jan 2026 00:02:00 GMT"}, 120),
        ({"Retry-After": "Wed, 31 Dec 2025 00:00:00 GMT"}, 10),
        ({"Retry-After": "99999999"}, 10),
        ({"Retry-After": "soon"}, 10),
        ({"X-Bapi-Limit-Reset-Timestamp": str(int(NOW.timestamp() * 1000) + 3000)}, 3),
        ({"X-Bapi-Limit-Reset-Timestamp": "1700000000000"}, 10),
        ({}, 10),
        (None, 10),
    ],
)
def test_silence_lasts_as_long_as_the_venue_asks(headers: Any, seconds: int) -> None:
    error = raised("bybit", 200, bybit(10006, "Too many visits!"))
    assert outcomes.retry_after(error, headers, NOW) == NOW + timedelta(seconds=seconds)


def test_a_ban_names_its_end() -> None:
    end = NOW + timedelta(minutes=30)
    body = binance(-1003, f"Way too much request weight used; IP banned until {int(end.timestamp() * 1000)}.")
    assert outcomes.retry_after(raised("binance", 418, body), {"Retry-After": "1"}, NOW) == end


def test_other_errors_ask_for_no_silence() -> None:
    assert outcomes.retry_after(errors.RequestTimeout("bybit"), {"Retry-After": "7"}, NOW) is None
    assert outcomes.retry_after(ValueError("429"), {"Retry-After": "7"}, NOW) is None


# -- words for a person ------------------------------------------------------------------------------------------------

SECRETS = ("0123456789abcdef", "signature", "secret", "https://", "apiKey", "?key")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (raised("bybit", 200, bybit(170131, "Balance insufficient.")), "not enough funds: Balance insufficient"),
        (
            raised("binance", 400, binance(-2010, "Duplicate order sent.")),
            "the order was refused: Duplicate order sent",
        ),
        (raised("okx", 200, okx("51008", "Top up")), "not enough funds: All operations failed. Top up"),
        (raised("kraken", 200, kraken("EOrder:Unknown order")), "the order was refused: EOrder:Unknown order"),
        (raised("binance", 502, "<html><b>Bad</b></html>"), "the exchange can't be reached: 502 Reason Bad"),
        (errors.RequestTimeout(f"binance POST {URLS['binance']}"), "the exchange did not answer in time"),
        (errors.ExchangeError("bybit"), "the exchange could not do it"),
        (OSError("no route"), "OSError: no route"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_an_error_becomes_a_short_sentence(error: BaseException, expected: str) -> None:
    assert outcomes.without_secrets(error) == expected


@pytest.mark.parametrize("name", sorted(VENUES))
def test_no_sentence_holds_a_secret(name: str) -> None:
    token = "abcDEF0123456789" * 3
    texts = [
        f"{name} GET https://x.com/a?apiKey=1&signature={token} 404 Not Found nothing",
        f'{name} {{"msg":"bad signature={token} for https://x.com/?secret={token}"}}',
        f"{name} signature={token}&apiKey=k",
        f'{name} {{"msg":"{"long " * 100}"',
        token,
    ]
    for text in texts:
        sentence = outcomes.without_secrets(errors.ExchangeError(text))
        assert len(sentence) <= 200
        assert token[:24] not in sentence
        assert not any(secret in sentence for secret in SECRETS)


def test_a_refused_exit_that_is_too_large_has_words_of_its_own() -> None:
    for name, status, body in (
        ("bybit", 200, bybit(110017, "Reduce-only rule not satisfied")),
        ("hyperliquid", 200, hyperliquid("Reduce only order would increase position. asset=1")),
    ):
        refused = outcomes.refusal_of(raised(name, status, body), VENUES[name])
        assert refused == (Refusal.OTHER, "the position is smaller than this order would reduce it by")
