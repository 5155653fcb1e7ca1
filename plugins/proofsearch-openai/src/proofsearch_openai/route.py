"""The way to a server: through which proxy, and with which certificates, as environment variables say.

They are the usual ones of HTTP clients: ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, in small
letters too, and ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``. They are mostly set for everything on a machine and forgotten,
so a server on the machine itself is asked without a proxy, and what they break is said with their names.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import openai

from proofsearch.errors import UsageError
from proofsearch_openai.config import ServerConfig

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that name certificates to be trusted."""


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own, by its text alone.

    Args:
        address: a URL with a host.
    """
    host = (urlsplit(address).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return False
    return number.is_loopback or number.is_unspecified


def uses_proxies(config: ServerConfig) -> bool:
    """Whether the environment's proxies have a say."""
    return config.proxy == "environment" or (config.proxy == "auto" and not is_loopback(config.base_url))


def proxy_in_use(config: ServerConfig) -> str:
    """The proxy on the way, as its variable and its address without user and password; ``""`` if there is none."""
    parts = urlsplit(config.base_url)
    if not uses_proxies(config) or proxy_bypass(parts.netloc):
        return ""
    for variable, value in _proxies((parts.scheme, "all")):
        return f"{variable} ({_plain(value)})"
    return ""


def http_client(config: ServerConfig) -> Any:
    """A client that goes this way.

    Raises:
        UsageError: a variable holds what can't be used; the message names it.
    """
    try:
        if uses_proxies(config):
            return openai.DefaultAsyncHttpxClient()
        return openai.DefaultAsyncHttpxClient(trust_env=False, verify=_certificates(config))
    except Exception as error:  # of many libraries, without a common class
        # Without the client's error: it may show a proxy's password.
        culprit = _culprit(config) or f"{config.base_url}: no HTTP client can be made ({type(error).__name__})"
        raise UsageError(culprit) from None


def _certificates(config: ServerConfig) -> ssl.SSLContext | bool:
    # A client that doesn't look at the environment doesn't look for certificates there either.
    named = {variable: os.environ[variable] for variable in CERTIFICATES if os.environ.get(variable)}
    if not named or urlsplit(config.base_url).scheme == "http":
        return True
    return ssl.create_default_context(cafile=named.get("SSL_CERT_FILE"), capath=named.get("SSL_CERT_DIR"))


def _culprit(config: ServerConfig) -> str:
    """Which variable can't be used; ``""`` where it is none of them."""
    for variable in CERTIFICATES:
        path = os.environ.get(variable)
        if path:
            try:
                if variable == "SSL_CERT_FILE":
                    ssl.create_default_context(cafile=path)
                else:
                    ssl.create_default_context(capath=path)
            except (OSError, ValueError) as error:
                return (
                    f"the environment variable {variable} names {path!r}, which holds no certificates that can be read "
                    f"({getattr(error, 'strerror', None) or error}); correct it, or unset it"
                )
    for variable, value in _proxies(("http", "https", "all")):
        try:
            openai.DefaultAsyncHttpxClient(trust_env=False, proxy=value if "://" in value else f"http://{value}")
        except Exception as error:  # of the optional package that it lacks, or about the address
            why = str(error).replace(value, _plain(value))
            if isinstance(error, ImportError):
                why = "SOCKS needs the package socksio: pip install socksio"
            return (
                f"the environment variable {variable} names a proxy that can't be used ({_plain(value)}): {why}. "
                f"Correct or unset it, name the server in NO_PROXY where none is needed, or choose "
                f"{config.option('proxy')} none"
            )
    return ""


def _proxies(schemes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Variables that name a proxy, the one that counts of each scheme."""
    for scheme in schemes:
        for variable in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY"):
            if value := os.environ.get(variable):
                yield variable, value
                break


def _plain(proxy: str) -> str:
    """A proxy without user and password."""
    scheme, separator, rest = proxy.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
