"""Insertion and deletion as RISE's evaluation does them: each step a forward of all images, start to finish."""

import math

import numpy as np
import scipy.ndimage
import torch
import torch.nn.functional as F

import common

STEP = 1792
PIXELS = 224 * 224


def blurred(x: torch.Tensor) -> torch.Tensor:
    dirac = np.zeros((11, 11))
    dirac[5, 5] = 1
    kernel = torch.from_numpy(scipy.ndimage.gaussian_filter(dirac, 5)).float()
    return F.conv2d(x, kernel.expand(3, 1, 11, 11), padding=5, groups=3)


def curves(model, start: torch.Tensor, finish: torch.Tensor, order: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    current, steps = start.clone(), math.ceil(PIXELS / STEP)
    scores = []
    for i in range(steps + 1):
        scores.append(torch.softmax(model(current), 1).gather(1, classes[:, None]))
        chosen = order[:, i * STEP : (i + 1) * STEP][:, None].expand(-1, 3, -1)
        source = finish.flatten(2).gather(2, chosen)
        current = current.flatten(2).scatter(2, chosen, source).reshape(current.shape)
    return torch.cat(scores, 1)


def measure(name: str, batch: int, repeats: int) -> None:
    model, x = common.model(name), common.pictures(batch)
    order = torch.rand(batch, PIXELS, generator=torch.Generator().manual_seed(2)).argsort(1)

    def both():
        classes = model(x).argmax(1)
        deletion = curves(model, x, torch.zeros_like(x), order, classes)
        insertion = curves(model, blurred(x), x, order, classes)
        return deletion, insertion

    with torch.inference_mode():
        ms = common.median_ms(both, repeats)
    forwards = batch * (2 * (math.ceil(PIXELS / STEP) + 1) + 1)
    common.report("RISE evaluation", name, batch, ms, step=STEP, forwards_per_second=round(forwards / ms * 1000, 2))
