"""Converts checkpoints by the command line and checks the files with ONNX's own tools.

    python test/oracle/check_convert.py DIR [--only TEXT...]

DIR is what checkpoints.py made. Each file must pass onnx.checker with full checks, strict shape inference with data
propagation, and give the library's logits in onnxruntime for one, two and three images, with and without its graph
optimisations. Needs the built package (npm run build) and node.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

CLI = pathlib.Path(__file__).parents[2] / "dist" / "cli" / "main.js"


def convert(folder: pathlib.Path, golden: dict, out: pathlib.Path) -> None:
    arguments = ["convert", folder / golden["open"], "-o", out]
    if golden["arch"]:
        arguments += ["--arch", golden["arch"]]
    if golden["image_size"]:
        arguments += ["--image-size", "x".join(map(str, golden["image_size"]))]
    done = subprocess.run(["node", CLI, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise ValueError(done.stderr.strip().splitlines()[-1])


def session(path: pathlib.Path, level) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def check(folder: pathlib.Path) -> tuple[float, float]:
    """The largest relative error of the logits, and what is allowed: 1e-5 beside the library's own rounding."""
    golden = json.loads((folder / "golden.json").read_text())
    tensors = load_file(folder / "golden.safetensors")
    x, want = tensors["input"], tensors["logits"]
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary) / "model.onnx"
        convert(folder, golden, path)
        onnx.checker.check_model(path, full_check=True)
        model = onnx.load(path)
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        [output] = inferred.graph.output
        dims = output.type.tensor_type.shape.dim
        if [d.dim_value for d in dims][1:] != list(want.shape[1:]) or not dims[0].dim_param:
            raise ValueError(f"the output's shape is declared as {dims}")
        shaped = {v.name for v in inferred.graph.value_info if v.type.tensor_type.HasField("shape")}
        unknown = [o for n in model.graph.node for o in n.output if o and o not in shaped and o != output.name]
        if unknown:
            raise ValueError(f"shape inference does not reach {len(unknown)} values: {unknown[:3]}")
        worst = 0.0
        for level in (
            onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
            onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
        ):
            run = session(path, level)
            for batch in ([0], [0, 1], [1, 0, 1]):
                [got] = run.run(None, {"pixel_values": x[batch]})
                worst = max(worst, float(np.abs(got - want[batch]).max() / np.abs(want).max()))
    return worst, 1e-5 + (golden["float64_error"] or 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    failed = passed = 0
    for path in sorted(options.folder.glob("*/golden.json")):
        name = path.parent.name
        if options.only and not any(text in name for text in options.only):
            continue
        try:
            error, limit = check(path.parent)
            problem = "" if error <= limit else f"logits differ by {error:.1e}"
        except Exception as exception:
            problem = f"{type(exception).__name__}: {str(exception).strip().splitlines()[0][:300]}"
        failed += bool(problem)
        passed += not problem
        print(f"{name}: {problem or f'{error:.0e}'}", flush=True)
    print(f"{passed} as they should be, {failed} not")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
