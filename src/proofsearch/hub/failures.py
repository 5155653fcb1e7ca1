"""What goes wrong with the hub, said for people: what was asked for, what the hub said, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from proofsearch.errors import InputError, PluginError, ProofsearchError, one_line
from proofsearch.hub.address import Address


def library() -> ModuleType:
    """The package ``huggingface_hub``.

    Raises:
        PluginError: it isn't installed.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise PluginError(
            f"addresses that begin with hf:// need the package huggingface_hub, which can't be imported ({error}); "
            f"install it with: pip install 'proofsearch[hub]'"
        ) from None
    return huggingface_hub


@contextmanager
def explained(address: Address, doing: str) -> Iterator[None]:
    """Turns what the hub's library raises into an error for people.

    Args:
        address: what it is about.
        doing: what is being done: ``"fetched"``.

    Raises:
        InputError: nothing was done; the message names the address and what to do.
    """
    library()
    try:
        yield
    except ProofsearchError:
        raise
    except Exception as error:
        if not _is_expected(error):
            raise
        raise InputError(f"{address}: can't be {doing}: {_why(error, address)}") from error


def _is_expected(error: Exception) -> bool:
    """Whether it is an error of the network, of the hub or of the disk, and no bug."""
    from huggingface_hub import errors

    # Its own errors are of several families; those of the connection are its HTTP library's.
    ours = (OSError, errors.HFValidationError, errors.LocalEntryNotFoundError)
    modules = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, ours) or bool(modules & {"httpx", "httpx2", "httpcore", "httpcore2"})


def _why(error: Exception, address: Address) -> str:
    from huggingface_hub import constants, errors

    where = f"the {address.kind} {address.repository}"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError):
        return f"{where} asks for its terms to be accepted; accept them on its page, and log in with: hf auth login"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{where} has no revision {address.revision!r}; leave @{address.revision} out for its newest"
    if isinstance(error, errors.RepositoryNotFoundError):
        other = " (a data set's address begins with hf://datasets/)" if address.kind == "model" else ""
        return f"there is no such {address.kind}{other}, or it is private; to see private ones log in: hf auth login"
    if status in (401, 403):
        return (
            f"the hub refuses it ({status}); log in with: hf auth login, with a token that may write where something "
            f"is pushed, or set HF_TOKEN"
        )
    if constants.is_offline_mode():
        return (
            f"HF_HUB_OFFLINE is set, and the cache {constants.HF_HUB_CACHE} has not all of it; unset it, or fetch it "
            f"where there is a network with: hf download {address.repository}{_flags(address)}"
        )
    if isinstance(error, errors.LocalEntryNotFoundError) or not isinstance(error, OSError):
        return (
            f"{constants.ENDPOINT} doesn't answer ({one_line(error)}), and the cache {constants.HF_HUB_CACHE} has not "
            f"all of it; try again, or copy that cache from a machine that has it"
        )
    return one_line(error)


def _flags(address: Address) -> str:
    kind = " --repo-type dataset" if address.kind == "dataset" else ""
    return kind + (f" --revision {address.revision}" if address.revision else "")
