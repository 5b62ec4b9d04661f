"""Checkpoints of timm: its hub layout (config.json and model.safetensors), and bare state dicts as training scripts
and the models' authors publish them."""

from __future__ import annotations

import copy
import dataclasses
import pathlib
import re
import tempfile

import safetensors.torch
import timm
import torch
from timm.models._hub import save_for_hf

from checkpoint_case import Case, Made, Save, in_precision, pickled, prefixed, rounded
from goldens import Subject
from zoo import CLASSES, first_norm_of_last_block, last_grid, pair, randomise, swin_windows

VIT = {"embed_dim": 12, "depth": 2, "num_heads": 3, "mlp_ratio": 2.0}
WIDE = {"embed_dim": 24}
"""Heads of 8 features: two rotary frequencies along each axis."""
SWIN = {"embed_dim": 6, "depths": (2, 2), "num_heads": (2, 4), "mlp_ratio": 2.0}


def hub(model, dtype=None) -> Save:
    """As timm pushes to the hub."""

    def save(folder: pathlib.Path) -> None:
        save_for_hf(copy.deepcopy(model).to(dtype or torch.float32), str(folder), safe_serialization=True)

    return save


def bare(model, name: str, wrap=lambda state: state, dtype=None) -> Save:
    state = lambda: in_precision(model.state_dict(), dtype)
    if name.endswith(".safetensors"):

        def save(folder: pathlib.Path) -> str:
            folder.mkdir(parents=True, exist_ok=True)
            safetensors.torch.save_file(wrap(state()), folder / name)
            return name

        return save
    return pickled(name, lambda: wrap(state()))


def at_size(model, size):
    """The model as timm itself loads its checkpoint for another image size."""
    with tempfile.TemporaryDirectory() as folder:
        hub(model)(pathlib.Path(folder))
        return timm.create_model(f"local-dir:{folder}", pretrained=True, img_size=size).eval()


def made(model, image, grid, prefix, head, windows=None, *, asked=None, file=None, wrap=None, dtype=None, arch=None):
    channels = model.pretrained_cfg["input_size"][0] if not hasattr(model, "patch_embed") else model.patch_embed.proj.in_channels
    save = hub(model, dtype) if file is None else bare(model, file, wrap or (lambda s: s), dtype)
    computing = model if asked is None else at_size(model, asked)
    subject = Subject(computing, asked or image, grid, prefix, head, first_norm_of_last_block(computing), windows)
    return Made(subject, save, arch, asked, model.num_classes > 0, channels)


