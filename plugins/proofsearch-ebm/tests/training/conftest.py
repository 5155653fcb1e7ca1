"""An accelerator that every machine has: tensors say that they are on it and compute on the processor.

They refuse to meet tensors of the processor, as those of a real device do, and to become arrays there. What passes here
has brought everything to the device that has to be there, and back; the numbers are the processor's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_map_only

DEVICE = torch.device("lazy")
"""What the tensors say where they are: a name for which torch looks for no machinery of its own."""

_MOVES = {
    torch.ops.aten._to_copy.default,
    torch.ops.aten.copy_.default,
    torch.ops.aten._local_scalar_dense.default,
}
"""Operations that may read one device and write another."""


class DeviceTensor(torch.Tensor):
    """A tensor of the device, around one of the processor."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> DeviceTensor:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
        )
        made.inner = inner
        return made

    def numpy(self, *args: Any, **options: Any) -> Any:
        raise TypeError(f"can't convert {self.device} device type tensor to numpy")

    def new_tensor(self, data: Any, *args: Any, **options: Any) -> Any:
        return torch.tensor(data, dtype=self.dtype).to(DEVICE)  # torch would make it before anybody is asked

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), options: Any = None) -> Any:
        return _run(function, args, options or {})


class _Device(TorchDispatchMode):
    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), options: Any = None) -> Any:
        return _run(function, args, options or {})


@contextlib.contextmanager
def _there() -> Iterator[torch.device]:
    with _Device():
        yield DEVICE


@pytest.fixture
def accelerator() -> Callable[[], contextlib.AbstractContextManager[torch.device]]:
    """``with accelerator() as device:`` there is such a device."""
    return _there


def _run(function: Any, args: Any, options: dict[str, Any]) -> Any:
    tensors = [value for value in tree_flatten((args, options))[0] if isinstance(value, torch.Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, DeviceTensor)]
    if there and function not in _MOVES:
        # Only numbers may come from the processor.
        strangers = [tensor for tensor in tensors if not isinstance(tensor, DeviceTensor) and tensor.ndim]
        assert not strangers, f"{function}: tensors of {DEVICE} and of the processor, as {strangers[0].shape}, meet"
    named = options.get("device")
    target = bool(there) if named is None else torch.device(named).type == DEVICE.type
    known = {id(tensor.inner): tensor for tensor in there}
    bare = tree_map_only(DeviceTensor, lambda tensor: tensor.inner, (args, options))
    bare[1].update({"device": torch.device("cpu")} if named is not None else {})
    result = function(*bare[0], **bare[1])

    def placed(value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or isinstance(value, DeviceTensor):
            return value
        if id(value) in known:  # changed in place, or written into
            return known[id(value)]
        assert not (target and value.dtype == torch.float64), f"{function}: not every device has double precision"
        return DeviceTensor(value) if target else value

    if function is torch.ops.aten.copy_.default:
        return args[0]
    return tree_map(placed, result)
