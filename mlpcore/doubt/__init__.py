"""What a drawing or an answer leaves to doubt, in words; how much is too much is measured (`benchmarks.doubt`)."""

from mlpcore.doubt.answers import is_unsure
from mlpcore.doubt.remarks import Remark, remarks

__all__ = ["Remark", "is_unsure", "remarks"]
