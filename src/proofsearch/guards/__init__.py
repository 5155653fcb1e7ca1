"""Components as the core asks them: what they raise gets a name, and what they answer is checked.

:func:`guarded` puts itself around a component of a plugin. It is asked like the component and passes everything on; but
what the component raises and is not for people becomes a :class:`~proofsearch.errors.ComponentError`, one line that
names the component, its plugin and its method, with the original as its cause, and an answer that the contract doesn't
allow (:mod:`proofsearch.guards.answers`) becomes one too. ``SystemExit`` and its like are caught as well: whoever
searches thousands of theorems doesn't want to be ended by one of them.

What passes through as it is: errors for people, ``MemoryError``, which executors treat in their own way, and Ctrl-C.
"""

from proofsearch.guards.calls import Owner, attributed, interrupts
from proofsearch.guards.components import described, guarded
from proofsearch.guards.sessions import GuardedSession

__all__ = ["GuardedSession", "Owner", "attributed", "described", "guarded", "interrupts"]
