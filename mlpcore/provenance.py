"""What the last digits of a result depend on besides its experiment: versions and hardware."""

import platform
from functools import cache

import torch

from mlpcore import __version__


@cache
def made_by() -> str:
    """The software and hardware of this process in one line, such as ``mlpcore 1.0, torch 2.13.0, AMD EPYC, AVX512``.

    Two results of equal experiments may be taken for one another only where these lines are equal. A GPU that PyTorch
    can use is part of the line, since an experiment whose device is ``auto`` is trained there. The number of threads is
    not: it is part of the experiment.
    """
    processor = torch.cpu.get_capabilities().get("cpu_name") or platform.processor() or platform.machine()
    parts = [
        f"mlpcore {__version__}",
        f"torch {torch.__version__}",
        processor,
        torch.backends.cpu.get_cpu_capability(),
    ]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ", ".join(parts)
