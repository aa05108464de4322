"""Optimisers of PyTorch without what `torch.compile` would need of them.

PyTorch wraps their methods so that `torch.compile` leaves them alone, and the first call of a wrapper imports
`torch._dynamo` and sympy, which takes as long as PyTorch itself. Nothing here is compiled, so the methods are called
as they are written.
"""

import inspect

import torch

_add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
_state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
_load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
_zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)
_step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class _Uncompiled(torch.optim.Optimizer):
    add_param_group = _add_param_group
    state_dict = _state_dict
    load_state_dict = _load_state_dict
    zero_grad = _zero_grad


class Adam(_Uncompiled, torch.optim.Adam):
    """`torch.optim.Adam`."""

    step = _step


class AdamW(_Uncompiled, torch.optim.AdamW):
    """`torch.optim.AdamW`."""

    step = _step
