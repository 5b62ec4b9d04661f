"""Tiny random classifiers over the families and libraries that Vitreous must read.

One function per model; the keyword arguments shrink a model further for the fixtures that the repository carries.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Callable

import safetensors.torch
import timm
import torch
import torchvision
import transformers

from goldens import Subject, Window

torch.backends.mha.set_fastpath_enabled(False)

CLASSES = 6
NORM_NAMES = ("norm1", "layernorm_before", "ln_1")


@dataclasses.dataclass
class Zoo:
    subject: Subject
    save: Callable[[pathlib.Path], None]
    """Writes the model as a checkpoint folder."""


class Logits(torch.nn.Module):
    """A Hugging Face model as x -> logits."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values).logits


def randomise(model: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Weights large enough that attention is far from uniform, and no symmetry (zero biases, unit scales) hides a bug."""
    generator = torch.Generator().manual_seed(seed)
    noise = lambda p: torch.randn(p.shape, generator=generator)
    for name, p in model.named_parameters():
        leaf = name.rsplit(".", 1)[-1]
        with torch.no_grad():
            if "logit_scale" in name:
                p.copy_(p + 0.3 * noise(p))
            elif leaf in ("gamma", "lambda1", "gamma_1", "gamma_2", "lambda_1", "lambda_2") or "layer_scale" in name:
                p.copy_(0.6 + 0.2 * noise(p))
            elif "norm" in name and leaf == "weight" or (p.ndim == 1 and leaf == "weight"):
                p.copy_(1 + 0.2 * noise(p))
            elif p.ndim == 1:
                p.copy_(0.2 * noise(p))
            elif any(s in name for s in ("token", "pos_embed", "position_embeddings", "pos_embedding", "bias_table")):
                p.copy_(0.5 * noise(p))
            else:
                p.copy_(noise(p) * 1.4 / p[0].numel() ** 0.5)
    return model.eval()


def first_norm_of_last_block(model: torch.nn.Module) -> torch.nn.Module:
    return [m for n, m in model.named_modules() if n.rsplit(".", 1)[-1] in NORM_NAMES][-1]


def save_timm(model, architecture: str, arguments: dict, size) -> Callable[[pathlib.Path], None]:
    def save(folder: pathlib.Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "architecture": architecture,
            "num_classes": CLASSES,
            "num_features": model.num_features,
            "model_args": arguments,
            "pretrained_cfg": {
                "input_size": [3, *size],
                "interpolation": "bicubic",
                "crop_pct": 0.9,
                "mean": [0.485, 0.456, 0.406],
                "std": [0.229, 0.224, 0.225],
                "num_classes": CLASSES,
            },
        }
        (folder / "config.json").write_text(json.dumps(config, indent=1))
        safetensors.torch.save_file(model.state_dict(), folder / "model.safetensors")

    return save


def pair(value) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def timm_plain(architecture: str, head: str, prefix: int, img_size=64, patch_size=8, **arguments) -> Zoo:
    size = pair(img_size)
    arguments = {"img_size": img_size, "patch_size": patch_size, **arguments}
    model = randomise(timm.create_model(architecture, num_classes=CLASSES, **arguments))
    patch = pair(patch_size)
    grid = (size[0] // patch[0], size[1] // patch[1])
    subject = Subject(model, size, grid, prefix, head, first_norm_of_last_block(model))
    return Zoo(subject, save_timm(model, architecture, arguments, size))


def tiny(dim=48, depth=4, heads=3, **rest) -> dict:
    return {"embed_dim": dim, "depth": depth, "num_heads": heads, **rest}


def timm_vit(**kw) -> Zoo:
    return timm_plain("vit_tiny_patch16_224", "token", 1, **tiny(**kw))


def timm_vit_mean(**kw) -> Zoo:
    return timm_plain("vit_tiny_patch16_224", "mean", 0, global_pool="avg", class_token=False, **tiny(**kw))


def timm_vit_mean_cls(**kw) -> Zoo:
    return timm_plain("vit_tiny_patch16_224", "mean", 1, global_pool="avg", fc_norm=True, **tiny(**kw))


def timm_vit_qknorm(**kw) -> Zoo:
    return timm_plain("vit_tiny_patch16_224", "token", 1, qk_norm=True, **tiny(**kw))


def timm_vit_rect(**kw) -> Zoo:
    return timm_plain("vit_tiny_patch16_224", "token", 1, **tiny(**{"img_size": (48, 80), "dim": 32, "heads": 4, **kw}))


def timm_vit_rect_patch(**kw) -> Zoo:
    return timm_plain(
        "vit_tiny_patch16_224", "token", 1, **tiny(**{"img_size": (64, 48), "patch_size": (8, 12), "depth": 3, **kw})
    )



def timm_vit_prenorm(**kw) -> Zoo:
    """CLIP's shape: a norm in front of the blocks, no bias in the patch embedding, quick GELU."""
    return timm_plain("vit_base_patch16_clip_quickgelu_224", "token", 1, **tiny(**kw))


def timm_vit_rope(**kw) -> Zoo:
    """Rotary position embedding, one register, mean pooling."""
    return timm_plain("vit_base_patch16_rope_reg1_gap_256", "mean", 1, **tiny(**kw))


def timm_vit_single_head(**kw) -> Zoo:
    return timm_plain("vit_tiny_patch16_224", "token", 1, **tiny(**{"heads": 1, "dim": 32, "depth": 3, **kw}))


def timm_deit_distilled(**kw) -> Zoo:
    return timm_plain("deit_tiny_distilled_patch16_224", "token", 2, **tiny(**kw))


def timm_deit3(**kw) -> Zoo:
    return timm_plain("deit3_small_patch16_224", "token", 1, **tiny(**kw))


def timm_beit(**kw) -> Zoo:
    return timm_plain("beit_base_patch16_224", "mean", 1, **tiny(**kw))



def timm_dinov2_reg(**kw) -> Zoo:
    return timm_plain("vit_small_patch14_reg4_dinov2", "token", 5, **tiny(**kw))


def timm_dinov2_swiglu(**kw) -> Zoo:
    return timm_plain("vit_giant_patch14_reg4_dinov2", "token", 5, **tiny(**kw))


def timm_dinov3(**kw) -> Zoo:
    return timm_plain("vit_small_patch16_dinov3", "mean", 5, **tiny(**kw))


def timm_eva02(**kw) -> Zoo:
    """Rotary embedding, SwiGLU, separate q, k and v."""
    return timm_plain("eva02_tiny_patch14_224", "mean", 1, **tiny(**kw))


def halved(size: tuple[int, int]) -> tuple[int, int]:
    return -(-size[0] // 2), -(-size[1] // 2)


def swin_windows(grid: tuple[int, int], depths, window, rule: str) -> list[Window]:
    """Effective windows as each library clamps them: per axis (timm, Swin V2), both at once (Hugging Face Swin),
    or window kept and the grid padded to it, only the shift dropped (torchvision)."""
    blocks: list[Window] = []
    for stage, depth in enumerate(depths):
        hw = grid
        for _ in range(stage):
            hw = halved(hw)
        for i in range(depth):
            size = pair(window)
            shifts = tuple(w // 2 if i % 2 else 0 for w in size)
            if rule == "axis":
                shifts = tuple(0 if r <= w else s for r, w, s in zip(hw, size, shifts))
                size = tuple(min(r, w) for r, w in zip(hw, size))
            elif rule == "both":
                if min(hw) <= window:
                    size, shifts = pair(min(hw)), (0, 0)
            else:
                shifts = tuple(0 if w >= -(-r // w) * w else s for r, w, s in zip(hw, size, shifts))
            blocks.append(Window(hw, size, shifts))
    return blocks


def last_grid(grid, stages: int) -> tuple[int, int]:
    for _ in range(stages - 1):
        grid = halved(grid)
    return grid


def timm_shifted(architecture: str, img_size=64, dim=24, depths=(2, 2), heads=(2, 4), window=4, **arguments) -> Zoo:
    size = pair(img_size)
    arguments = {
        "img_size": img_size,
        "patch_size": 4,
        "embed_dim": dim,
        "depths": list(depths),
        "num_heads": list(heads),
        "window_size": window,
        **arguments,
    }
    model = randomise(timm.create_model(architecture, num_classes=CLASSES, **arguments))
    grid = (size[0] // 4, size[1] // 4)
    windows = [dataclasses.replace(w, rolls_first=True) for w in swin_windows(grid, depths, window, "axis")]
    norm = first_norm_of_last_block(model)
    subject = Subject(model, size, last_grid(grid, len(depths)), 0, "mean", norm, windows)
    return Zoo(subject, save_timm(model, architecture, arguments, size))


def timm_swin(**kw) -> Zoo:
    return timm_shifted("swin_tiny_patch4_window7_224", **kw)


def timm_swin_pad(**kw) -> Zoo:
    return timm_shifted("swin_tiny_patch4_window7_224", **{"img_size": (56, 72), "window": 5, **kw})


def timm_swin_odd(**kw) -> Zoo:
    """An odd grid: patch merging pads, so the last row's parents have fewer than four children."""
    return timm_shifted("swin_tiny_patch4_window7_224", **{"img_size": (44, 52), "window": 4, **kw})


def timm_swin_large_window(**kw) -> Zoo:
    return timm_shifted("swin_tiny_patch4_window7_224", **{"img_size": 32, "window": 7, **kw})


def timm_swin_three(**kw) -> Zoo:
    return timm_shifted(
        "swin_tiny_patch4_window7_224", **{"depths": (2, 2, 2), "heads": (2, 2, 4), "dim": 16, "img_size": 64, **kw}
    )


def timm_swinv2(**kw) -> Zoo:
    return timm_shifted("swinv2_tiny_window8_256", **kw)


def timm_swinv2_pad(**kw) -> Zoo:
    return timm_shifted("swinv2_tiny_window8_256", **{"img_size": (56, 72), "window": 5, **kw})


def save_state(model) -> Callable[[pathlib.Path], None]:
    def save(folder: pathlib.Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), folder / "state_dict.pth")
        safetensors.torch.save_file(model.state_dict(), folder / "model.safetensors")

    return save


def torchvision_vit(dim=48, depth=4, heads=3, img_size=64) -> Zoo:
    model = randomise(
        torchvision.models.VisionTransformer(img_size, 8, depth, heads, dim, dim * 4, num_classes=CLASSES)
    )
    subject = Subject(model, pair(img_size), pair(img_size // 8), 1, "token", first_norm_of_last_block(model))
    return Zoo(subject, save_state(model))


def torchvision_shifted(block, merging, img_size, dim, depths, heads, window) -> Zoo:
    model = randomise(
        torchvision.models.SwinTransformer(
            [4, 4], dim, list(depths), list(heads), list(pair(window)),
            num_classes=CLASSES, block=block, downsample_layer=merging,
        )
    )
    size = pair(img_size)
    grid = (size[0] // 4, size[1] // 4)
    windows = swin_windows(grid, depths, window, "pad")
    subject = Subject(model, size, last_grid(grid, len(depths)), 0, "mean", first_norm_of_last_block(model), windows)
    return Zoo(subject, save_state(model))


def torchvision_swin(img_size=64, dim=24, depths=(2, 2), heads=(2, 4), window=4) -> Zoo:
    from torchvision.models.swin_transformer import PatchMerging, SwinTransformerBlock

    return torchvision_shifted(SwinTransformerBlock, PatchMerging, img_size, dim, depths, heads, window)


def torchvision_swin_pad(**kw) -> Zoo:
    return torchvision_swin(**{"img_size": (44, 56), "window": 5, **kw})


def torchvision_swinv2(img_size=64, dim=24, depths=(2, 2), heads=(2, 4), window=4) -> Zoo:
    from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformerBlockV2

    return torchvision_shifted(SwinTransformerBlockV2, PatchMergingV2, img_size, dim, depths, heads, window)


def hugging_face(kind: str, config, head: str, prefix: int, attention: str, windows=None, grid=None) -> Zoo:
    config.num_labels = CLASSES
    config._attn_implementation = attention
    inner = randomise(getattr(transformers, kind)(config))
    size = pair(config.image_size)
    grid = grid or (size[0] // config.patch_size, size[1] // config.patch_size)
    model = Logits(inner).eval()
    subject = Subject(model, size, grid, prefix, head, first_norm_of_last_block(model), windows)
    return Zoo(subject, lambda folder: inner.save_pretrained(folder))


def hf_sizes(dim=48, depth=4, heads=3, img_size=64, patch_size=8) -> dict:
    return {
        "hidden_size": dim,
        "num_hidden_layers": depth,
        "num_attention_heads": heads,
        "intermediate_size": dim * 4,
        "image_size": img_size,
        "patch_size": patch_size,
    }


def hf_vit(attention="eager", **kw) -> Zoo:
    config = transformers.ViTConfig(**hf_sizes(**kw))
    return hugging_face("ViTForImageClassification", config, "token", 1, attention)


def hf_vit_sdpa(**kw) -> Zoo:
    return hf_vit("sdpa", **kw)


def hf_deit(attention="eager", **kw) -> Zoo:
    config = transformers.DeiTConfig(**hf_sizes(**kw))
    return hugging_face("DeiTForImageClassification", config, "token", 2, attention)


def hf_deit_teacher(attention="sdpa", **kw) -> Zoo:
    config = transformers.DeiTConfig(**hf_sizes(**kw))
    return hugging_face("DeiTForImageClassificationWithTeacher", config, "token", 2, attention)


def hf_dinov2(attention="eager", **kw) -> Zoo:
    config = transformers.Dinov2Config(**hf_sizes(**kw))
    return hugging_face("Dinov2ForImageClassification", config, "token+mean", 1, attention)


def hf_dinov2_reg(attention="sdpa", **kw) -> Zoo:
    config = transformers.Dinov2WithRegistersConfig(**hf_sizes(**kw))
    return hugging_face("Dinov2WithRegistersForImageClassification", config, "token+mean", 5, attention)


def hf_dinov2_swiglu(attention="sdpa", **kw) -> Zoo:
    config = transformers.Dinov2Config(**hf_sizes(**kw), use_swiglu_ffn=True)
    return hugging_face("Dinov2ForImageClassification", config, "token+mean", 1, attention)


class Dinov3Classifier(torch.nn.Module):
    """transformers has DINOv3 as a backbone only; a linear head on its pooled token, as its users add."""

    def __init__(self, config):
        super().__init__()
        self.backbone = transformers.DINOv3ViTModel(config)
        self.head = torch.nn.Linear(config.hidden_size, CLASSES)

    def forward(self, pixel_values):
        return self.head(self.backbone(pixel_values).pooler_output)


def hf_dinov3(attention="sdpa", **kw) -> Zoo:
    config = transformers.DINOv3ViTConfig(**hf_sizes(**kw), num_register_tokens=4)
    config._attn_implementation = attention
    model = randomise(Dinov3Classifier(config))
    size = pair(config.image_size)
    grid = (size[0] // config.patch_size, size[1] // config.patch_size)
    subject = Subject(model, size, grid, 5, "token", first_norm_of_last_block(model))
    return Zoo(subject, lambda folder: model.backbone.save_pretrained(folder))


def hf_beit(attention="eager", mean=True, **kw) -> Zoo:
    config = transformers.BeitConfig(**hf_sizes(**kw), use_relative_position_bias=True, use_mean_pooling=mean)
    return hugging_face("BeitForImageClassification", config, "mean" if mean else "token", 1, attention)


def hf_beit_shared(**kw) -> Zoo:
    config = transformers.BeitConfig(
        **hf_sizes(**kw), use_shared_relative_position_bias=True, use_absolute_position_embeddings=True
    )
    return hugging_face("BeitForImageClassification", config, "mean", 1, "sdpa")


def hf_shifted(kind, config_type, rule, img_size=64, dim=24, depths=(2, 2), heads=(2, 4), window=4, attention="eager"):
    config = config_type(
        image_size=img_size, patch_size=4, embed_dim=dim, depths=list(depths), num_heads=list(heads), window_size=window
    )
    grid = tuple(s // 4 for s in pair(img_size))
    windows = swin_windows(grid, depths, window, rule)
    return hugging_face(kind, config, "mean", 0, attention, windows, last_grid(grid, len(depths)))


def hf_swin(**kw) -> Zoo:
    return hf_shifted("SwinForImageClassification", transformers.SwinConfig, "both", **kw)


def hf_swin_pad(**kw) -> Zoo:
    return hf_swin(**{"img_size": 56, "window": 5, "attention": "sdpa", **kw})


def hf_swinv2(**kw) -> Zoo:
    return hf_shifted("Swinv2ForImageClassification", transformers.Swinv2Config, "axis", **kw)
