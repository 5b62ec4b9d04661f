"""ONNX files that exercise the reader: local functions, bfloat16 and mixed precision. Each with its output.

    python test/oracle/onnx_files.py   # writes test/fixtures/onnx
"""

from __future__ import annotations

import json
import pathlib

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import onnxscript
from onnxscript import FLOAT
from onnxscript import opset18 as op

OUT = pathlib.Path(__file__).parent.parent / "fixtures" / "onnx"
rng = np.random.default_rng(7)
layer = onnxscript.values.Opset("pkg.layers", 1)
aten = onnxscript.values.Opset("pkg.aten", 1)


@onnxscript.script(aten)
def gelu(x, alpha: float = 1.0):
    half = op.Constant(value_float=0.5)
    one = op.Constant(value_float=1.0)
    root = op.Sqrt(op.Constant(value_float=2.0))
    return op.Mul(op.Mul(x, half), op.Add(op.Erf(op.Div(op.Mul(x, op.Constant(value_float=alpha)), root)), one))


@onnxscript.script(aten)
def linear(x, weight, bias):
    return op.Add(op.MatMul(x, op.Transpose(weight, perm=[1, 0])), bias)


@onnxscript.script(aten)
def softmax(x, axis: int):
    return op.Softmax(x, axis=axis)


@onnxscript.script(layer)
def mlp(x, w1, b1, w2, b2):
    hidden = gelu(linear(x, w1, b1), alpha=1.5)
    return linear(hidden, w2, b2)


@onnxscript.script(layer)
def block(x, w1, b1, w2, b2):
    y = mlp(x, w1, b1, w2, b2)
    return op.Add(x, op.Add(softmax(y, axis=-1), gelu(y)))


w1, b1 = rng.normal(size=(8, 4)).astype(np.float32), rng.normal(size=8).astype(np.float32)
w2, b2 = rng.normal(size=(4, 8)).astype(np.float32), rng.normal(size=4).astype(np.float32)


@onnxscript.script()
def network(x: FLOAT[2, 4]) -> FLOAT[2, 4]:
    a = block(x, op.Constant(value=w1), op.Constant(value=b1), op.Constant(value=w2), op.Constant(value=b2))
    return block(a, op.Constant(value=w1), op.Constant(value=b1), op.Constant(value=w2), op.Constant(value=b2))


# What onnxscript does not write: overloads, absent optional inputs and outputs, an output that is an input,
# attributes without default left out, subgraphs that read the function's values.
TEXT = """
<ir_version: 10, opset_import: ["" : 18, "f" : 1]>
agraph (float[2, 4] x, float low) => (float[2, 4] y)
{
   unused_name = Identity (x)
   a, same = f.clamp (x, low)
   b, other = f.clamp (a)
   c = f.scale <factor = 3.0> (b)
   d = f.scale (c)
   e = f.pick <first = 1> (d, same)
   g = f.pick <first = 0> (d, e)
   tmp = f.soft <ax = 0> (g)
   h = f.soft (tmp)
   k = Add (h, g)
   y = Add (k, other)
}
<domain: "f", opset_import: ["" : 18]>
clamp (v, low) => (out, v)
{
   out = Clip (v, low)
}
<domain: "f", opset_import: ["" : 18]>
scale <factor: float = 2.0> (v) => (out)
{
   tmp = Constant <value_float: float = @factor> ()
   out = Mul (v, tmp)
}
<domain: "f", opset_import: ["" : 18]>
soft <ax> (v) => (out)
{
   tmp = Relu (v)
   out = Softmax <axis: int = @ax> (tmp)
}
<domain: "f", opset_import: ["" : 18, "f" : 1]>
pick <first> (v, w) => (out)
{
   tmp = Constant <value_int: int = @first> ()
   cond = Cast <to = 9> (tmp)
   out = If (cond) <
      then_branch = g1 () => (then_out) { s = f.scale (v) then_out = Neg (s) },
      else_branch = g2 () => (else_out) { s = f.scale <factor = 0.5> (w) else_out = Neg (s) }
   >
}
"""


def softmax_of(v: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(v - v.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def by_hand(x: np.ndarray, low: float, second: float) -> np.ndarray:
    """What TEXT computes, written down again: neither ONNX Runtime nor onnx's evaluator takes all of it.
    `second` is the factor of the calls of `scale` that give none."""
    a = np.maximum(x, low)
    d = a * 3.0 * second
    e = -(d * second)
    g = -(e * 0.5)
    h = softmax_of(np.maximum(softmax_of(np.maximum(g, 0), 0), 0), -1)
    return h + g + a


def save(name: str, model: onnx.ModelProto, feeds: dict[str, np.ndarray], result: np.ndarray) -> None:
    onnx.checker.check_model(model)
    (OUT / f"{name}.onnx").write_bytes(model.SerializeToString())
    golden = {
        "feeds": {k: {"dims": list(v.shape), "data": v.ravel().tolist()} for k, v in feeds.items()},
        "output": result.ravel().tolist(),
    }
    (OUT / f"{name}.json").write_text(json.dumps(golden) + "\n")


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    x = rng.normal(size=(2, 4)).astype(np.float32)
    model = network.to_model_proto(ir_version=10)
    assert len(model.functions) == 5
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    save("functions-nested", model, {"x": x}, session.run(None, {"x": x})[0])
    feeds = {"x": x, "low": np.float32(-0.3).reshape(())}
    save("functions-odd", onnx.parser.parse_model(TEXT), feeds, by_hand(x, -0.3, 2.0))
    overloads = onnx.parser.parse_model(TEXT)
    for function in overloads.functions:
        if function.name == "scale":
            function.overload = "first"
    for holder in [overloads.graph, *overloads.functions]:
        for node in holder.node:
            if node.op_type == "scale":
                node.overload = "first"
    second = onnx.FunctionProto()
    second.CopyFrom(next(f for f in overloads.functions if f.name == "scale"))
    second.overload = "second"
    second.attribute_proto[0].f = 5.0
    overloads.functions.append(second)
    next(n for n in overloads.graph.node if n.op_type == "scale" and not n.attribute).overload = "second"
    for function in overloads.functions:
        if function.name == "pick":
            for attribute in function.node[2].attribute:
                for node in attribute.g.node:
                    if node.op_type == "scale":
                        node.overload = "second"
    save("functions-overloaded", overloads, feeds, by_hand(x, -0.3, 5.0))


if __name__ == "__main__":
    main()
