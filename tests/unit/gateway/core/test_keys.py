from __future__ import annotations

import pytest

from services.gateway.core.keys import (
    ID_BYTES,
    SECRET_BYTES,
    BadKeyNameError,
    KeyBook,
    KeyNameTakenError,
    MalformedKeysError,
    NoSuchKeyError,
    hash_of,
    is_key,
    make_key,
    parse,
    serialise,
)
from tests.support.keys import new_key

ENTRY = f"""
[[key]]
name = "wall"
id = "0123456789abcdef"
sha256 = "{"a" * 64}"
roles = ["stream"]
created = 2026-01-31
"""


def test_key_tells_its_id_and_hides_256_bits() -> None:
    key, key_id = make_key(bytes(ID_BYTES) + b"\xff" * SECRET_BYTES)

    assert key_id == "0" * 16
    assert key == f"pbxis_{key_id}_{'_' * 42}8"
    assert is_key(key)


def test_two_keys_have_nothing_in_common_but_the_form() -> None:
    (one, _), (other, _) = new_key("a", ["call"]), new_key("b", ["call"])

    assert one[6:] != other[6:]
    assert hash_of(one) != hash_of(other)


def test_good_key_is_found() -> None:
    key, entry = new_key("wall", ["stream", "queue"], ["hq"])
    book = KeyBook([entry, new_key("other", ["admin"])[1]])

    found = book.find(key)

    assert found is not None
    assert (found.id, found.name) == (entry.id, "wall")
    assert (found.roles, found.pbxs) == ({"stream", "queue"}, {"hq"})
    assert book.principal(entry.id) == found


def test_nothing_but_the_whole_key_is_found() -> None:
    key, entry = new_key("wall", ["stream"], random=b"z" * (ID_BYTES + SECRET_BYTES))
    stranger, _ = new_key("wall", ["stream"])
    forged = f"pbxis_{entry.id}_{'A' * 43}"
    book = KeyBook([entry])

    for text in (
        "",
        key[:-1],
        f"{key}A",
        f"{key}\n",
        key.upper(),
        key.swapcase(),
        entry.sha256,
        stranger,
        forged,
    ):
        assert book.find(text) is None, text
    assert book.find("pbxis_٣") is None
    assert book.principal("0" * 16) is None


def test_what_is_written_is_read_back() -> None:
    _, one = new_key("wall", ["stream"], ["hq", "lab"])
    _, other = new_key("crm.example", ["call", "queue"])

    text = serialise(KeyBook([one, other]))

    assert parse(text).entries == (one, other)
    assert text.startswith("# API keys of pbxis")
    assert parse(serialise(KeyBook())).entries == ()


def test_the_file_holds_no_key() -> None:
    key, entry = new_key("wall", ["stream"])

    assert key.rpartition("_")[2] not in serialise(KeyBook([entry]))


def test_a_name_is_given_once_and_free_again_after_revocation() -> None:
    book = KeyBook().with_key(new_key("wall", ["stream"])[1])

    with pytest.raises(KeyNameTakenError, match="'wall' already"):
        book.with_key(new_key("wall", ["call"])[1])
    assert book.without("wall").entries == ()
    assert book.without("wall").with_key(new_key("wall", ["call"])[1]).entries


def test_revoking_what_is_not_there_lists_what_is() -> None:
    book = KeyBook([new_key("wall", ["stream"])[1], new_key("crm", ["call"])[1]])

    with pytest.raises(NoSuchKeyError, match="'x'; there are: wall, crm"):
        book.without("x")
    with pytest.raises(NoSuchKeyError, match="none"):
        KeyBook().without("x")


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a\n", "žarko", "a" * 65, "local", "a,b"])
def test_names_that_would_be_mistaken_for_something_else_are_refused(name: str) -> None:
    with pytest.raises(BadKeyNameError):
        KeyBook().with_key(new_key(name, ["stream"])[1])


@pytest.mark.parametrize(
    ("text", "entry", "problem"),
    [
        ("", "", "empty"),
        (" \n", "", "empty"),
        ("a =", "", "not valid TOML"),
        ('keys = "x"', "", r"no 'keys' in a keys file"),
        ('key = "x"', "key", r"\[\[key\]\]"),
        ("key = [1]", "key[0]", "expected `object`, got `int`"),
        ("[[key]]", "key[0]", "name: it is required"),
        ('[[key]]\nname = "wall"', "key[0] ('wall')", "id: it is required"),
        ("[[key]]\nname = 1", "key[0]", "name: expected `str`, got `int`"),
        (ENTRY + "secret = 1", "key[0] ('wall')", "secret: there is no such property"),
        (ENTRY.replace('"wall"', '"a b"'), "key[0] ('a b')", "name: 1 to 64"),
        (ENTRY.replace("0123456789abcdef", "0123"), "key[0] ('wall')", "id: it is 16"),
        (ENTRY.replace("a" * 64, "pbxis_"), "key[0] ('wall')", "sha256: it is 64"),
        (ENTRY.replace('"stream"', '"boss"'), "key[0] ('wall')", "no such role; the roles are stream, call"),
        (ENTRY.replace('"stream"', ""), "key[0] ('wall')", "roles: it needs at least one"),
        (ENTRY.replace("2026-01-31", '"today"'), "key[0] ('wall')", "created: "),
        (ENTRY + "pbxs = []", "key[0] ('wall')", "pbxs: name at least one"),
        (ENTRY + ENTRY, "key[1] ('wall')", "name: two keys"),
        (ENTRY + ENTRY.replace("wall", "crm"), "key[1] ('crm')", "id: two keys"),
    ],
)
def test_a_mistake_is_named_by_its_entry(text: str, entry: str, problem: str) -> None:
    with pytest.raises(MalformedKeysError, match=problem) as refused:
        parse(text)

    assert refused.value.entry == entry


def test_a_mistake_does_not_tell_a_key_that_was_pasted_there() -> None:
    key, _ = new_key("wall", ["stream"])

    for text in (
        ENTRY.replace("a" * 64, key),
        ENTRY.replace("0123456789abcdef", key),
        ENTRY.replace("stream", key),
    ):
        with pytest.raises(MalformedKeysError) as refused:
            parse(text)
        assert key not in str(refused.value)
