"""One classifier to .onnx files, in the ways people make them."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import pathlib
import shutil
import tempfile
import warnings

import numpy as np
import onnx
import onnx.helper
import onnxruntime
import torch

from goldens import MEAN, STD, Subject

logging.getLogger("torch.onnx").setLevel(logging.ERROR)
logging.getLogger("onnxscript").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")

EXPORTS: dict[str, dict] = {
    # file stem -> options of one export by PyTorch
    "legacy-14": {"opset": 14},
    "legacy-17": {"opset": 17},
    "legacy-17-fixed": {"opset": 17, "fixed": True},
    "legacy-17-nofold": {"opset": 17, "fold": False},
    "legacy-13-fixed": {"opset": 13, "fixed": True, "eager": True},
    "legacy-17-eager": {"opset": 17, "eager": True},
    "dynamo-18-eager": {"opset": 18, "dynamo": True, "eager": True},
    "dynamo-18": {"opset": 18, "dynamo": True},
    "dynamo-18-fixed": {"opset": 18, "dynamo": True, "fixed": True},
    "dynamo-20": {"opset": 20, "dynamo": True},
    "dynamo-20-fixed": {"opset": 20, "dynamo": True, "fixed": True},
    "dynamo-23": {"opset": 23, "dynamo": True},
    "dynamo-23-fixed": {"opset": 23, "dynamo": True, "fixed": True},
    "dynamo-18-functions": {"opset": 18, "dynamo": True, "optimize": False},
    "dynamo-18-half": {"opset": 18, "dynamo": True, "half": True},
    "legacy-17-nhwc": {"opset": 17, "nhwc": True},
    "dynamo-20-nhwc": {"opset": 20, "dynamo": True, "nhwc": True},
}

DERIVED: dict[str, str] = {
    # file stem -> the export it is made from
    "legacy-17-softmax": "legacy-17",
    "legacy-17-external": "legacy-17",
    "legacy-17-fp16": "legacy-17",
    "legacy-17-fp16io": "legacy-17",
    "legacy-17-ortopt": "legacy-17",
    "legacy-17-ortext": "legacy-17",
    "legacy-17-int8": "legacy-17",
    "dynamo-18-ortopt": "dynamo-18",
    "dynamo-18-ortext": "dynamo-18",
    "dynamo-20-softmax": "dynamo-20",
    "dynamo-20-ortext": "dynamo-20",
    "dynamo-18-fixed-ortext": "dynamo-18-fixed",
}


class Preprocessing(torch.nn.Module):
    """uint8 [n, H, W, 3] -> logits: what deployment toolkits put into the file."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.from_numpy(MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.from_numpy(STD).reshape(1, 3, 1, 1))

    def forward(self, image):
        return self.model((image.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std)


def export(subject: Subject, path: pathlib.Path, opset: int, dynamo=False, fixed=False, fold=True, optimize=True,
           half=False, nhwc=False, eager=False) -> None:
    """`eager`: timm's attention written out (matmul, softmax, matmul) instead of the fused operator."""
    switches = [m for m in subject.model.modules() if eager and getattr(m, "fused_attn", False)]
    for module in switches:
        module.fused_attn = False
    model = Preprocessing(subject.model).eval() if nhwc else subject.model
    name = "image" if nhwc else "pixel_values"
    count = 1 if fixed else 2
    x = torch.randn(count, 3, *subject.image)
    if nhwc:
        x = torch.randint(0, 256, (count, *subject.image, 3), dtype=torch.uint8)
    if half:
        model, x = copy.deepcopy(model).half(), x.half()
    try:
        with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
            if dynamo:
                shapes = None if fixed else ({0: torch.export.Dim("batch", min=1, max=1024)},)
                program = torch.onnx.export(
                    model, (x,), dynamo=True, opset_version=opset, input_names=[name], output_names=["logits"],
                    dynamic_shapes=shapes, optimize=optimize, verbose=False,
                )
                program.save(str(path), external_data=False)
            else:
                torch.onnx.export(
                    model, (x,), str(path), dynamo=False, opset_version=opset, input_names=[name],
                    output_names=["logits"], do_constant_folding=fold,
                    dynamic_axes=None if fixed else {name: {0: "batch"}, "logits": {0: "batch"}},
                )
    finally:
        for module in switches:
            module.fused_attn = True


def derive(subject: Subject, heads: int, dim: int, source: pathlib.Path, path: pathlib.Path) -> None:
    kind = path.stem.rsplit("-", 1)[1]
    if kind == "softmax":
        model = onnx.load(source)
        model.graph.node.append(onnx.helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1))
        model.graph.output[0].name = "probabilities"
        onnx.save(model, path)
    elif kind == "external":
        onnx.save(
            onnx.load(source), path, save_as_external_data=True, all_tensors_to_one_file=True,
            location=path.stem + ".data", size_threshold=256,
        )
    elif kind in ("fp16", "fp16io"):
        from onnxruntime.transformers.float16 import convert_float_to_float16

        onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=kind == "fp16"), path)
    elif kind == "ortopt":
        from onnxruntime.transformers import optimizer

        optimised = optimizer.optimize_model(str(source), model_type="vit", num_heads=heads, hidden_size=dim, opt_level=1)
        optimised.save_model_to_file(str(path))
    elif kind == "ortext":
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    elif kind == "int8":
        from onnxruntime.quantization import quantize_dynamic

        with tempfile.TemporaryDirectory() as folder:
            plain = pathlib.Path(folder) / "source.onnx"
            shutil.copy(source, plain)
            quantize_dynamic(str(plain), str(path))
    else:
        raise ValueError(kind)


def without_traces(path: pathlib.Path) -> None:
    """Drops the exporter's stack traces: half of a small file, and full of the machine's own paths."""
    model = onnx.load(path)
    del model.graph.metadata_props[:]
    for function in model.functions:
        del function.metadata_props[:]
    for node in [*model.graph.node, *(n for f in model.functions for n in f.node)]:
        kept = [p for p in node.metadata_props if not p.key.endswith(("stack_trace", "fx_node"))]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    onnx.save(model, path)


def described(path: pathlib.Path, pictures: np.ndarray, x: np.ndarray, logits: np.ndarray) -> dict:
    """The entry of golden.json: what the file is and how far its logits are from PyTorch's."""
    model = onnx.load(path, load_external_data=False)
    operators = {n.op_type if n.domain in ("", "ai.onnx") else f"{n.domain}:{n.op_type}" for n in model.graph.node}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    feed = pictures if entry.type == "tensor(uint8)" else x.astype(np.float16 if "float16" in entry.type else np.float32)
    fixed = entry.shape[0] == 1
    parts = [feed[i : i + 1] for i in range(len(feed))] if fixed else [feed]
    result = np.concatenate([session.run(None, {entry.name: part})[0] for part in parts]).astype(np.float64)
    probabilities = session.get_outputs()[0].name == "probabilities"
    expected = torch.softmax(torch.from_numpy(logits).double(), 1).numpy() if probabilities else logits
    return {
        "file": path.name,
        "opset": {i.domain or "ai.onnx": i.version for i in model.opset_import},
        "input": entry.name,
        "layout": "NHWC uint8, preprocessing inside" if entry.type == "tensor(uint8)" else "NCHW",
        "output": "probabilities" if probabilities else "logits",
        "batch": 1 if fixed else "dynamic",
        "nodes": len(model.graph.node),
        "functions": len(model.functions),
        "operators": sorted(operators),
        "relative_error_of_export": float(np.abs(result - expected).max() / np.abs(expected).max()),
    }
