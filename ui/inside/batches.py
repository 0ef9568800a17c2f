"""The batches that the page learns from."""

from mlpcore.datasets import Dataset, Images
from mlpcore.exploration import epoch_orders

SIZE = 64
"""Images in a batch, as in the tutorial."""


def batches(dataset: Dataset, number: int, count: int) -> list[Images]:
    """`count` batches of a shuffled epoch from batch `number` on, counted from 1, as on the Data page."""
    images = dataset.train
    order, *_ = epoch_orders(len(images.labels), True)
    rows = order[(number - 1) * SIZE : (number - 1 + count) * SIZE]
    return [Images(images.images[each], images.labels[each]) for each in rows.split(SIZE)]
