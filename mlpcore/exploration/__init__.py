"""Looking at the images themselves: what a set holds, what the transforms make of an image, what a DataLoader gives."""

from mlpcore.exploration.batches import epoch_orders, load_batch, steps_per_epoch, torchvision_dataset
from mlpcore.exploration.pixels import STAGES, Stage, Summary, as_trained_on, scale, summary, through_torchvision
from mlpcore.exploration.statistics import (
    by_distance,
    class_counts,
    distances_to_mean,
    mean_and_std,
    mean_images,
    pixel_counts,
    rows_of_class,
)

__all__ = [
    "STAGES",
    "Stage",
    "Summary",
    "as_trained_on",
    "by_distance",
    "class_counts",
    "distances_to_mean",
    "epoch_orders",
    "load_batch",
    "mean_and_std",
    "mean_images",
    "pixel_counts",
    "rows_of_class",
    "scale",
    "steps_per_epoch",
    "summary",
    "through_torchvision",
    "torchvision_dataset",
]
