"""Client order ids: what goes in comes out, nothing wraps, nothing repeats, and strangers' ids are nobody's."""

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.client_ids import OrderKey, Owner, base36, decode, encode
from bot.core.model import Leg
from bot.errors import CapacityError

PREFIX = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=6)
KEYS = st.builds(
    OrderKey,
    prefix=PREFIX,
    grid=st.integers(0, 36**2 - 1),
    level=st.integers(0, 36**3 - 1),
    cycle=st.integers(0, 36**4 - 1),
    leg=st.sampled_from(Leg),
    attempt=st.integers(0, 36**2 - 1),
)
KEY = OrderKey("abc001", 1, 7, 3, Leg.ENTRY, 0)


@given(KEYS)
def test_every_key_comes_back_from_its_id(key: OrderKey) -> None:
    client_id = encode(key)
    assert re.fullmatch(r"[0-9a-z]{18}", client_id)
    assert decode(client_id) == key


@given(KEYS, KEYS)
def test_two_keys_share_an_id_only_when_they_are_one(first: OrderKey, second: OrderKey) -> None:
    assert (encode(first) == encode(second)) == (first == second)


def test_the_fields_stand_in_the_order_the_contract_gives() -> None:
    assert encode(OrderKey("abcxyz", 35, 36, 37, Leg.EXIT, 71)) == "abcxyz0z0100011x1z"


def test_a_key_names_its_owner() -> None:
    assert KEY.owner_id == "g1.7"
    assert replace(KEY, level=0).owner_id == "g1"
    assert Owner("abc", "00z").prefix == "abc00z"


@pytest.mark.parametrize(("field", "digits"), [("grid", 2), ("level", 3), ("cycle", 4), ("attempt", 2)])
def test_a_full_field_is_a_clear_refusal_and_never_a_wrap(field: str, digits: int) -> None:
    most = 36**digits - 1
    fullest = replace(KEY, **{field: most})
    assert decode(encode(fullest)) == fullest
    for value in (most + 1, -1, 36**10):
        with pytest.raises(CapacityError, match=f"{field} {value} is over {most}"):
            encode(replace(KEY, **{field: value}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "abc",
        "abc00101007000300",
        encode(KEY) + "0",
        encode(KEY)[:-1],
        encode(KEY).upper(),
        encode(KEY).replace("e", "q"),
        "abc00101007000 e00",
        "abc001-1007000ee00",
        "äbc001010070003e00",
        "abc0010100700０3e00",
        "123456789012345678",
        "x-R4BD3S82e1b23a45c",
    ],
)
def test_an_id_nobody_of_us_made_means_nothing(garbage: str) -> None:
    assert decode(garbage) is None


@given(st.text(max_size=20))
def test_any_text_decodes_to_nothing_or_to_a_key_that_makes_it_again(text: str) -> None:
    key = decode(text)
    assert key is None or encode(key) == text


def test_no_id_repeats_over_levels_cycles_legs_and_attempts() -> None:
    ids = [
        encode(OrderKey("abc001", grid, level, cycle, leg, attempt))
        for grid, level, cycle, leg, attempt in itertools.product((1, 36), (1, 36), range(1, 50), Leg, range(40))
    ]
    assert len(set(ids)) == len(ids)


def test_numbers_are_padded_in_base_36() -> None:
    assert [base36(value, 2, "x") for value in (0, 9, 10, 35, 36, 36**2 - 1)] == ["00", "09", "0a", "0z", "10", "zz"]
