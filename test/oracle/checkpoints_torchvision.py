"""Checkpoints of torchvision: bare state dicts, as its training references and their users save them."""

from __future__ import annotations

import torch
import torchvision
from torchvision.models.swin_transformer import (
    PatchMerging,
    PatchMergingV2,
    SwinTransformer,
    SwinTransformerBlock,
    SwinTransformerBlockV2,
)
from torchvision.models.vision_transformer import VisionTransformer, interpolate_embeddings

from checkpoint_case import Case, Made, in_precision, pickled, prefixed, rounded
from goldens import Subject
from zoo import CLASSES, first_norm_of_last_block, last_grid, pair, randomise, swin_windows


def vit(architecture, variant, file, arch, image=16, asked=None, wrap=lambda s: s, fixture=False, dtype=None, dim=12, heads=3, classifier=None, **options):
    def make(seed: int) -> Made:
        def of_size(size):
            model = VisionTransformer(size, 4, 2, heads, dim, 2 * dim, num_classes=CLASSES, **options)
            if classifier:
                model.heads = classifier(dim)
            return model.eval()

        model = rounded(randomise(of_size(image), seed), dtype)
        computing = model
        if asked:
            computing = of_size(asked)
            computing.load_state_dict(interpolate_embeddings(asked, 4, dict(model.state_dict())))
        size = pair(asked or image)
        grid = tuple(s // 4 for s in size)
        subject = Subject(computing, size, grid, 1, "token", first_norm_of_last_block(computing))
        save = pickled(file, lambda: wrap(in_precision(model.state_dict(), dtype)))
        return Made(subject, save, arch, pair(asked) if asked else None)

    return Case("torchvision", architecture, variant, make, fixture)


def shifted(architecture, variant, file, arch, image=16, window=4, asked=None, wrap=lambda s: s, fixture=False, dtype=None):
    def make(seed: int) -> Made:
        second = "v2" in architecture
        block, merging = (SwinTransformerBlockV2, PatchMergingV2) if second else (SwinTransformerBlock, PatchMerging)
        model = SwinTransformer(
            [2, 2], 6, [2, 2], [2, 4], list(pair(window)), mlp_ratio=2.0, num_classes=CLASSES, block=block, downsample_layer=merging
        )
        rounded(randomise(model, seed), dtype)
        size = pair(asked or image)
        grid = (size[0] // 2, size[1] // 2)
        windows = swin_windows(grid, (2, 2), window, "pad")
        subject = Subject(model, size, last_grid(grid, 2), 0, "mean", first_norm_of_last_block(model), windows)
        return Made(subject, pickled(file, lambda: wrap(in_precision(model.state_dict(), dtype))), arch, pair(asked) if asked else None)

    return Case("torchvision", architecture, variant, make, fixture)


def full(architecture, size, patch, prefix, window=None):
    def make(seed: int) -> Made:
        model = randomise(getattr(torchvision.models, architecture)(), seed)
        grid = (size // patch, size // patch)
        windows = swin_windows(grid, (2, 2, 6, 2), window, "pad") if window else None
        last = last_grid(grid, 4) if window else grid
        head = "mean" if window else "token"
        subject = Subject(model, pair(size), last, prefix, head, first_norm_of_last_block(model), windows)
        arch = architecture if not window else f"{architecture}:image_size={size}"
        return Made(subject, pickled(f"{architecture}.pth", model.state_dict), arch)

    return Case("torchvision", architecture, "full size", make, full=True)


distributed = lambda s: {"epoch": 299, "best_acc1": 81.0, "state_dict": prefixed(s, "module.")}
reference = lambda s: {"model": s, "model_ema": None, "epoch": 299, "args": {"model": "vit_b_16"}}

def before_0_13(state: dict) -> dict:
    """The names of the MLP's layers in older files."""
    return {k.replace(".mlp.0.", ".mlp.linear_1.").replace(".mlp.3.", ".mlp.linear_2."): v for k, v in state.items()}


CASES = [
    vit("vit_b_16", ".pth", "vit.pth", "vit_b_16:num_heads=3", fixture=True),
    vit("vit_b_16", "the references' checkpoint", "checkpoint.pth", "vit_b_16:num_heads=3", wrap=reference),
    vit("vit_b_16", "at another size", "vit.pth", "vit_b_16:num_heads=3", asked=24, fixture=True),
    vit("vit_b_16", "pre-logits", "vit.pth", "vit_b_16:num_heads=3", representation_size=8),
    vit("vit_b_16", "names before 0.13", "vit.pth", "vit_b_16:num_heads=3", wrap=before_0_13),
    vit("vit_b_16", "a user's classifier", "vit.pth", "vit_b_16:num_heads=3", classifier=lambda d: torch.nn.Linear(d, CLASSES)),
    vit("vit_b_16", "a user's classifier behind dropout", "vit.pth", "vit_b_16:num_heads=3",
        classifier=lambda d: torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(d, CLASSES))),
    vit("vit_b_32", ".pth.tar with module., float16", "model_best.pth.tar", "vit_b_32:num_heads=4", wrap=distributed,
        dtype=torch.float16, heads=4),
    shifted("swin_t", ".pth.tar with module.", "checkpoint.pth.tar", "swin_t:image_size=16", wrap=distributed, fixture=True),
    shifted("swin_t", "padding, rectangular", "swin.pth", "swin_t:image_size=14x18", image=(14, 18), window=3),
    shifted("swin_t", "rectangular windows", "swin.pth", "swin_t:image_size=16,window_size=2x4", window=(2, 4)),
    shifted("swin_t", "window larger than the grid", "swin.pth", "swin_t:image_size=8", image=8, window=7),
    shifted("swin_t", "at another size", "swin.pth", "swin_t:image_size=16", asked=(24, 16)),
    shifted("swin_v2_t", "float16", "swin_v2.pth", "swin_v2_t:image_size=16", window=2, dtype=torch.float16, fixture=True),
    shifted("swin_v2_t", "padding, rectangular", "swin_v2.pth", "swin_v2_t:image_size=14x18", image=(14, 18), window=3),
    full("vit_b_16", 224, 16, 1),
    full("swin_t", 224, 4, 0, 7),
    full("swin_v2_t", 256, 4, 0, 8),
]
