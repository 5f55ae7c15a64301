"""The text of an API key, written a second time: PREFIX_ID_SECRET and its checksum."""

import zlib

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def checksum(text):
    """CRC-32 in base62, six characters."""
    rest, out = zlib.crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        out = BASE62[digit] + out
    return out


def key_text(prefix, key_id, secret):
    return "%s_%s_%s%s" % (prefix, key_id, secret, checksum("%s_%s" % (key_id, secret)))


def split_key(text):
    """(prefix, id, secret) of a key's text."""
    prefix, key_id, rest = text.split("_")
    return prefix, key_id, rest[:-6]
