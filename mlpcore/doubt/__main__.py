"""Teaches the detector that comes with MLP Lab: ``python -m mlpcore.doubt`` (some minutes, one thread)."""

import torch

from mlpcore import datasets
from mlpcore.doubt.detector import BUNDLED, Detector, save
from mlpcore.doubt.teaching import EPOCHS, teach


def main() -> None:
    """Trains it and replaces the file."""
    torch.set_num_threads(1)  # several threads would change the last bits
    print("Drawing at random …", flush=True)
    for epoch, news in enumerate(teach(datasets.load("mnist")), start=1):
        if isinstance(news, Detector):
            save(news, BUNDLED)
            print(f"{BUNDLED}: threshold {news.threshold:.3f}, smallest digit {news.smallest} pixels")
        else:
            print(f"Epoch {epoch} of {EPOCHS}: loss {news:.4f}", flush=True)


if __name__ == "__main__":
    main()
