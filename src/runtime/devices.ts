/** @file Where Node computes: names of ONNX Runtime's execution providers, for whoever has to list them. */
export const DEVICES = ["cpu", "cuda", "dml", "coreml", "webgpu"] as const;
