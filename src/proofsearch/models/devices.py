"""Where a model computes: how options name devices, and which of them this machine has.

No learning library here: whoever asks hands over ``torch``, so that a command that needs none imports none.
"""

from __future__ import annotations

from types import ModuleType

from proofsearch.errors import UsageError

DEVICE = r"auto|cpu|mps|(cuda|xpu)(:\d+)?"
"""The names of devices as a regular expression, to be put in ``^(…)$``; what else an option knows stands before it."""


def choose_device(name: str, torch: ModuleType, option: str = "device") -> str:
    """The device that an option means, as torch names it.

    Args:
        name: as :data:`DEVICE` has it. ``auto`` is an accelerator if there is one, else the processor.
        torch: the library.
        option: what the error calls the option.

    Raises:
        UsageError: there is no such device.
    """
    if name == "auto":
        found = torch.accelerator.current_accelerator(check_available=True)
        return "cpu" if found is None else str(found)
    kind, _, number = name.partition(":")
    if kind != "cpu":
        module = torch.get_device_module(kind)
        count = module.device_count() if module.is_available() else 0
        if int(number or 0) >= count:
            raise UsageError(f"{option} {name}: torch sees {count} of kind {kind}; choose auto or cpu")
    return name
