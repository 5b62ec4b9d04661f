"""Reference results for one classifier, by code that shares nothing with Vitreous.

Logits, attention maps and gradients come from PyTorch autograd through eager attention (the softmax output is
recorded wherever a library computes it); rollouts from float64 numpy written from the definitions; curves from
RISE's definition; image-sized Grad-CAM from pytorch-grad-cam.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math

import numpy as np
import scipy.ndimage
import torch
import torch.nn.functional as F


@dataclasses.dataclass
class Window:
    """One Swin block: its token grid, effective window and effective shift (zero where the window covers the grid)."""

    hw: tuple[int, int]
    window: tuple[int, int]
    shift: tuple[int, int]
    rolls_first: bool = False
    """timm rolls the grid and pads it afterwards (SwinTransformerBlock._attn); transformers and torchvision pad it
    and roll the padded grid. Where a shifted grid is padded, other tokens share a window."""


@dataclasses.dataclass
class Subject:
    """A classifier and what must be known about it to explain it."""

    model: torch.nn.Module
    """x [n, 3, H, W] -> logits [n, classes]"""
    image: tuple[int, int]
    grid: tuple[int, int]
    """Tokens of the last block's first norm, without the prefix."""
    prefix: int
    head: str
    """token | mean | token+mean"""
    norm: torch.nn.Module
    """The last block's first norm: Grad-CAM's layer."""
    windows: list[Window] | None = None
    step: int = 64


