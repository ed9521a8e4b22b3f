"""What the venues say when they take no order, know it already, do not know themselves, or miss it.

Rule: only what is meant beyond doubt. It wins over ccxt's class: classes are too broad (binance's `-2015` comes as
DDoSProtection), and some hide the opposite of a refusal (a duplicate id means that the first order stands; a time-out
behind bybit's door comes as InvalidOrder).
"""

from collections.abc import Mapping

from bot.core.events import Refusal


def _codes(*codes: str) -> str:
    """A pattern for one of these codes, as the venues name them in their JSON."""
    names = "retCode|ret_code|code|sCode|errorCode|label"
    return rf'"(?:{names})"\s*:\s*"?(?:{"|".join(codes)})(?![\w.])'


Rules = tuple[tuple[str, Refusal], ...]

REFUSALS: Mapping[str, Rules] = {
    "bybit": (
        (_codes("170218"), Refusal.WOULD_CROSS),
        (_codes("110004", "110006", "110007", "110012", "110044", "110045", "17003[3-4]", "170131"), Refusal.FUNDS),
        (_codes("110094", "170136", "170140"), Refusal.MINIMUM),
        (_codes("110009", "110020", "170810"), Refusal.TOO_MANY),
        (_codes("110003", "17013[23]", "17019[2-4]", "17037[12]"), Refusal.PRICE_BAND),
        (_codes("10006", "10018", "170005", "170222"), Refusal.RATE),
        (_codes("10003", "10004", "10005", "10007", "10008", "10009", "10010", "33004"), Refusal.AUTH),
        (_codes("1[17]0\\d{3}", "10001"), Refusal.OTHER),
    ),
    "binance": (
        (r"immediately match and take|could not be executed as maker", Refusal.WOULD_CROSS),
        (r"insufficient balance|Margin is insufficient", Refusal.FUNDS),
        (r"Filter failure: (?:MIN_)?NOTIONAL|Filter failure: LOT_SIZE|" + _codes("-4164"), Refusal.MINIMUM),
        (r"MAX_NUM_ORDERS|MAX_NUM_ALGO_ORDERS|Reach max open order limit", Refusal.TOO_MANY),
        (r"Filter failure: PERCENT_PRICE|" + _codes("-4016", "-4024", "-4131"), Refusal.PRICE_BAND),
        (_codes("-1003", "-1015"), Refusal.RATE),
        (_codes("-1002", "-1022", "-2014", "-2015"), Refusal.AUTH),
        (_codes("-10(?:13|14|20|21)", "-11\\d\\d", "-2010", "-2022"), Refusal.OTHER),
    ),
    "okx": (
        (_codes("51008", "51119", "51127", "51131"), Refusal.FUNDS),
        (_codes("51020", "51120"), Refusal.MINIMUM),
        (_codes("51025", "51174"), Refusal.TOO_MANY),
        (_codes("51006", "5113[5-8]"), Refusal.PRICE_BAND),
        (_codes("50011", "50061"), Refusal.RATE),
        (_codes("50030", "5010[0134567]", "5011[0-4]", "50119", "50120"), Refusal.AUTH),
        (_codes("51[0-3]\\d\\d", "50102"), Refusal.OTHER),
    ),
    "kraken": (
        (r"EOrder:Post only", Refusal.WOULD_CROSS),
        (r"EOrder:Insufficient (?:funds|margin|initial margin)", Refusal.FUNDS),
        (r"EOrder:(?:Order|Cost) minimum not met|EGeneral:Invalid arguments:volume minimum", Refusal.MINIMUM),
        (r"EOrder:Orders limit exceeded|EOrder:Positions limit exceeded", Refusal.TOO_MANY),
        (r"EOrder:Invalid price", Refusal.PRICE_BAND),
        (r"Rate limit exceeded|EGeneral:Too many requests|EGeneral:Temporary lockout", Refusal.RATE),
        (r"EAPI:Invalid (?:key|signature)|EGeneral:Permission denied|ETrade:User Locked", Refusal.AUTH),
        (r"EService:Market in (?:cancel|post)_only mode", Refusal.MAINTENANCE),
        (r"EGeneral:Invalid arguments|EQuery:Unknown|EAPI:Invalid nonce|EOrder:", Refusal.OTHER),
    ),
    "kucoin": (
        (_codes("200004", "210021", "230003", "260100"), Refusal.FUNDS),
        (r"below the minimum|funds should more th[ae]n|" + _codes("126003", "600101"), Refusal.MINIMUM),
        (_codes("200009", "126011") + r"|[Mm]aximum.{0,30}orders", Refusal.TOO_MANY),
        (r"not in the given range|price protection|" + _codes("400330", "400370", "400760"), Refusal.PRICE_BAND),
        (_codes("429000", "1015"), Refusal.RATE),
        (_codes("40000[13-7]", "411100"), Refusal.AUTH),
        (_codes("400002", "400100", "400200", "400600", "600100", "900001"), Refusal.OTHER),
    ),
    "gate": (
        (_codes("POC_FILL_IMMEDIATELY", "ORDER_POC_IMMEDIATE"), Refusal.WOULD_CROSS),
        (_codes("(?:MARGIN_)?BALANCE_NOT_ENOUGH", "INSUFFICIENT_AVAILABLE"), Refusal.FUNDS),
        (_codes("AMOUNT_TOO_LITTLE", "SIZE_TOO_SMALL") + r"|order size \S+ \S+ is too small", Refusal.MINIMUM),
        (_codes("TOO_MANY_ORDERS"), Refusal.TOO_MANY),
        (_codes("PRICE_TOO_DEVIATED", "PRICE_OVER_\\w+"), Refusal.PRICE_BAND),
        (_codes("TOO_FAST", "TOO_MANY_REQUESTS"), Refusal.RATE),
        (_codes("INVALID_(?:KEY|SIGNATURE|CREDENTIALS)", "IP_FORBIDDEN", "READ_ONLY", "FORBIDDEN"), Refusal.AUTH),
        (_codes("AUTHENTICATION_FAILED", "ACCOUNT_LOCKED", "SUB_ACCOUNT_LOCKED"), Refusal.AUTH),
        (_codes("INVALID_\\w+", "AMOUNT_TOO_MUCH", "MIXED_ACCOUNT_TYPE", "TRADE_RESTRICTED"), Refusal.OTHER),
        (_codes("REQUEST_EXPIRED", "QUANTITY_NOT_ENOUGH", "REDUCE_\\w+"), Refusal.OTHER),
    ),
    "bitget": (
        (_codes("40762", "43012", "50020"), Refusal.FUNDS),
        (_codes("45110", "5001[49]"), Refusal.MINIMUM),
        (_codes("41117", "5001[678]", "50021"), Refusal.PRICE_BAND),
        (_codes("429"), Refusal.RATE),
        (_codes("400(?:0[269]|1[0-24]|18|37)"), Refusal.AUTH),
        (_codes("400(?:04|05|08|17|19|20)", "45113", "41103", "40808", "43011"), Refusal.OTHER),
    ),
    "mexc": (
        (_codes("10101", "3000[45]", "2005"), Refusal.FUNDS),
        (_codes("30002", "88013"), Refusal.MINIMUM),
        (_codes("30029"), Refusal.TOO_MANY),
        (_codes("30010", "30087", "2003"), Refusal.PRICE_BAND),
        (_codes("429", "510"), Refusal.RATE),
        (_codes("40[126]", "602", "10072", "70000[1267]"), Refusal.AUTH),
        (_codes("70000[3458]", "300(?:0[013]|14|16|2[01578]|32|41)", "1009[5-7]", "10007", "-1121"), Refusal.OTHER),
    ),
    "coinbase": (
        (r"INVALID_LIMIT_PRICE_POST_ONLY|Post only order", Refusal.WOULD_CROSS),
        (r"INSUFFICIENT_FUND", Refusal.FUNDS),
        (r"INVALID_SIZE|ORDER_SIZE_TOO_SMALL|BASE_SIZE_TOO_SMALL|QUOTE_SIZE_TOO_SMALL|too small", Refusal.MINIMUM),
        (r"TOO_MANY_OPEN_ORDERS|OPEN_ORDERS_LIMIT", Refusal.TOO_MANY),
        (r"LIMIT_PRICE_(?:TOO_FAR|OUT_OF|ABOVE|BELOW)|UNTRADABLE_PRICE", Refusal.PRICE_BAND),
        (r"RATE_LIMIT_EXCEEDED|rate_limit_exceeded", Refusal.RATE),
        (r"PERMISSION_DENIED|unauthorized|authentication_error", Refusal.AUTH),
        (r"UNSUPPORTED_ORDER_CONFIGURATION|INVALID_ARGUMENT", Refusal.OTHER),
        (r'"success"\s*:\s*false', Refusal.OTHER),
    ),
    "hyperliquid": (
        (r"Post only order would have immediately matched", Refusal.WOULD_CROSS),
        (r"Insufficient (?:margin|spot balance)", Refusal.FUNDS),
        (r"minimum value of", Refusal.MINIMUM),
        (r"Too many open orders|open order limit", Refusal.TOO_MANY),
        (r"away from the reference price", Refusal.PRICE_BAND),
        (r"Too many cumulative requests", Refusal.RATE),
        (r"User or API Wallet .* does not exist|Must deposit before performing actions", Refusal.AUTH),
        (
            r"Reduce only order would increase|divisible by tick size|invalid size|zero size|invalid price",
            Refusal.OTHER,
        ),
        (r"could not immediately match", Refusal.OTHER),
    ),
}
"""What each venue says when it definitely took no order; the first rule that fits holds."""

