"""Grad-CAM by pytorch-grad-cam, on the first norm of the last block as its README does."""

import importlib.metadata

from pytorch_grad_cam import GradCAM

import common


def tokens_to_maps(tokens):
    if tokens.ndim == 3:  # class token and patches of a ViT
        tokens = tokens[:, 1:].reshape(len(tokens), 14, 14, -1)
    return tokens.permute(0, 3, 1, 2)


def measure(name: str, batch: int, repeats: int) -> None:
    model, x = common.model(name), common.pictures(batch)
    layer = [m for n, m in model.named_modules() if n.endswith("norm1")][-1]
    with GradCAM(model, [layer], reshape_transform=tokens_to_maps) as cam:
        ms = common.median_ms(lambda: cam(x, targets=None), repeats)
    common.report("pytorch-grad-cam", name, batch, ms, version=importlib.metadata.version("grad-cam"))
