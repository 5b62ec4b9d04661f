"""PyTorch's plain forward: what every other time is compared with."""

import torch

import common


def measure(name: str, batch: int, repeats: int) -> None:
    model, x = common.model(name), common.pictures(batch)
    with torch.inference_mode():
        common.report("pytorch forward", name, batch, common.median_ms(lambda: model(x), repeats))
