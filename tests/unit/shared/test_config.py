from __future__ import annotations

from pathlib import Path

import pytest

from shared import config
from shared.errors import ConfigError

ONE = '[[pbx]]\nname = "hq"\nhost = "h"\nusername = "u"\n'
GOOD = ONE + 'secret = "s"\n'


def no_files(path: str) -> str:
    raise AssertionError(f"nothing should be read, not {path}")


def parse(text: str) -> config.Config:
    return config.parse(text, no_files)


def test_an_empty_file_is_the_defaults() -> None:
    assert parse("") == config.Config()
    assert config.Config().gateway.port == 58615


def test_other_origins_are_kept_as_written() -> None:
    assert parse('[gateway]\norigins = ["https://crm.example:8443"]').gateway.origins == (
        "https://crm.example:8443",
    )


def test_a_pbx_is_found_by_its_name_and_the_others_are_listed_when_it_is_not() -> None:
    found = parse(GOOD)

    assert found.pbx_named("hq").port == 5038
    with pytest.raises(ConfigError, match=r"pbx: no PBX is named 'x'; configured: hq"):
        found.pbx_named("x")
    with pytest.raises(ConfigError, match="configured: none"):
        config.Config().pbx_named("x")


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("a =", "", "not valid TOML"),
        ("colour = 1", "colour", "no such key"),
        ("[nats]\nurls = 1", "nats.urls", "no such key"),
        ('[gateway]\nport = "x"', "gateway.port", "expected `int`, got `str`"),
        ("[gateway]\nport = 70000", "gateway.port", "<= 65535"),
        ("[gateway]\nopen = 1", "gateway.open", "bool"),
        ("[gateway]\nticket_ttl_s = 1", "gateway.ticket_ttl_s", ">= 60"),
        ("[gateway]\npoll_timeout_s = 0", "gateway.poll_timeout_s", ">= 1"),
        ('[gateway]\norigins = ["example"]', "gateway.origins[0]", "scheme://host"),
        ('[gateway]\norigins = ["https://a/b"]', "gateway.origins[0]", "without a path"),
        ("[agent_queues]\nq1 = 1", "agent_queues[...]", "array"),
        ('[nats]\nurl = "localhost"', "nats.url", "nats://"),
        ('[nats]\nurl = "nats://h"\nstore_dir = "d"', "nats.store_dir", "embedded"),
        ("[nats]\nreplicas = 3", "nats.replicas", "one node"),
        ("[nats]\nlog_max_age_s = 1", "nats.log_max_age_s", ">= 60"),
        ('[nats]\npassword = "p"\npassword_file = "f"', "nats.password_file", "not both"),
        ('[[pbx]]\nname = "hq"', "pbx[0].host", "required"),
        (ONE, "pbx[0].secret", "required"),
        (GOOD + 'secret_file = "f"', "pbx[0].secret_file", "not both"),
        (GOOD + "port = 0", "pbx[0].port", ">= 1"),
        (GOOD + 'tls_ca = "ca.pem"', "pbx[0].tls_ca", "tls = true"),
        (GOOD + "summary_refresh_s = 0", "pbx[0].summary_refresh_s", ">= 1"),
        (GOOD + 'location_prefix = ""', "pbx[0].location_prefix", "empty"),
        (GOOD + GOOD, "pbx[1].name", "two PBXs"),
        (GOOD.replace('"hq"', '"h q"'), "pbx[0].name", "letters, digits"),
        (GOOD.replace('"u"', '"u\\r\\nAction: Originate"'), "pbx[0].username", "CR, LF"),
        (GOOD.replace('"s"', '"s\\n"'), "pbx[0].secret", "CR, LF"),
    ],
)
def test_a_mistake_is_named_by_its_key(text: str, key: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)

    assert caught.value.key == key
    assert problem in caught.value.problem


def test_secrets_come_from_files_without_their_line_end() -> None:
    text = ONE + 'secret_file = "ami"\n[nats]\npassword_file = "nats"\n'

    found = config.parse(text, {"ami": "one\n", "nats": " two "}.__getitem__)

    assert (found.pbx[0].secret, found.pbx[0].secret_file) == ("one", None)
    assert (found.nats.password, found.nats.password_file) == ("two", None)


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    empty = tmp_path / "empty"
    empty.write_text("\n")

    def read(name: str) -> str:
        return (tmp_path / name).read_text(encoding="utf-8")

    for name, problem in (("missing", "No such file"), ("binary", "UTF-8"), ("empty", "empty")):
        with pytest.raises(ConfigError, match=problem) as caught:
            config.parse(f'{ONE}secret_file = "{name}"', read)
        assert caught.value.key == "pbx[0].secret_file"


def test_a_gateway_needs_no_ami_secret_reads_none_and_keeps_none() -> None:
    for text in (ONE, GOOD, ONE + 'secret_file = "elsewhere"'):
        assert config.parse(text, no_files, pbx_secrets=False).pbx[0].secret is None


def test_every_key_is_listed() -> None:
    assert {"nats.url", "gateway.port", "pbx.secret_file", "agent_queues"} <= set(config.keys())
