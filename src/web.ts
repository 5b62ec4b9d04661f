/** @file `vitreous/web`: the same in a page, on onnxruntime-web. */
export type { WebCheckpoint } from "./api/web/checkpoint.js";
export { type OpenWebOptions, openModel } from "./api/web/open.js";
export { WebModel } from "./api/web/web-model.js";
export * from "./core.js";
