import { describe, expect, it } from "vitest";
import { failure } from "./failure.js";

const situation = {
  doing: "run",
  model: "the model 'a.onnx'",
  device: "cuda",
  devices: ["cpu", "cuda"],
} as const;

/** Messages as ONNX Runtime 1.30 words them, and what the user reads. */
const messages: readonly [string, string][] = [
  [
    "Non-zero status code returned while running Add node. Name:'s' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/math/element_wise_ops.h:563 void onnxruntime::BroadcastIterator::Init(ptrdiff_t, ptrdiff_t) axis == 1 || axis == largest was false. Attempting to broadcast an axis by a dimension other than 1. 2 by 3\n",
    "Running the model 'a.onnx' failed at the node 's' (Add): Attempting to broadcast an axis by a dimension other than 1. 2 by 3",
  ],
  [
    "Non-zero status code returned while running MatMul node. Name:'s' Status Message: matmul_helper.h:59 Compute MatMul dimension mismatch",
    "Running the model 'a.onnx' failed at the node 's' (MatMul): MatMul dimension mismatch",
  ],
  [
    "Non-zero status code returned while running Reshape node. Name:'s' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/reshape_helper.h:84 onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, onnxruntime::TensorShapeVector&, bool) size != 0 && (input_shape_size % size) == 0 was false. The input tensor cannot be reshaped to the requested shape. Input shape:{4}, requested shape:{3,-1}\n",
    "Running the model 'a.onnx' failed at the node 's' (Reshape): The input tensor cannot be reshaped to the requested shape. Input shape:{4}, requested shape:{3,-1}",
  ],
  [
    "Non-zero status code returned while running Expand node. Name:'s' Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 281474976710656\n",
    "There is not enough memory to run the model 'a.onnx' on this batch; use a smaller batch.",
  ],
  [
    "OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library",
    "The device 'cuda' cannot be used on this machine: OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library. The installed ONNX Runtime was built for cpu, cuda; cuda needs its libraries installed beside onnxruntime-node. Use 'cpu' otherwise.",
  ],
  [
    "/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No supported adapters\n",
    "The device 'cuda' cannot be used on this machine: Failed to get a WebGPU adapter: No supported adapters. The installed ONNX Runtime was built for cpu, cuda; cuda needs its libraries installed beside onnxruntime-node. Use 'cpu' otherwise.",
  ],
  ["Something new.\nIn two lines.", "Running the model 'a.onnx' failed: Something new. In two lines."],
];

describe("a failure of ONNX Runtime", () => {
  it.each(messages)("is said in one sentence: %s", (message, said) => {
    const error = failure(message, situation);
    expect(error.message).toBe(said);
    expect(error.cause).toBe(message);
  });
});
