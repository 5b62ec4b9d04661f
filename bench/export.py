"""Exports the models that the benchmarks run, with random weights, by torch.export at opset 20, and saves the same models
as checkpoints.

    python bench/export.py DIR [--models NAME...]

Writes DIR/<model>.onnx with any batch size, and DIR/<model>/ as timm's hub layout has it; what is there already is kept.
Needs torch, timm, onnxscript.
"""

import argparse
import pathlib

import timm
import torch

MODELS = ["vit_base_patch16_224", "vit_tiny_patch16_224", "deit_small_patch16_224", "swin_tiny_patch4_window7_224"]

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--models", nargs="+", default=MODELS)
options = parser.parse_args()
options.folder.mkdir(parents=True, exist_ok=True)
for name in options.models:
    path = options.folder / f"{name}.onnx"
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False).eval()
    if not (options.folder / name).exists():
        timm.models.save_for_hf(model, options.folder / name, safe_serialization=True)
    if path.exists():
        continue
    program = torch.onnx.export(
        model,
        (torch.randn(2, 3, 224, 224),),
        dynamo=True,
        opset_version=20,
        input_names=["pixel_values"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
    )
    # Written whole before it gets its name: an interrupted export is not taken for a finished one.
    part = path.with_suffix(".part")
    program.save(str(part), external_data=False)
    part.rename(path)
    print(path)
