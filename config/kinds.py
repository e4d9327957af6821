"""The kinds a setting can have: each turns the text of the environment into a value, or says what it must be."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

KEY_BYTES = 32

Value = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a text becomes a value. `convert` raises ValueError; `must` ends the sentence that is then shown."""

    name: str
    convert: Callable[[str], Value]
    must: str


def to_flag(text: str) -> bool:
    """Read yes or no."""
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


def to_words(text: str) -> tuple[str, ...]:
    """Split a list at its commas; empty items are dropped."""
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)


def to_networks(text: str) -> tuple[str, ...]:
    """Split a list of networks and check each of them."""
    return tuple(str(ip_network(word)) for word in to_words(text))


def to_keys(text: str) -> tuple[str, ...]:
    """Split a list of keys at commas and line ends, and check that each is 32 bytes."""
    keys = to_words(text.replace("\n", ","))
    if text and not all(map(is_key, keys or [""])):
        raise ValueError(text)
    return keys


def is_key(text: str) -> bool:
    """Tell whether a text is a key, in the one way to write it."""
    content = urlsafe_b64decode(text)
    return len(content) == KEY_BYTES and urlsafe_b64encode(content).decode() == text


def to_token(text: str) -> str:
    """Check that a secret which is sent with requests fits in a header, and is too long to guess."""
    if text and not (len(text) >= 20 and text.isascii() and text.isprintable() and " " not in text):
        raise ValueError(text)
    return text


def to_path(text: str) -> str:
    """Make a folder name absolute; `~` is the home of the user."""
    return str(Path(text).expanduser().absolute())


def number(low: int, high: int) -> Kind:
    """Make the kind of whole numbers between two limits."""

    def to_number(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return Kind("number", to_number, f"it must be a whole number from {low} to {high}")


def choice(*options: str) -> Kind:
    """Make the kind of texts that are one of a few words."""

    def to_choice(text: str) -> str:
        return options[[option.lower() for option in options].index(text.lower())]

    return Kind("choice", to_choice, f"it must be one of {', '.join(options)}")


def address(example: str, *schemes: str, empty: bool = False) -> Kind:
    """Make the kind of URLs with one of a few schemes; `empty` allows none at all."""

    def to_address(text: str) -> str:
        parts = urlsplit(text)
        valid = parts.scheme in schemes and (parts.netloc or parts.path) and (parts.port or 1)
        if not valid and (text or not empty):
            raise ValueError(text)
        return text

    return Kind("address", to_address, f"it must be an address like {example}")


TEXT = Kind("text", str, "it must be text")
FLAG = Kind("flag", to_flag, "it must be true or false")
WORDS = Kind("list", to_words, "it must be a list with commas between")
TOKEN = Kind("text", to_token, "it must be 20 or more letters, digits and signs, as openssl rand -hex 32 makes them")
PATH = Kind("folder", to_path, "it must be a folder")
NETWORKS = Kind("list of networks", to_networks, "it must be a list of networks like 10.0.0.0/8, 192.168.1.0/24")
KEYS = Kind("list of keys", to_keys, "it must be keys of 32 bytes in URL-safe base64, with commas between")
DATABASE = address("postgresql://user:password@host:5432/database", "postgresql", "postgres", empty=True)
REDIS = address("redis://:password@host:6379/0", "redis", "rediss", "unix", empty=True)
BROKER = address("amqp://user:password@host:5672/vhost", "amqp", "amqps", "redis", "rediss", empty=True)
SITE = address("https://crm.example.com", "https", "http", empty=True)
