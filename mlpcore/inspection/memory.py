"""What training keeps in memory, measured on the tensors themselves."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def bytes_for_backward(model: nn.Module, inputs: Tensor) -> int:
    """Bytes that autograd keeps after a forward pass, so that a backward pass is possible; 0 under `torch.no_grad()`.

    These are mainly the inputs and outputs of the layers, from which the gradients of the weights are computed. A
    tensor that is kept twice counts once, and a view counts only with its own size. The model's parameters
    do not count, since they are there anyway; the inputs do if a gradient needs them.

    Counted by `torch.autograd.graph.saved_tensors_hooks`, on whichever device.

    Args:
        inputs: as the model takes them, e.g. float32 [N, 28, 28].
    """
    saved: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model(inputs)
    there_anyway = _bytes_by_address([*model.parameters(), *model.buffers()])
    return sum(size for address, size in _bytes_by_address(saved).items() if address not in there_anyway)


def bytes_of_training(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, int]:
    """Bytes of the model's ``parameters``, their ``gradients`` and the state of the ``optimizer``.

    Gradients exist after a `backward`, and the optimizer's tensors after its first step.
    """
    parameters: list[Tensor] = list(model.parameters())
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    kept = [value for state in optimizer.state.values() for value in state.values() if isinstance(value, Tensor)]
    groups: dict[str, list[Tensor]] = {"parameters": parameters, "gradients": gradients, "optimizer": kept}
    return {name: sum(_bytes_by_address(tensors).values()) for name, tensors in groups.items()}


def _bytes_by_address(tensors: Iterable[Tensor]) -> dict[int, int]:
    """Bytes of the tensors by the address of their first number; where several begin, those of the largest."""
    found: dict[int, int] = {}
    for tensor in tensors:
        found[tensor.data_ptr()] = max(found.get(tensor.data_ptr(), 0), tensor.nbytes)
    return found