def plain(architecture, variant, prefix, head, image=16, patch=4, asked=None, fixture=False, classes=CLASSES,
          file=None, wrap=None, dtype=None, arch=None, **arguments) -> Case:
    def make(seed: int) -> Made:
        options = {**VIT, **arguments, "img_size": image, "patch_size": patch, "num_classes": classes}
        model = rounded(randomise(timm.create_model(architecture, **options), seed), dtype)
        size = asked or pair(image)
        grid = tuple(s // p for s, p in zip(size, pair(patch)))
        return made(model, pair(image), grid, prefix, head, asked=asked, file=file, wrap=wrap, dtype=dtype, arch=arch)

    return Case("timm", architecture, variant, make, fixture)


def shifted(architecture, variant, image=16, patch=2, window=4, asked=None, fixture=False, classes=CLASSES,
            file=None, wrap=None, dtype=None, arch=None, clamped_logit_scale=False, **arguments) -> Case:
    def make(seed: int) -> Made:
        options = {**SWIN, **arguments, "img_size": image, "patch_size": patch, "window_size": window}
        model = randomise(timm.create_model(architecture, num_classes=classes, **options), seed)
        if clamped_logit_scale:  # a head whose scale lies beyond the limit of 100
            with torch.no_grad():
                model.layers[0].blocks[1].attn.logit_scale[0] = 5.0
        rounded(model, dtype)
        size, depths = asked or pair(image), options["depths"]
        grid = tuple(s // patch for s in size)
        windows = [dataclasses.replace(w, rolls_first=True) for w in swin_windows(grid, depths, window, "axis")]
        last = last_grid(grid, len(depths))
        return made(model, pair(image), last, 0, "mean", windows, asked=asked, file=file, wrap=wrap, dtype=dtype, arch=arch)

    return Case("timm", architecture, variant, make, fixture)


def full(architecture, prefix, head, windows=None) -> Case:
    def make(seed: int) -> Made:
        model = randomise(timm.create_model(architecture, num_classes=1000), seed)
        size = tuple(model.pretrained_cfg["input_size"][1:])
        patch = pair(model.patch_embed.patch_size)
        grid = tuple(s // p for s, p in zip(size, patch))
        if windows is None:
            return made(model, size, grid, prefix, head)
        blocks = [dataclasses.replace(w, rolls_first=True) for w in swin_windows(grid, (2, 2, 6, 2), windows, "axis")]
        return made(model, size, last_grid(grid, 4), prefix, head, blocks)

    return Case("timm", architecture, "full size", make, full=True)


def old_shifted_names(state: dict) -> dict:
    """As the authors of Swin publish: merging at the end of a stage, the head's own name, buffers kept."""
    names = {}
    for k, v in state.items():
        k = re.sub(r"layers\.(\d+)\.downsample", lambda m: f"layers.{int(m[1]) - 1}.downsample", k)
        names[k.replace("head.fc.", "head.")] = v
    for k in [k for k in names if k.endswith(("relative_position_bias_table", "cpb_mlp.0.weight"))]:
        attention = re.sub(r"(relative_position_bias_table|cpb_mlp\.0\.weight)$", "", k)
        names[attention + "relative_position_index"] = torch.zeros(16, 16, dtype=torch.int64)
        if k.endswith("cpb_mlp.0.weight"):
            names[attention + "relative_coords_table"] = torch.zeros(1, 7, 7, 2)
        if ".blocks.1." in k and "layers.0" in k:
            names[attention.removesuffix("attn.") + "attn_mask"] = torch.zeros(4, 16, 16)
    return {"model": names, "max_accuracy": 81.2, "epoch": 299}


def dinov2_names(state: dict) -> dict:
    """As facebookresearch/dinov2 publishes: a mask token, registers under their own name, SwiGLU as w12 and w3, and
    where there are registers, a position of the class token that timm adds to the token itself."""
    dim = state["cls_token"].shape[-1]
    gated = state["blocks.0.mlp.fc1.weight"].shape[0] == 2 * state["blocks.0.mlp.fc2.weight"].shape[1]
    names = {"mask_token": torch.zeros(1, dim)}
    for k, v in state.items():
        k = k.replace("reg_token", "register_tokens")
        names[k.replace("mlp.fc1", "mlp.w12").replace("mlp.fc2", "mlp.w3") if gated else k] = v
    if "reg_token" in state:
        first = torch.full((1, 1, dim), 0.125)
        names["cls_token"] = state["cls_token"] - first
        names["pos_embed"] = torch.cat([first, state["pos_embed"]], 1)
    return names


def dino_training(state: dict) -> dict:
    """A checkpoint of DINO's training: the teacher's projection head beside its backbone."""
    head = {"head.mlp.0.weight": torch.zeros(8, 12), "head.mlp.0.bias": torch.zeros(8)}
    teacher = prefixed(state, "backbone.") | head
    return {"student": prefixed(teacher, "module."), "teacher": teacher, "epoch": 100}


TINY = "vit_tiny_patch16_224"
VITS = [
    plain(TINY, "class token", 1, "token", fixture=True),
    plain(TINY, "bare safetensors", 1, "token", image=24, fixture=True, file="weights.safetensors", arch=f"{TINY}:num_heads=3"),
    plain(TINY, "state_dict in .pth", 1, "token", file="model.pth", arch=f"{TINY}:num_heads=3",
          wrap=lambda s: {"state_dict": s, "epoch": 3, "optimizer": {"state": {}, "param_groups": [{"lr": 1e-3}]}}),
    plain(TINY, "mean pooling with fc_norm", 1, "mean", fixture=True, global_pool="avg"),
    plain(TINY, "mean pooling without class token", 0, "mean", global_pool="avg", class_token=False, fc_norm=False),
    plain(TINY, "mean pooling without class token, bare", 0, "mean", global_pool="avg", class_token=False, fixture=True,
          file="model.pt", wrap=lambda s: {"model_state_dict": prefixed(s, "_orig_mod.")}, arch=f"{TINY}:num_heads=3,global_pool=avg"),
    plain(TINY, "qk_norm and LayerScale", 1, "token", fixture=True, qk_norm=True, init_values=1e-5),
    plain(TINY, "qk_norm, bare", 1, "token", file="model.pth", qk_norm=True, arch=f"{TINY}:num_heads=3"),
    plain(TINY, "registers, positions of patches only", 4, "token", fixture=True, reg_tokens=3, no_embed_class=True, init_values=1e-5),
    plain(TINY, "registers with positions", 3, "token", reg_tokens=2),
    plain(TINY, "registers without class token, mean", 3, "mean", reg_tokens=3, no_embed_class=True, class_token=False, global_pool="avg"),
    plain("vit_medium_patch16_reg4_gap_256", "its own options", 4, "mean", fixture=True),
    plain("vit_base_patch16_clip_quickgelu_224", "pre-norm, quick GELU", 1, "token", fixture=True),
    plain("vit_base_patch16_clip_224", "pre-norm", 1, "token"),
    plain(TINY, "rectangular image, .pth.tar with module.", 1, "token", image=(16, 24), fixture=True, file="checkpoint.pth.tar",
          wrap=lambda s: {"epoch": 7, "arch": TINY, "state_dict": prefixed(s, "module."), "best_acc1": 0.5},
          arch=f"{TINY}:num_heads=3,img_size=16x24"),
    plain(TINY, "rectangular image", 1, "token", image=(16, 24), mlp_ratio=3.0),
    plain(TINY, "rectangular patches", 1, "token", image=(24, 16), patch=(6, 4), fixture=True),
    plain(TINY, "one channel", 1, "token", in_chans=1, fixture=True),
    plain(TINY, "no bias of q, k, v", 1, "token", qkv_bias=False),
    plain(TINY, "no bias behind attention", 1, "token", proj_bias=False),
    plain(TINY, "another activation by name", 1, "token", act_layer="quick_gelu"),
    plain(TINY, "no norm behind the blocks", 1, "token", final_norm=False),
    plain(TINY, "dynamic image size", 1, "token", dynamic_img_size=True, asked=(20, 24)),
    plain(TINY, "one head", 1, "token", num_heads=1),
    plain(TINY, "at another size", 1, "token", asked=(24, 24), fixture=True),
    plain(TINY, "rectangular at another size", 2, "token", image=(24, 16), asked=(16, 32), reg_tokens=1),
    plain(TINY, "positions of patches only at another size", 3, "token", asked=(20, 28), reg_tokens=2, no_embed_class=True),
    plain(TINY, "no classifier", 1, "token", classes=0),
    plain(TINY, "float16", 1, "token", dtype=torch.float16, embed_dim=16, num_heads=4, fixture=True),
    plain(TINY, "bfloat16 in .pth", 1, "token", dtype=torch.bfloat16, file="model.pth", arch=f"{TINY}:num_heads=3", fixture=True),
    plain("vit_small_patch16_224.dino", "no classifier", 1, "token", classes=0, fixture=True),
    plain("vit_small_patch16_224.dino", "the training's teacher and student", 1, "token", classes=0,
          file="checkpoint.pth", wrap=dino_training, arch="vit_small_patch16_224:num_heads=3"),
    plain("vit_base_patch16_siglip_224", "attention-pooling head", 0, "map", fixture=True),
    plain("vit_small_patch14_dinov2", "classifier", 1, "token"),
    plain("vit_small_patch14_reg4_dinov2", "at another size", 5, "token", image=24, asked=(16, 16)),
    plain("vit_small_patch14_reg4_dinov2", "the authors' names", 5, "token", classes=0, file="dinov2_vits14_reg4.pth",
          wrap=dinov2_names, arch="vit_small_patch14_reg4_dinov2:num_heads=3"),
    plain("vit_giant_patch14_dinov2", "SwiGLU, the authors' names", 1, "token", classes=0, file="dinov2_vitg14.pth",
          wrap=dinov2_names, arch="vit_giant_patch14_dinov2:num_heads=3"),
    plain("vit_giant_patch14_reg4_dinov2", "SwiGLU", 5, "token", fixture=True),
    plain("deit_tiny_patch16_224", "the authors' .pth", 1, "token", file="deit_tiny.pth", wrap=lambda s: {"model": s},
          arch="deit_tiny_patch16_224:num_heads=3"),
    plain("deit_tiny_distilled_patch16_224", "two heads", 2, "token", fixture=True),
    plain("deit_tiny_distilled_patch16_224", "bare", 2, "token", file="model.pth", wrap=lambda s: {"model": s},
          arch="deit_tiny_distilled_patch16_224:num_heads=3"),
    plain("deit_tiny_distilled_patch16_224", "no classifier", 2, "token", classes=0),
    plain("deit_tiny_distilled_patch16_224", "at another size", 2, "token", asked=(24, 24)),
    plain("deit3_small_patch16_224", "LayerScale", 1, "token", fixture=True),
    plain("deit3_small_patch16_224", "at another size", 1, "token", asked=(24, 24)),
    plain("vit_small_patch16_dinov3", "rotary", 5, "mean", fixture=True),
    plain("vit_small_patch16_dinov3", "rotary, no classifier, rectangular", 5, "mean", classes=0, image=(16, 24)),
    plain("vit_small_patch16_dinov3", "rotary at another size", 5, "mean", asked=(24, 20)),
    plain("vit_small_plus_patch16_dinov3", "rotary, SwiGLU", 5, "mean"),
    plain("vit_base_patch16_rope_reg1_gap_256", "rotary", 1, "mean"),
    plain("eva02_tiny_patch14_224", "rotary, SwiGLU, separate q, k, v", 1, "mean"),
    plain("beit_base_patch16_224", "relative positions", 1, "mean", fixture=True),
    plain("beit_base_patch16_224", "relative positions at another size", 1, "mean", asked=(24, 24)),
    plain("beitv2_base_patch16_224", "relative positions", 1, "mean"),
    plain("beit_base_patch16_224", "relative positions, rectangular", 1, "mean", image=(16, 24)),
    plain("beit_base_patch16_224", "relative and shared positions at another size", 1, "mean", asked=(24, 20),
          use_shared_rel_pos_bias=True, use_abs_pos_emb=True),
    plain("beit_base_patch16_224", "SwiGLU, class token, no bias of q and v", 1, "token", global_pool="token",
          swiglu_mlp=True, scale_mlp=True, qkv_bias=False, init_values=None),
    plain("beit_base_patch16_224", "bare", 1, "mean", file="beit.pth"),
    plain("vit_small_patch16_rope_224", "rotary, columns first, rectangular", 1, "token", image=(16, 24), **WIDE),
    plain("vit_small_patch16_rope_mixed_224", "learned rotary, rectangular", 1, "token", image=(16, 24), fixture=True, **WIDE),
    plain("vit_small_patch16_rope_mixed_ape_224", "learned rotary at another size", 1, "token", asked=(24, 20), **WIDE),
    plain("vit_medium_patch16_rope_reg1_gap_256", "rotary at another size", 1, "mean", asked=(24, 20), **WIDE),
    plain("vit_mediumd_patch16_rope_reg1_gap_256", "no bias of q and v", 1, "mean", **WIDE),
    plain("eva02_base_patch14_224", "norm in the MLP at another size", 1, "mean", asked=(24, 20), fixture=True, **WIDE),
    plain("eva02_base_patch16_clip_224", "norm in attention", 1, "token", **WIDE),
    plain("eva_giant_patch14_224", "no rotation", 1, "mean"),
    plain("vit_small_patch16_dinov3_qkvb", "biases of q and v", 5, "mean", **WIDE),
    plain("vit_small_patch16_dinov3", "q/k norm", 5, "mean", qk_norm=True, **WIDE),
    plain("vit_small_patch16_dinov3", "mean and maximum", 5, "mean", global_pool="avgmax", **WIDE),
    plain("vit_huge_plus_patch16_dinov3", "padded SwiGLU", 5, "mean", **{**WIDE, "mlp_ratio": 2.3}),
    plain("vit_pe_spatial_tiny_patch16_512", "pre-norm, biases of q, k and v", 1, "mean", global_pool="avg", **WIDE),
    plain("vit_small_patch16_dinov3", "bare", 5, "mean", file="dinov3.pth",
          arch="vit_small_patch16_dinov3:num_heads=3,img_size=16", **WIDE),
]

SWIN_TINY, SWIN2_TINY = "swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256"
SWINS = [
    shifted(SWIN_TINY, "new names", fixture=True),
    shifted(SWIN_TINY, "old names in .pth", fixture=True, file="swin_tiny.pth", wrap=old_shifted_names,
            arch=f"{SWIN_TINY}:window_size=4,img_size=16"),
    shifted(SWIN_TINY, "new names, bare", file="model.safetensors", arch=f"{SWIN_TINY}:img_size=16,window_size=4"),
    shifted(SWIN_TINY, "padding, rectangular", image=(14, 18), window=3, fixture=True),
    shifted(SWIN_TINY, "rectangular windows", image=(18, 16), window=(3, 4)),
    shifted(SWIN_TINY, "odd grid", image=(22, 26)),
    shifted(SWIN_TINY, "window larger than the grid", image=8, window=7),
    shifted(SWIN_TINY, "three stages", depths=(2, 2, 2), num_heads=(1, 2, 4), image=32),
    shifted(SWIN_TINY, "at another size", image=16, asked=(24, 16)),
    shifted(SWIN_TINY, "windows that grow at another size", image=8, window=7, asked=(16, 16)),
    shifted(SWIN_TINY, "windows that shrink at another size", image=16, window=7, asked=(10, 12)),
    shifted(SWIN_TINY, "no classifier", classes=0),
    shifted(SWIN_TINY, "float16", dtype=torch.float16),
    shifted("swin_small_patch4_window7_224", "patches of 4", patch=4, image=32, window=7),
    shifted(SWIN2_TINY, "float16, clamped logit scale", dtype=torch.float16, fixture=True, clamped_logit_scale=True),
    shifted(SWIN2_TINY, "rectangular windows", window=(2, 4)),
    shifted(SWIN2_TINY, "padding, rectangular", image=(14, 18), window=3),
    shifted(SWIN2_TINY, "old names in .pth", file="swinv2_tiny.pth", wrap=old_shifted_names,
            arch=f"{SWIN2_TINY}:img_size=16,window_size=4"),
    shifted(SWIN2_TINY, "pretrained windows", pretrained_window_sizes=(3, 2)),
    shifted(SWIN2_TINY, "at another size", image=16, asked=(24, 16)),
    shifted(SWIN2_TINY, "windows that grow at another size", image=8, window=7, asked=(16, 16)),
    shifted(SWIN2_TINY, "window larger than the grid", image=8, window=8),
    shifted("swinv2_base_window12to16_192to256", "its own options", window=4, depths=(2, 2, 2, 2), num_heads=(1, 2, 2, 4), image=32),
]

FULL = [
    full("vit_tiny_patch16_224", 1, "token"),
    full("vit_base_patch16_224", 1, "token"),
    full("deit_small_distilled_patch16_224", 2, "token"),
    full("deit3_small_patch16_224", 1, "token"),
    full("vit_small_patch14_reg4_dinov2", 5, "token"),
    full("vit_small_patch16_dinov3", 5, "mean"),
    full("swin_tiny_patch4_window7_224", 0, "mean", 7),
    full("swinv2_tiny_window8_256", 0, "mean", 8),
    full("beit_base_patch16_224", 1, "mean"),
]

CASES = [*VITS, *SWINS, *FULL]
