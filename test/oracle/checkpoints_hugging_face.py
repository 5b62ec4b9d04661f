"""Checkpoints of transformers, as save_pretrained writes them, and as older versions and other hands do."""

from __future__ import annotations

import copy
import pathlib

import safetensors.torch
import torch
import transformers

from checkpoint_case import Case, Made, Save, edit_json, rounded
from goldens import Subject, Window
from zoo import CLASSES, first_norm_of_last_block, last_grid, pair, randomise, swin_windows

PLAIN = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 24, "patch_size": 4}
SWIN = {"patch_size": 2, "embed_dim": 6, "depths": [2, 2], "num_heads": [2, 4], "mlp_ratio": 2.0}


class Output(torch.nn.Module):
    """One output of a model of transformers, at any image size."""

    def __init__(self, model, read, **arguments):
        super().__init__()
        self.model, self.read, self.arguments = model, read, arguments

    def forward(self, pixel_values):
        return self.read(self.model(pixel_values, **self.arguments))


logits = lambda o: o.logits
class_token = lambda o: o.last_hidden_state[:, 0]
pooled = lambda o: o.pooler_output


def pretrained(model, size, dtype=None, **options) -> Save:
    def save(folder: pathlib.Path) -> None:
        copy.deepcopy(model).to(dtype or torch.float32).save_pretrained(folder, **options)
        channels = model.config.num_channels
        processor = transformers.ViTImageProcessor(
            size={"height": size[0], "width": size[1]}, image_mean=[0.5] * channels, image_std=[0.5] * channels
        )
        processor.save_pretrained(folder)

    return save


def only_differences(save: Save, defaults: dict) -> Save:
    """config.json as older versions wrote it: what differs from the defaults, and no labels."""

    def written(folder: pathlib.Path) -> None:
        save(folder)
        keep = ("model_type", "architectures")
        differs = lambda k, v: k in keep or k not in defaults or defaults[k] != v
        edit_json(folder / "config.json", lambda c: {k: v for k, v in c.items() if differs(k, v)})

    return written


