/** @file `vitreous` in Node. */

export { type Conversion, convertModel } from "./api/node/convert.js";
export { NodeModel } from "./api/node/node-model.js";
export { type OpenOptions, openModel } from "./api/node/open.js";
export * from "./core.js";