@contextlib.contextmanager
def recorded_attention():
    """Every 4-D softmax over the last axis, and every fused attention computed eagerly, in the order of execution."""
    maps: list[torch.Tensor] = []
    tensor_softmax, torch_softmax, functional_softmax = torch.Tensor.softmax, torch.softmax, F.softmax
    fused = F.scaled_dot_product_attention

    def note(y):
        if y.ndim == 4:
            if y.requires_grad:
                y.retain_grad()
            maps.append(y)
        return y

    def eager(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
        assert not is_causal and not enable_gqa
        scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
        if attn_mask is not None:
            scores = scores.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
        return note(torch_softmax(scores, -1)) @ value

    torch.Tensor.softmax = lambda self, dim, dtype=None: note(tensor_softmax(self, dim, dtype=dtype))
    torch.softmax = lambda x, dim, dtype=None: note(torch_softmax(x, dim, dtype=dtype))
    F.softmax = lambda x, dim=None, _stacklevel=3, dtype=None: note(torch_softmax(x, dim, dtype=dtype))
    F.scaled_dot_product_attention = eager
    try:
        yield maps
    finally:
        torch.Tensor.softmax, torch.softmax, F.softmax = tensor_softmax, torch_softmax, functional_softmax
        F.scaled_dot_product_attention = fused


def token_maps(activation: torch.Tensor, subject: Subject) -> torch.Tensor:
    """[n, P + h*w, D], [n, h*w, D] or [n, h, w, D] -> [n, D, h, w]"""
    h, w = subject.grid
    if activation.ndim == 3:
        activation = activation[:, subject.prefix :].reshape(activation.shape[0], h, w, -1)
    assert activation.shape[1:3] == (h, w), activation.shape
    return activation.permute(0, 3, 1, 2)


def differentiated(subject: Subject, x: torch.Tensor, classes: torch.Tensor):
    """Forward and backward of the sum of the classes' logits (images do not mix, so each has its own gradient)."""
    kept: list[torch.Tensor] = []
    hook = subject.norm.register_forward_hook(lambda _m, _i, y: (y.retain_grad(), kept.append(y)) and None)
    x = x.clone().requires_grad_()
    with recorded_attention() as maps:
        logits = subject.model(x)
    hook.remove()
    logits.gather(1, classes[:, None]).sum().backward()
    return logits.detach(), x.grad, maps, kept[-1]


def grad_cam(subject: Subject, kept: torch.Tensor) -> np.ndarray:
    activation = token_maps(kept.detach(), subject).double().numpy()
    gradient = token_maps(kept.grad, subject).double().numpy()
    return np.maximum((gradient.mean((2, 3), keepdims=True) * activation).sum(1), 0)


def gradient_rollout(subject: Subject, attention, gradient, discard: float) -> np.ndarray:
    """One image: attention and gradient are [heads, N, N] per layer, first to last."""
    n = attention[0].shape[-1]
    rolled = np.eye(n)
    for a, g in zip(attention, gradient):
        fused = np.maximum((a.astype(np.float64) * g).mean(0), 0)
        flat = fused.reshape(-1)
        flat[np.argsort(flat, kind="stable")[: math.floor(n * n * discard)]] = 0
        step = (fused + np.eye(n)) / 2
        rolled = (step / step.sum(1, keepdims=True)) @ rolled
    p = subject.prefix
    read = rolled[p:, p:].mean(0) if subject.head == "mean" else rolled[0, p:]
    return (read / read.max()).reshape(subject.grid)


def vit_explain_rollout(subject: Subject, attention, gradient, discard: float) -> np.ndarray:
    """The widely copied variant, both defects kept: gradients last to first beside attentions first to last, and
    row sums without their axis."""
    n = attention[0].shape[-1]
    rolled = torch.eye(n)
    for a, g in zip(attention, reversed(gradient)):
        fused = (torch.from_numpy(a) * torch.from_numpy(g)).mean(0)
        fused[fused < 0] = 0
        flat = fused.view(-1)
        flat[flat.topk(int(n * n * discard), largest=False).indices] = 0
        step = (fused + torch.eye(n)) / 2
        rolled = (step / step.sum(-1)) @ rolled
    read = rolled[0, subject.prefix :].numpy().astype(np.float64)
    return (read / read.max()).reshape(subject.grid)


def swin_block_matrix(block: Window, attention: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Row-stochastic [HW, HW] of one block; attention and gradient are [windows, heads, n, n] of one image."""
    (height, width), (wh, ww), (sh, sw) = block.hw, block.window, block.shift
    rows, columns = -(-height // wh) * wh, -(-width // ww) * ww
    tokens = np.arange(height * width).reshape(height, width)
    padding = ((0, rows - height), (0, columns - width))
    if block.rolls_first:
        tokens = np.pad(np.roll(tokens, (-sh, -sw), (0, 1)), padding, constant_values=-1)
    else:
        tokens = np.roll(np.pad(tokens, padding, constant_values=-1), (-sh, -sw), (0, 1))
    windows = tokens.reshape(rows // wh, wh, columns // ww, ww).transpose(0, 2, 1, 3).reshape(-1, wh * ww)
    assert attention.shape[0] == len(windows) and attention.shape[-1] == wh * ww, (attention.shape, windows.shape)
    matrix = np.zeros((height * width,) * 2)
    for index, a, g in zip(windows, attention, gradient):
        fused = np.maximum((a.astype(np.float64) * g).mean(0), 0)
        real = np.flatnonzero(index >= 0)
        step = fused[np.ix_(real, real)] + np.eye(len(real))
        matrix[np.ix_(index[real], index[real])] = step / step.sum(1, keepdims=True)
    return matrix


def swin_merge_matrix(fine: tuple[int, int]) -> np.ndarray:
    """[coarse, fine]: a parent's share goes in equal parts to its children that exist (four, fewer at an odd border)."""
    (height, width), (rows, columns) = fine, (-(-fine[0] // 2), -(-fine[1] // 2))
    matrix = np.zeros((rows * columns, height * width))
    for y in range(height):
        for x in range(width):
            matrix[(y // 2) * columns + x // 2, y * width + x] = 1
    return matrix / matrix.sum(1, keepdims=True)


def swin_rollout(windows: list[Window], attention, gradient) -> np.ndarray:
    """One image, by dense matrices: attention and gradient are [windows, heads, n, n] per block, first to last."""
    height, width = windows[-1].hw
    r = np.full(height * width, 1 / (height * width))
    for i in reversed(range(len(windows))):
        r = r @ swin_block_matrix(windows[i], attention[i], gradient[i])
        if i > 0 and windows[i - 1].hw != windows[i].hw:
            r = r @ swin_merge_matrix(windows[i - 1].hw)
    assert abs(r.sum() - 1) < 1e-9
    return r.reshape(windows[0].hw)


def rise_blur(x: torch.Tensor) -> torch.Tensor:
    dirac = np.zeros((11, 11))
    dirac[5, 5] = 1
    kernel = scipy.ndimage.gaussian_filter(dirac, 5)
    weight = torch.zeros(3, 3, 11, 11)
    for channel in range(3):
        weight[channel, channel] = torch.from_numpy(kernel)
    return F.conv2d(x, weight, padding=5)


def rise_curve(subject: Subject, start, finish, saliency: np.ndarray, target: int) -> np.ndarray:
    """RISE: the next `step` most salient pixels pass from `finish` into `start`, softmax of the target each time."""
    pixels = saliency.size
    order = np.argsort(-saliency.reshape(-1), kind="stable")
    current = start.clone()
    states = []
    steps = math.ceil(pixels / subject.step)
    for i in range(steps + 1):
        states.append(current.clone())
        chosen = order[i * subject.step : (i + 1) * subject.step]
        current.reshape(1, 3, pixels)[..., chosen] = finish.reshape(1, 3, pixels)[..., chosen]
    with torch.no_grad():
        logits = torch.cat([subject.model(torch.cat(states[i : i + 32])) for i in range(0, len(states), 32)])
    return torch.softmax(logits.double(), 1)[:, target].numpy()


def saliency_without_ties(size: tuple[int, int], seed: int) -> np.ndarray:
    """Smooth and random, every value different: the ranks of filtered noise."""
    smooth = scipy.ndimage.gaussian_filter(np.random.default_rng(seed).random(size), 3, mode="wrap").reshape(-1)
    ranks = np.empty(smooth.size)
    ranks[np.argsort(smooth, kind="stable")] = np.arange(smooth.size)
    return ((ranks + 0.5) / smooth.size).astype(np.float32).reshape(size)


def rise_auc(curve: np.ndarray) -> float:
    return (curve.sum() - curve[0] / 2 - curve[-1] / 2) / (len(curve) - 1)


def images(size: tuple[int, int], seed: int, count: int = 2) -> np.ndarray:
    """uint8 [n, H, W, 3]: smooth colour blobs with fine noise, so that every input is exactly a picture."""
    rng = np.random.default_rng(seed)
    coarse = scipy.ndimage.gaussian_filter(rng.normal(size=(count, *size, 3)), (0, size[0] / 12, size[1] / 12, 0))
    coarse /= np.abs(coarse).max((1, 2, 3), keepdims=True)
    return np.clip(128 + 110 * coarse + rng.normal(scale=18, size=coarse.shape), 0, 255).round().astype(np.uint8)


MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def preprocessed(pictures: np.ndarray) -> torch.Tensor:
    scaled = (pictures.astype(np.float32) / np.float32(255) - MEAN) / STD
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))


def goldens(subject: Subject, pictures: np.ndarray, x: torch.Tensor | None = None) -> tuple[dict, dict]:
    """Tensors and description of two images; `x` replaces the preprocessed pictures."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    subject.model.eval().requires_grad_(False)
    x = preprocessed(pictures) if x is None else x
    count = len(x)
    with torch.no_grad():
        ranked = subject.model(x).argsort(1, descending=True)
    top, second = ranked[:, 0], ranked[:, 1]
    logits, input_grad, maps, kept = differentiated(subject, x, top)
    _, _, _, kept_second = differentiated(subject, x, second)
    attention = [a.detach().numpy() for a in maps]
    gradient = [a.grad.numpy() for a in maps]
    saliency = np.stack([saliency_without_ties(subject.image, 7 + i) for i in range(count)])
    blurred = rise_blur(x)

    cam = GradCAM(subject.model, [subject.norm], reshape_transform=lambda t: token_maps(t, subject))
    tensors: dict[str, np.ndarray] = {
        "input": x.numpy(),
        "logits": logits.numpy(),
        "input_grad": input_grad.numpy(),
        "gradcam.top": grad_cam(subject, kept),
        "gradcam.second": grad_cam(subject, kept_second),
        "gradcam_pgc.top": cam(x.clone().requires_grad_(), [ClassifierOutputTarget(c) for c in top.tolist()]),
        "gradcam_pgc.second": cam(x.clone().requires_grad_(), [ClassifierOutputTarget(c) for c in second.tolist()]),
        "saliency": saliency,
        "blur": blurred.numpy(),
    }
    cam.activations_and_grads.release()
    for i, (a, g) in enumerate(zip(attention, gradient)):
        tensors[f"attention.{i}"], tensors[f"attention_grad.{i}"] = a, g
    of = lambda layers, i: [m.reshape(count, -1, *m.shape[1:])[i] for m in layers]
    if subject.windows is None:
        single = lambda layers, i: [m[i] for m in layers]
        for discard in (0.9, 0.0):
            tensors[f"rollout.discard{discard}"] = np.stack(
                [gradient_rollout(subject, single(attention, i), single(gradient, i), discard) for i in range(count)]
            )
        if subject.head == "token" and subject.prefix == 1:
            tensors["rollout_vit_explain.discard0.9"] = np.stack(
                [vit_explain_rollout(subject, single(attention, i), single(gradient, i), 0.9) for i in range(count)]
            )
    else:
        tensors["rollout"] = np.stack(
            [swin_rollout(subject.windows, of(attention, i), of(gradient, i)) for i in range(count)]
        )
    for name, start, finish in (("deletion", x, torch.zeros_like(x)), ("insertion", blurred, x)):
        curves = [
            rise_curve(subject, start[i : i + 1], finish[i : i + 1], saliency[i], int(top[i])) for i in range(count)
        ]
        tensors[f"{name}.curve"] = np.stack(curves)
        tensors[f"{name}.auc"] = np.array([rise_auc(c) for c in curves])

    doubles = {k for k in tensors if k.endswith((".curve", ".auc"))}
    tensors = {
        k: np.ascontiguousarray(v, dtype=np.float64 if k in doubles else np.float32) for k, v in tensors.items()
    }
    description = {
        "classes": top.tolist(),
        "second": second.tolist(),
        "prefix_tokens": subject.prefix,
        "head": subject.head,
        "blocks": len(attention),
        "image": list(subject.image),
        "grid": list(subject.grid),
        "step": subject.step,
    }
    if subject.windows is not None:
        description["rollout"] = "swin: map sums to 1 on the patch grid"
        description["rollout_windows"] = "model"
        description["windows"] = [
            {"hw": list(b.hw), "window": list(b.window), "shift": list(b.shift)} for b in subject.windows
        ]
    return tensors, description