DUPLICATES: Mapping[str, str] = {
    "bybit": _codes("10014", "12141", "110030", "110072", "170141", "30001"),
    "binance": r"Duplicate order sent|" + _codes("-4116"),
    "okx": _codes("51016"),
    "kraken": r"cl_ord_id already|[Dd]uplicate",
    "kucoin": _codes("126033", "126044") + r"|clientOid.{0,20}(?:duplicat|repeat|exist)",
    "gate": _codes("REPEATED_CREATION") + r"|text.{0,20}(?:duplicat|exist)",
    "bitget": _codes("40786", "43118") + r"|[Dd]uplicate clientOid",
    "mexc": r"[Dd]uplicate|" + _codes("603", "30042"),
    "coinbase": r"DUPLICATE|duplicate",
    "hyperliquid": r"[Dd]uplicate|already (?:used|exists)",
}
"""The venue knows this client id already: the order sent first stands, or stood."""

UNSURE: Mapping[str, str] = {
    "bybit": _codes("5004", "10000", "10016", "170001", "17000[67]", "17003[25]", "170146", "170149", "170234"),
    "binance": _codes("-1000", "-1001", "-1006", "-1007", "-1008"),
    "okx": _codes("50001", "50004", "50013", "50026", "51054", "51149"),
    "kraken": r"EService:(?:Timeout|Busy|Unavailable|Deadline elapsed)|Internal error",
    "kucoin": _codes("408000", "500000"),
    "gate": _codes("INTERNAL", "SERVER_ERROR", "TOO_BUSY"),
    "bitget": _codes("40015", "40725", "45001"),
    "mexc": _codes("500", "50[1-4]", "10200", "20002", "730000"),
    "coinbase": r"internal_server_error",
    "hyperliquid": r"(?!)",
}
"""What a venue says when it does not know itself, whatever class ccxt makes of it."""

