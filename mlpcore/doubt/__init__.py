"""When to doubt a drawing or an answer, in words; the thresholds are measured (`benchmarks.doubt`)."""

from mlpcore.doubt.answers import is_unsure
from mlpcore.doubt.remarks import Remark, remarks

__all__ = ["Remark", "is_unsure", "remarks"]