def as_bin(save: Save) -> Save:
    """pytorch_model.bin, which older versions wrote, with the class's labels."""

    def written(folder: pathlib.Path) -> None:
        save(folder)
        torch.save(safetensors.torch.load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()

    return written


def bare(save: Save) -> Save:
    """The weights alone, as a file of its own."""

    def written(folder: pathlib.Path) -> str:
        save(folder)
        for path in folder.glob("*.json"):
            path.unlink()
        return "model.safetensors"

    return written


def module_names(model) -> Save:
    """A state dict under the names that the modules of transformers 5 have, which save_pretrained does not write."""

    def written(folder: pathlib.Path) -> None:
        model.save_pretrained(folder)
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")

    return written


def case(kind, variant, head, prefix, image=16, asked=None, read=logits, saved=pretrained, dtype=None, fixture=False,
         wrap=lambda save, config: save, arguments=None, config=None, classes=True, full=False, arch=None, **options):
    def make(seed: int) -> Made:
        settings = {**({} if full else PLAIN), **options, "image_size": image}
        made_config = (config or getattr(transformers, kind.split("For")[0].removesuffix("Model") + "Config"))(
            **settings, **({"num_labels": CLASSES} if classes and not full else {})
        )
        made_config._attn_implementation = "eager"
        inner = rounded(randomise(getattr(transformers, kind)(made_config, **(arguments or {})), seed), dtype)
        size = asked or pair(image)
        interpolates = asked and kind.startswith(("ViT", "DeiT", "Beit"))
        model = Output(inner, read, **({"interpolate_pos_encoding": True} if interpolates else {})).eval()
        grid = tuple(s // p for s, p in zip(size, pair(made_config.patch_size)))
        subject = Subject(model, size, grid, prefix, head, first_norm_of_last_block(model))
        save = wrap(saved(inner, size, dtype) if saved is pretrained else saved(inner), made_config)
        return Made(subject, bare(save) if arch else save, arch, asked, classes, made_config.num_channels)

    return Case("transformers", kind, variant, make, fixture, full)


def shifted(kind, variant, rule, image=16, window=4, asked=None, read=logits, dtype=None, fixture=False, classes=True, full=False, arch=None, **options):
    def make(seed: int) -> Made:
        config_type = getattr(transformers, kind.split("For")[0].removesuffix("Model") + "Config")
        settings = {**({} if full else SWIN), **options, "image_size": image, "window_size": window}
        config = config_type(**settings, **({"num_labels": CLASSES} if classes and not full else {}))
        config._attn_implementation = "eager"
        inner = randomise(getattr(transformers, kind)(config), seed)
        rounded(inner, dtype)
        size = asked or pair(image)
        model = Output(inner, read, **({"interpolate_pos_encoding": True} if asked and config.use_absolute_embeddings else {})).eval()
        grid = tuple(-(-s // config.patch_size) for s in size)
        windows = swin_windows(grid, config.depths, window, rule)
        if rule == "axis":  # Swin V2 settles windows for the configuration's size, halved without a rest at each merging
            own = tuple(s // config.patch_size for s in pair(image))
            settled = [
                window
                for stage, depth in enumerate(config.depths)
                for window in swin_windows(tuple(s >> stage for s in own), [depth], config.window_size, rule)
            ]
            windows = [Window(w.hw, pair(s.window[0]), pair(s.shift[0])) for w, s in zip(windows, settled)]
        last = last_grid(grid, len(config.depths))
        subject = Subject(model, size, last, 0, "mean", first_norm_of_last_block(model), windows)
        save = pretrained(inner, size, dtype)
        return Made(subject, bare(save) if arch else save, arch, asked, classes, config.num_channels)

    return Case("transformers", kind, variant, make, fixture, full)


differences = lambda save, config: only_differences(save, type(config)().to_dict())
VIT, DEIT, TEACHER = "ViTForImageClassification", "DeiTForImageClassification", "DeiTForImageClassificationWithTeacher"
DINOV2, REGISTERS = "Dinov2ForImageClassification", "Dinov2WithRegistersForImageClassification"
SWIN1, SWIN2, BEIT = "SwinForImageClassification", "Swinv2ForImageClassification", "BeitForImageClassification"

CASES = [
    case(VIT, "plain", "token", 1, fixture=True),
    case(VIT, "config of differences only", "token", 1, fixture=True, wrap=differences, num_attention_heads=12, hidden_size=12),
    case(VIT, "rectangular image", "token", 1, image=(16, 24)),
    case(VIT, "rectangular patches", "token", 1, image=(16, 24), patch_size=(4, 6), fixture=True),
    case(VIT, "gelu_new", "token", 1, hidden_act="gelu_new"),
    case(VIT, "quick_gelu, no bias of q, k, v", "token", 1, hidden_act="quick_gelu", qkv_bias=False, fixture=True),
    case(VIT, "gelu_pytorch_tanh", "token", 1, hidden_act="gelu_pytorch_tanh", layer_norm_eps=1e-3),
    case(VIT, "relu", "token", 1, hidden_act="relu"),
    case(VIT, "one channel", "token", 1, num_channels=1),
    case(VIT, "at another size", "token", 1, asked=(24, 20), fixture=True),
    case(VIT, "sharded", "token", 1, fixture=True,
         saved=lambda m: lambda folder: m.save_pretrained(folder, max_shard_size="8KB")),
    case(VIT, "pytorch_model.bin", "token", 1, fixture=True, wrap=lambda save, _: as_bin(save)),
    case(VIT, "module names of transformers 5", "token", 1, saved=module_names),
    case(VIT, "bare safetensors", "token", 1, arch="vit:num_attention_heads=3"),
    case(VIT, "bfloat16", "token", 1, dtype=torch.bfloat16),
    case("ViTModel", "no classifier, no pooler", "token", 1, read=class_token, classes=False, arguments={"add_pooling_layer": False}, fixture=True),
    case("ViTModel", "no classifier, with pooler", "token", 1, read=class_token, classes=False),
    case(DEIT, "class token's head", "token", 2, fixture=True),
    case(DEIT, "at another size", "token", 2, asked=(24, 20)),
    case(TEACHER, "two heads", "token", 2, fixture=True),
    case("DeiTModel", "no classifier, no pooler", "token", 2, read=class_token, classes=False, arguments={"add_pooling_layer": False}),
    case(DINOV2, "class token and mean", "token+mean", 1, fixture=True),
    case(DINOV2, "used at another size than its configuration's", "token+mean", 1, image=36, asked=(16, 20), fixture=True),
    case(DINOV2, "SwiGLU", "token+mean", 1, use_swiglu_ffn=True, mlp_ratio=2, fixture=True),
    case("Dinov2Model", "no classifier", "token", 1, read=pooled, classes=False),
    case(REGISTERS, "class token and mean", "token+mean", 5, fixture=True),
    case(REGISTERS, "at another size", "token+mean", 4, image=24, asked=(16, 20), num_register_tokens=3, mlp_ratio=2),
    case(REGISTERS, "SwiGLU, float16", "token+mean", 5, use_swiglu_ffn=True, mlp_ratio=2, dtype=torch.float16),
    case(REGISTERS, "bare safetensors", "token+mean", 5, arch="dinov2_with_registers:num_attention_heads=3"),
    case("Dinov2WithRegistersModel", "no classifier", "token", 5, read=pooled, classes=False),
    case("DINOv3ViTModel", "no classifier", "token", 5, read=pooled, classes=False, num_register_tokens=4, fixture=True),
    case("DINOv3ViTModel", "SwiGLU, no registers", "token", 1, read=pooled, classes=False, use_gated_mlp=True, hidden_act="silu"),
    case("DINOv3ViTModel", "rectangular", "token", 3, read=pooled, classes=False, num_register_tokens=2, asked=(16, 24), key_bias=True, rope_theta=50.0),
    case(BEIT, "a bias in each layer", "mean", 1, use_relative_position_bias=True, fixture=True),
    case(BEIT, "shared bias, absolute positions", "mean", 1, use_shared_relative_position_bias=True, use_absolute_position_embeddings=True),
    case(BEIT, "class token", "token", 1, use_relative_position_bias=True, use_mean_pooling=False),
    case(BEIT, "a bias in each layer at another size", "mean", 1, use_relative_position_bias=True, asked=(24, 24)),
    case("BeitModel", "no classifier", "mean", 1, read=pooled, classes=False, use_relative_position_bias=True),
    case(BEIT, "names of modules", "mean", 1, saved=module_names, use_relative_position_bias=True, use_mask_token=True),
    case(BEIT, "shared bias, names of modules", "mean", 1, saved=module_names, use_shared_relative_position_bias=True),
    case(BEIT, "rectangular at another size", "mean", 1, image=(16, 24), asked=(24, 32), use_relative_position_bias=True),
    case(BEIT, "no positions, no LayerScale", "mean", 1, layer_scale_init_value=0.0, hidden_act="gelu_new"),
    case(BEIT, "bare", "mean", 1, arch="beit:image_size=16x24", image=(16, 24), use_relative_position_bias=True),
    case("DINOv3ViTModel", "names of modules", "token", 5, read=pooled, classes=False, num_register_tokens=4, saved=module_names),
    case("DINOv3ViTModel", "bare", "token", 5, read=pooled, classes=False, num_register_tokens=4,
         arch="dinov3_vit:num_attention_heads=3,image_size=16"),
    shifted(SWIN1, "plain", "both", fixture=True),
    shifted(SWIN1, "padding", "both", image=14, window=3),
    shifted(SWIN1, "absolute positions", "both", use_absolute_embeddings=True, fixture=True),
    shifted(SWIN1, "bare safetensors", "both", arch="swin:image_size=16"),
    shifted(SWIN1, "no bias of q, k, v", "both", qkv_bias=False),
    shifted(SWIN1, "rectangular image", "both", image=(16, 24)),
    shifted(SWIN1, "rectangular at another size", "both", asked=(24, 20)),
    shifted(SWIN1, "three stages, patches of 4", "both", image=32, patch_size=4, depths=[2, 2, 2], num_heads=[1, 2, 4], window=2),
    shifted("SwinModel", "no classifier", "both", read=pooled, classes=False),
    shifted(SWIN2, "bfloat16, pretrained windows", "axis", dtype=torch.bfloat16, pretrained_window_sizes=[3, 2], fixture=True),
    shifted(SWIN2, "bare safetensors", "axis", arch="swinv2:image_size=16,window_size=4"),
    shifted(SWIN2, "padding", "axis", image=14, window=3),
    shifted(SWIN2, "window larger than the grid", "axis", image=8, window=7),
    shifted(SWIN2, "rectangular image", "axis", image=(16, 24)),
    shifted(SWIN2, "at another size", "axis", asked=(24, 20)),
    shifted("Swinv2Model", "no classifier", "axis", read=pooled, classes=False),
    case(VIT, "full size", "token", 1, image=224, full=True),
    case(DEIT, "full size", "token", 2, image=224, full=True, hidden_size=384, num_attention_heads=6, intermediate_size=1536),
    case(REGISTERS, "full size", "token+mean", 5, image=518, asked=(224, 224), full=True, hidden_size=384, num_attention_heads=6, patch_size=14),
    case("DINOv3ViTModel", "full size", "token", 5, read=pooled, classes=False, image=224, num_register_tokens=4, full=True),
    case(BEIT, "full size", "mean", 1, image=224, full=True, use_relative_position_bias=True),
    shifted(SWIN1, "full size", "both", image=224, window=7, full=True),
    shifted(SWIN2, "full size", "axis", image=256, window=8, full=True),
]
