"""What went wrong between us and Swift, in an operator's words."""

import aiohttp

from wall.errors import StoreError, StoreRefused, StoreUnavailable

# what a request may be answered when it came to the wrong moment: wait, rate limit, Swift's own rate limit
_LATER = frozenset({408, 425, 429, 498, 499})


def in_words(error: Exception, host: str, who: str = "The store") -> StoreError:
    """What it means that a request had no answer."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return StoreRefused(
            f"The certificate of {host} is not trusted: {error.certificate_error}. Put its authority's certificate "
            "into a file and name it in SSL_CERT_FILE."
        )
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return StoreRefused(f"{host} does not speak TLS as we do; write tls=no into FRIEZE_STORE_URL if it has none.")
    if isinstance(error, aiohttp.ClientConnectorError):
        return StoreUnavailable(
            f"{who} at {host} can't be reached: {error.os_error.strerror or error.os_error}. "
            "Look whether it runs, and whether FRIEZE_STORE_URL names it."
        )
    if isinstance(error, TimeoutError):
        return StoreUnavailable(f"{who} at {host} does not answer in time; it is down, cut off or far too busy.")
    return StoreUnavailable(f"{who} at {host} broke off: {error or type(error).__name__}.")


def refused(status: int, host: str, what: str, container: str) -> StoreError:
    """What an answer means that is neither a success nor one the caller knows."""
    if status == 401:
        return StoreRefused(
            f"The store at {host} gives us tokens and does not take them (status 401); are the clocks and the cache of "
            "its login in order?"
        )
    if status == 403:
        return StoreRefused(
            f"The store at {host} does not let FRIEZE_STORE_USER {what} (status 403); give the user the right to read "
            f"and write the container {container}."
        )
    if status == 404:
        return StoreRefused(f"The store at {host} has no container {container}; make it, or look at FRIEZE_STORE_URL.")
    if status == 413:
        return StoreRefused(f"The store at {host} takes no more (status 413): a quota is used up; raise it or delete.")
    if status == 507:
        return StoreUnavailable(f"The store at {host} is full (status 507).")
    if status in _LATER or status >= 500:
        return StoreUnavailable(f"The store at {host} could not {what} (status {status}); it is tried again later.")
    return StoreError(f"The store at {host} would not {what} (status {status}).")