GONE: Mapping[str, str] = {
    "bybit": _codes("110001", "110008", "110010", "170139", "17014[23]", "170190", "170213", "20001"),
    "binance": _codes("-2011", "-2013"),
    "okx": _codes("5140[0-2]", "51603"),
    "kraken": r"EOrder:Unknown order",
    "kucoin": r"order[ _.]?not[ _.]?exist|not exist or not allow|does not exist|" + _codes("100001", "100004"),
    "gate": _codes("ORDER_NOT_FOUND", "CLIENT_ID_NOT_FOUND", "ORDER_CLOSED", "ORDER_CANCELLED", "ORDER_FINISHED"),
    "bitget": _codes("40109", "40768", "43001", "43025"),
    "mexc": _codes("-2011", "-2013", "2011", "30026"),
    "coinbase": r"cancelOrders\(\) has failed|UNKNOWN_CANCEL_ORDER|was not found|NOT_FOUND",
    "hyperliquid": r"unknownOid|never placed, already canceled, or filled",
}
"""A cancel or look-up of an order that is not on the book, or not known."""

CLOCK = r'REQUEST_EXPIRED|"ret_?[cC]ode"\s*:\s*-1021|' + _codes("10073", "700005")

REDUCING = r"Reduce[ -]?[Oo]nly|reduce[- ]only|" + _codes("110017", "51169", "REDUCE_\\w+")
"""The position is smaller than the order would reduce it by."""

CLASSES: tuple[tuple[str, Refusal | None], ...] = (
    ("OrderImmediatelyFillable", Refusal.WOULD_CROSS),
    ("InsufficientFunds", Refusal.FUNDS),
    ("OnMaintenance", Refusal.MAINTENANCE),
    ("RateLimitExceeded", Refusal.RATE),
    ("DDoSProtection", Refusal.RATE),
    ("InvalidNonce", Refusal.OTHER),
    ("DuplicateOrderId", None),
    ("OrderNotFound", None),
    ("PermissionDenied", Refusal.AUTH),
    ("AuthenticationError", Refusal.AUTH),
    ("BadSymbol", Refusal.OTHER),
    ("InvalidOrder", Refusal.OTHER),
    ("ArgumentsRequired", Refusal.OTHER),
    ("NotSupported", Refusal.OTHER),
)
"""Classes that alone are enough, the narrowest first; a class that is not here leaves the fate of an order unknown."""
