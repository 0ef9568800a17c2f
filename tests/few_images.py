"""MNIST with few test images, for tests in which their number proves nothing: measuring takes longer than training."""

from dataclasses import replace

from mlpcore.datasets import Dataset, Images

TEST_IMAGES = 1000


def few_images(dataset: Dataset) -> Dataset:
    """The dataset with its first 1,000 test images only."""
    test = dataset.test
    return replace(dataset, test=Images(test.images[:TEST_IMAGES], test.labels[:TEST_IMAGES]))
