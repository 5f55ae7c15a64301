"""Senders of webhooks: the fields that each scheme signs a delivery with."""

import base64
import hashlib
import hmac
import time


def mac(key, *parts):
    key = key if isinstance(key, bytes) else key.encode()
    return hmac.new(key, b"".join(part if isinstance(part, bytes) else str(part).encode() for part in parts), hashlib.sha256)


def now():
    return int(time.time())


def standard(secret, body, id="msg_1", at=None):
    at = now() if at is None else at
    key = base64.b64decode(secret.split("_", 1)[-1])
    text = base64.b64encode(mac(key, id, ".", at, ".", body).digest()).decode()
    return [("webhook-id", id), ("webhook-timestamp", str(at)), ("webhook-signature", "v1," + text)]


def github(secret, body):
    return [("X-Hub-Signature-256", "sha256=" + mac(secret, body).hexdigest()), ("X-GitHub-Event", "push")]


def stripe(secret, body, at=None):
    at = now() if at is None else at
    return [("Stripe-Signature", "t=%d,v1=%s,v0=%s" % (at, mac(secret, at, ".", body).hexdigest(), "0" * 64))]


def slack(secret, body, at=None):
    at = now() if at is None else at
    return [("X-Slack-Request-Timestamp", str(at)), ("X-Slack-Signature", "v0=" + mac(secret, "v0:", at, ":", body).hexdigest())]


def plain(secret, body):
    """Of `hmac` with X-Signature and the prefix sha256=, over the body alone."""
    return [("X-Signature", "sha256=" + mac(secret, body).hexdigest())]


def timed(secret, body, at=None):
    """The same over X-Time, a dot and the body."""
    at = now() if at is None else at
    return [("X-Time", str(at)), ("X-Signature", "sha256=" + mac(secret, at, ".", body).hexdigest())]


SENDERS = {"standard": standard, "github": github, "stripe": stripe, "slack": slack, "plain": plain, "timed": timed}
