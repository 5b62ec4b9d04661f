/**
 * @file DINO's projection head (facebookresearch/dino, vision_transformer.py, DINOHead): an MLP, its result normalised, and
 * similarities to prototypes. The student's temperature is a part of it, so that its logits are classified like any.
 */

import { filled } from "../../models/derived.js";
import { evenlyDrawn, truncatedNormal } from "../../models/drawn.js";
import { activation, int, LOGITS, layer, linear, parameter, type Site } from "../../models/layers.js";
import type { StoredTensor } from "../../models/stored-tensor.js";
import { VitreousError } from "../../onnx/errors.js";
import type { DinoHeadOptions } from "./types.js";

/** torch.nn.functional.normalize: vectors shorter than this are not stretched to length 1. */
const SHORTEST = 1e-12;
const DEVIATION = 0.02;

const HEAD = "dino_head";
const MLP = `${HEAD}.mlp`;
const LAST = `${HEAD}.last_layer`;
const DIRECTIONS = `${LAST}.weight_v`;
const LENGTHS = `${LAST}.weight_g`;

export type Head = Required<DinoHeadOptions> & {
  /** Features that it takes. */
  readonly width: number;
  readonly temperature: number;
};

/** Whether a tensor is the head's. */
export const isOfHead = (tensor: string): boolean => tensor.startsWith(`${HEAD}.`);

/** Whether it is of the head's last layer, which the first epoch leaves as it is. */
export const isOfLastLayer = (tensor: string): boolean => tensor.startsWith(`${LAST}.`);

/** @throws VitreousError for numbers that make no head */
export function headOf(
  width: number,
  temperature: number,
  { out = 4096, hidden = 512, bottleneck = 256, layers = 3, normLast = true }: DinoHeadOptions = {},
): Head {
  for (const [what, value] of Object.entries({ out, hidden, bottleneck, layers })) {
    if (!Number.isInteger(value) || value < 1)
      throw new VitreousError(`The projection head's ${what} must be a whole number above 0, not ${value}.`);
  }
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new VitreousError(`The student's temperature must be a number above 0, not ${temperature}.`);
  return { out, hidden, bottleneck, layers, normLast, width, temperature };
}

/** The MLP's linear layers: module path, inputs, outputs. */
function linears({
  width,
  hidden,
  bottleneck,
  layers,
}: Head): readonly (readonly [string, number, number])[] {
  return Array.from({ length: layers }, (_, i) => [
    // torch.nn.Sequential counts the activations too; a single layer is no Sequential.
    layers === 1 ? MLP : `${MLP}.${2 * i}`,
    i === 0 ? width : hidden,
    i === layers - 1 ? bottleneck : hidden,
  ]);
}

/** The head's first weights, as DINOHead draws them: the last layer as torch.nn.Linear does. */
export function freshHead(head: Head, seed: number): ReadonlyMap<string, StoredTensor> {
  const { out, bottleneck, normLast } = head;
  const all = new Map<string, StoredTensor>();
  for (const [module, inputs, outputs] of linears(head)) {
    all.set(`${module}.weight`, truncatedNormal(`${module}.weight`, [outputs, inputs], DEVIATION, seed));
    all.set(`${module}.bias`, filled([outputs], 0));
  }
  all.set(DIRECTIONS, evenlyDrawn(DIRECTIONS, [out, bottleneck], bottleneck ** -0.5, seed));
  if (!normLast) all.set(LENGTHS, filled([out, 1], 1));
  return all;
}

/** Features [n, width] → logits [n, out]: similarities over the student's temperature. */
export function writeProjection(site: Site, head: Head, features: string): string {
  const { out, bottleneck, normLast, temperature } = head;
  const { graph } = site;
  let x = features;
  for (const [i, [module, inputs, outputs]] of linears(head).entries()) {
    if (i > 0) x = activation(site, `${MLP}.${2 * i - 1}`, x, "gelu");
    x = linear(site, module, x, inputs, outputs, true);
  }
  const length = layer(site, HEAD, "Max", [
    layer(site, HEAD, "ReduceL2", [x, graph.ints([-1])], { keepdims: int(1) }),
    graph.float(SHORTEST),
  ]);
  const unit = layer(site, HEAD, "Div", [x, length]);
  const directions = parameter(site, DIRECTIONS, [out, bottleneck]);
  const products = layer(site, LAST, "Gemm", [unit, directions], { transB: int(1) });
  // Rows are not normalised themselves but what is multiplied with them: `out` numbers in the place of a matrix.
  const norms = layer(site, LAST, "ReduceL2", [directions, graph.ints([1])], { keepdims: int(0) });
  const scale = graph.float(1 / temperature);
  const factors = normLast
    ? layer(site, LAST, "Div", [scale, norms])
    : layer(site, LAST, "Div", [
        layer(site, LAST, "Mul", [
          layer(site, LAST, "Reshape", [parameter(site, LENGTHS, [out, 1]), graph.ints([out])]),
          scale,
        ]),
        norms,
      ]);
  return graph.add("Mul", [products, factors], {}, { scope: LAST, outputs: [LOGITS] });
}
