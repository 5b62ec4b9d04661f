"""Makes tiny random vision transformers, exports each in several ways and writes reference results beside them.

    python test/oracle/export_models.py --out DIR [--only NAME...]     every model, every export
    python test/oracle/export_models.py --fixtures [--only NAME...]    test/fixtures/models, really small

A folder is a model: `*.onnx`, `golden.safetensors`, `golden.json`, `checkpoint/`. Needs torch, torchvision, timm,
transformers, grad-cam, onnx, onnxscript, onnxruntime, scipy; the tests of Vitreous need none of them.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import shutil
import sys
import time
import traceback

import safetensors.numpy
import torch

import exports
import goldens
import zoo

PLAIN = ["legacy-17", "dynamo-18", "dynamo-20", "dynamo-23"]
FIXED = ["legacy-17-fixed", "dynamo-20-fixed"]
EAGER = ["legacy-17-eager", "dynamo-18-eager", "legacy-13-fixed"]
ALL = [*exports.EXPORTS, *exports.DERIVED]

MODELS: dict[str, list[str]] = {
    "timm_vit": ALL,
    "timm_vit_mean": [*PLAIN, *FIXED, "legacy-14", "legacy-17-ortopt", "legacy-17-ortext", "dynamo-18-ortext",
                      "legacy-17-fp16", "dynamo-20-softmax", "dynamo-20-nhwc"],
    "timm_swin": [*PLAIN, *FIXED, "legacy-14", "dynamo-18-fixed", "dynamo-18-functions", "legacy-17-nofold",
                  "legacy-17-softmax", "legacy-17-external", "legacy-17-fp16", "legacy-17-ortext", "dynamo-18-ortext",
                  "legacy-17-nhwc", "legacy-17-int8", *EAGER],
    "timm_deit_distilled": [*EAGER, *PLAIN, *FIXED, "legacy-17-ortopt", "legacy-17-ortext", "dynamo-18-ortopt"],
    # (onnxruntime 1.31 dies on this one's export with functions)
    "torchvision_vit": [*PLAIN, *FIXED, "legacy-14", "legacy-17-ortext", "legacy-17-fp16"],
    "timm_beit": [*EAGER, *PLAIN, *FIXED, "legacy-17-ortext"],
    "timm_dinov2_reg": [*PLAIN, *FIXED, "legacy-17-ortopt", "legacy-17-ortext"],
    "timm_swinv2": [*PLAIN, *FIXED, "legacy-17-ortext", "legacy-17-fp16"],
    "timm_swin_pad": [*PLAIN, *FIXED, "legacy-17-ortext"],
    "timm_vit_rect": [*PLAIN, *FIXED, "legacy-17-nhwc"],
    "timm_vit_qknorm": [*EAGER, *PLAIN, *FIXED, "legacy-17-ortext"],
    "hf_vit": [*PLAIN, *FIXED, "legacy-13-fixed", "legacy-14", "legacy-17-ortopt", "legacy-17-ortext", "dynamo-18-functions",
               "legacy-17-fp16io", "legacy-17-int8"],
    "hf_vit_sdpa": [*PLAIN, *FIXED, "legacy-17-ortopt", "dynamo-18-ortopt"],
    "hf_swin": [*PLAIN, *FIXED, "legacy-13-fixed", "legacy-17-ortext"],
    "timm_dinov3": [*EAGER, *PLAIN, *FIXED],
    "timm_dinov2_swiglu": [*PLAIN, *FIXED],
    "timm_deit3": [*PLAIN, *FIXED],
    "timm_vit_mean_cls": [*PLAIN, *FIXED],
    "timm_vit_rect_patch": [*PLAIN],
    "timm_vit_prenorm": [*PLAIN, "legacy-17-ortext"],
    "timm_vit_rope": [*EAGER, *PLAIN],
    "timm_vit_single_head": [*PLAIN, *FIXED, "legacy-17-ortext"],
    "timm_eva02": [*EAGER, *PLAIN],
    "timm_swin_odd": [*PLAIN, *FIXED],
    "timm_swin_large_window": [*PLAIN, *FIXED],
    "timm_swin_three": [*PLAIN, "dynamo-20-fixed"],
    "timm_swinv2_pad": [*PLAIN, *FIXED],
    "torchvision_swin": [*PLAIN, *FIXED, "legacy-17-ortext"],
    "torchvision_swin_pad": [*PLAIN, *FIXED],
    "torchvision_swinv2": [*PLAIN, *FIXED],
    "hf_deit": [*PLAIN, *FIXED],
    "hf_deit_teacher": [*PLAIN, *FIXED],
    "hf_dinov2": [*PLAIN, *FIXED],
    "hf_dinov2_reg": [*PLAIN, *FIXED],
    "hf_dinov2_swiglu": [*PLAIN],
    "hf_dinov3": [*PLAIN, *FIXED],
    "hf_beit": [*PLAIN, *FIXED],
    "hf_beit_shared": [*PLAIN],
    "hf_swin_pad": [*PLAIN, *FIXED],
    "hf_swinv2": [*PLAIN, *FIXED],
}

MINI = {"dim": 16, "depth": 2, "heads": 2, "img_size": 32}
MINI_SWIN = {"dim": 8, "heads": (2, 4), "img_size": 32}
FIXTURES: dict[str, tuple[str, dict, list[str]]] = {
    # folder -> the model, its arguments, its files
    "vit": ("timm_vit", {**MINI, "depth": 3}, ["legacy-17", "legacy-17-ortopt", "legacy-17-int8"]),
    "vit_mean": ("timm_vit_mean", MINI, ["dynamo-20", "dynamo-20-softmax"]),
    "vit_attention": ("timm_vit_rect", {**MINI, "img_size": (32, 48)}, ["dynamo-23"]),
    "vit_nhwc": ("timm_vit_qknorm", MINI, ["legacy-17-nhwc"]),
    "dinov2_reg": ("timm_dinov2_reg", MINI, ["dynamo-18"]),
    "dinov3": ("timm_dinov3", MINI, ["dynamo-18-fixed"]),
    "deit_distilled": ("timm_deit_distilled", MINI, ["legacy-14"]),
    "beit": ("timm_beit", MINI, ["dynamo-18"]),
    "swin": ("timm_swin", MINI_SWIN, ["legacy-17"]),
    "swin_pad": ("timm_swin_pad", {**MINI_SWIN, "img_size": (28, 36), "window": 3}, ["dynamo-20-fixed"]),
    "swinv2": ("timm_swinv2", {**MINI_SWIN, "window": 2}, ["dynamo-18-fixed"]),
    "torchvision_vit": ("torchvision_vit", MINI, ["legacy-17-fixed"]),
    "hf_vit": ("hf_vit", MINI, ["legacy-17-fp16", "dynamo-18-fixed"]),
}


def write(folder: pathlib.Path, name: str, built: zoo.Zoo, files: list[str], seed: int, slim: bool) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    subject = built.subject
    pictures = goldens.images(subject.image, seed)
    tensors, description = goldens.goldens(subject, pictures)
    heads, dim = tensors["attention.0"].shape[1], subject.norm.normalized_shape[0]
    entries, failed = [], {}
    with_derived = [f for f in files if f in exports.EXPORTS]
    needed = dict.fromkeys([*with_derived, *(exports.DERIVED[f] for f in files if f in exports.DERIVED)])
    made = {}
    for stem in [*needed, *(f for f in files if f in exports.DERIVED)]:
        path = folder / f"{stem}.onnx"
        try:
            if stem in exports.DERIVED:
                exports.derive(subject, heads, dim, folder / f"{exports.DERIVED[stem]}.onnx", path)
            else:
                exports.export(subject, path, **exports.EXPORTS[stem])
            made[stem] = path
            entries.append(exports.described(path, pictures, tensors["input"], tensors["logits"]))
        except Exception as error:  # one exporter's failure must not cost the other files
            failed[stem] = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:160] if str(error) else ''}"
            path.unlink(missing_ok=True)
    for stem, path in made.items():
        if stem not in files:
            path.unlink()
        elif slim:
            exports.without_traces(path)
    entries = [e for e in entries if e["file"].removesuffix(".onnx") in files]
    if any(e["layout"] != "NCHW" for e in entries):
        tensors["input_uint8"] = pictures
    if not slim or name.startswith("vit"):
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)
        built.save(folder / "checkpoint")
    safetensors.numpy.save_file(tensors, folder / "golden.safetensors")
    (folder / "golden.json").write_text(json.dumps({"name": name, **description, "exports": entries}, indent=1) + "\n")
    return {"description": description, "entries": entries, "failed": failed}


def index(out: pathlib.Path, failures: dict[str, dict[str, str]]) -> None:
    lines = ["# Models", "", "| model | head | prefix | grid | file | opset | nodes | error of the export |", "|" + "---|" * 8]
    for path in sorted(out.glob("*/golden.json")):
        golden = json.loads(path.read_text())
        for e in golden["exports"]:
            lines.append(
                f"| {golden['name']} | {golden['head']} | {golden['prefix_tokens']} | {golden['grid']} | {e['file']} | "
                f"{e['opset']['ai.onnx']} | {e['nodes']} | {e['relative_error_of_export']:.1e} |"
            )
    if failures:
        lines += ["", "## Exports that failed", ""]
        lines += [f"- {model} {stem}: {why}" for model, f in failures.items() for stem, why in f.items()]
    (out / "INDEX.md").write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--fixtures", action="store_true")
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    torch.set_num_threads(1)  # the models are too small for more
    if options.fixtures == (options.out is not None):
        parser.error("give either --out DIR or --fixtures")
    out = pathlib.Path(__file__).parents[1] / "fixtures" / "models" if options.fixtures else options.out
    out.mkdir(parents=True, exist_ok=True)
    failures_file = out / "failures.json"
    failures = json.loads(failures_file.read_text()) if failures_file.exists() else {}
    jobs = FIXTURES if options.fixtures else {name: (name, {}, files) for name, files in MODELS.items()}
    for position, (name, (builder, arguments, files)) in enumerate(jobs.items()):
        if options.only and name not in options.only:
            continue
        started = time.monotonic()
        try:
            built = getattr(zoo, builder)(**arguments)
            result = write(out / name, name, built, files, 100 + position, slim=options.fixtures)
        except Exception:
            traceback.print_exc()
            failures[name] = {"model": "not built"}
            continue
        failures.pop(name, None)
        if result["failed"]:
            failures[name] = result["failed"]
        print(f"{name}: {len(result['entries'])} files, {time.monotonic() - started:.0f} s", file=sys.stderr)
        for stem, why in result["failed"].items():
            print(f"  {stem} failed: {why}", file=sys.stderr)
        if not options.fixtures:
            failures_file.write_text(json.dumps(failures, indent=1))
            index(out, failures)


if __name__ == "__main__":
    main()
