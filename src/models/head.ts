/**
 * @file A linear classifier that is kept in a file of its own, as linear probes of DINO and DINOv2 are: which of a file's
 * tensors it is, which features of a trunk it takes, and how it is written behind them.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Features, Plan } from "./architecture.js";
import { int, LOGITS, type Site } from "./layers.js";
import type { Adjoint } from "./rearrange.js";
import type { StoredTensor, StoredTensors } from "./stored-tensor.js";

/** How a class token and a mean of patches lie in the features: one behind the other, or by turns. */
export const FEATURE_ORDERS = ["concatenated", "interleaved"] as const;
export type FeatureOrder = (typeof FEATURE_ORDERS)[number];

export interface LinearHead {
  /** What messages call the file. */
  readonly source: string;
  readonly weight: StoredTensor;
  readonly bias: StoredTensor | undefined;
  readonly classes: number;
  /** Features that it takes. */
  readonly width: number;
  /** Undefined: as the user has not said, and only asked for where a head takes both. */
  readonly order: FeatureOrder | undefined;
  /** Whether the layer is called "linear", as in DINO's evaluation, whose features lie by turns. */
  readonly likeDino: boolean;
}

/** What wraps the classifier in a file. */
const WRAPPERS = /^(?:(?:module|_orig_mod|model)\.)*/;

/** What a linear classifier's layer is called; nothing where it was saved alone. */
const LAYERS = ["", "linear.", "head.", "classifier.", "fc."];

/**
 * The linear classifier in a file's tensors: weight [classes, features], bias [classes] if there is one.
 *
 * @throws VitreousError where there is none, or more than one layer
 */
export function readHead(tensors: StoredTensors, source: string, order?: FeatureOrder): LinearHead {
  const plain = new Map([...tensors].map(([name, tensor]) => [name.replace(WRAPPERS, ""), tensor]));
  const layer = LAYERS.find((name) => plain.has(`${name}weight`));
  const weight = plain.get(`${layer}weight`);
  const bias = plain.get(`${layer}bias`);
  const rest = [...plain.keys()].filter((name) => name !== `${layer}weight` && name !== `${layer}bias`);
  if (layer === undefined || weight === undefined || rest.length > 0) {
    const found = [...plain.keys()].slice(0, 4).join(", ");
    throw new VitreousError(
      `${source} is no linear classifier: a tensor "weight" [classes, features] and a "bias" [classes] are expected, alone or under ${LAYERS.slice(1).join(", ")} or module., but it has ${plain.size} tensors (${found}${plain.size > 4 ? ", …" : ""})`,
    );
  }
  const [classes = 0, width = 0] = weight.dims;
  if (weight.dims.length !== 2 || (bias !== undefined && bias.dims.join() !== String(classes))) {
    throw new VitreousError(
      `${source} is no linear classifier: its weight is [${weight.dims.join(", ")}]${bias === undefined ? "" : ` and its bias [${bias.dims.join(", ")}]`}, not [classes, features] and [classes]`,
    );
  }
  return { source, weight, bias, classes, width, order, likeDino: layer === "linear." };
}

const WEIGHT = "linear_head.weight";
const BIAS = "linear_head.bias";

/** The checkpoint's tensors with the head's beside them, under the names that `headPlan` takes. */
export function withHeadTensors(tensors: StoredTensors, { weight, bias }: LinearHead): StoredTensors {
  return new Map([...tensors, [WEIGHT, weight], ...(bias === undefined ? [] : [[BIAS, bias] as const])]);
}

/** The order for a head that takes class token and mean of patches. */
function orderOf({ order, likeDino, source }: LinearHead): FeatureOrder {
  if (order !== undefined) return order;
  if (!likeDino) return "concatenated";
  throw new VitreousError(
    `${source} takes the class token and the mean of the patches, but does not say how they lie: give ${source}:order=interleaved for DINO's own linear classifiers (its eval_linear.py puts them by turns), ${source}:order=concatenated for others`,
  );
}

/** Column of the stored weight that belongs to feature i of [class token | mean of patches]. */
const columnOf = (order: FeatureOrder, width: number, i: number): number =>
  order === "concatenated" ? i : i < width / 2 ? 2 * i : 2 * (i - width / 2) + 1;

/** features [n, width] → logits [n, classes] */
function classify({ graph, weights }: Site, x: string, head: LinearHead, order: FeatureOrder): string {
  const { classes, width, bias } = head;
  const dims = [classes, width];
  if (order === "concatenated") graph.define(WEIGHT, weights.take(WEIGHT, dims));
  else {
    const compute = ([from]: readonly Float32Array[], out: Float32Array): void => {
      for (let row = 0; row < out.length; row += width) {
        for (let i = 0; i < width; i++) out[row + i] = from?.[row + columnOf(order, width, i)] ?? 0;
      }
    };
    const adjoint: Adjoint = (out, [to]) => {
      for (let row = 0; to !== undefined && row < out.length; row += width) {
        for (let i = 0; i < width; i++) {
          const at = row + columnOf(order, width, i);
          to[at] = (to[at] ?? 0) + (out[row + i] ?? 0);
        }
      }
    };
    graph.define(WEIGHT, weights.derive([{ name: WEIGHT, dims }], dims, compute, adjoint));
  }
  const terms = [x, WEIGHT];
  if (bias !== undefined) {
    graph.define(BIAS, weights.take(BIAS, [classes]));
    terms.push(BIAS);
  }
  return graph.add("Gemm", terms, { transB: int(1) }, { scope: "linear_head", outputs: [LOGITS] });
}

/**
 * The plan of a trunk with the head behind it.
 *
 * @param planFor the trunk's plan that gives such features
 * @param widthOf how many features a plan gives
 * @throws VitreousError where the head takes other features than the trunk has
 */
export function headPlan(
  head: LinearHead,
  planFor: (features: Features) => Plan,
  widthOf: (plan: Plan) => number | undefined,
): Plan {
  const { source, width, classes } = head;
  const pooled = planFor("pooled");
  const own = widthOf(pooled);
  if (pooled.classes > 0 || own === undefined) {
    throw new VitreousError(`${source}: this architecture's classifier cannot be replaced by another one`);
  }
  const ending = (plan: Plan, order: FeatureOrder, what: string): Plan => ({
    ...plan,
    classes,
    write: (site, pixels) => classify(site, plan.write(site, pixels), head, order),
    notes: [
      ...(plan.notes ?? []),
      `The linear classifier in ${source} reads ${what} and gives ${classes} classes.`,
    ],
  });
  if (width === own) return ending(pooled, "concatenated", `the ${own} features of the model`);
  if (width === 2 * own) {
    const order = orderOf(head);
    const both = planFor("token-and-mean");
    if (widthOf(both) === width)
      return ending(both, order, `the class token and the mean of the patches (${order})`);
  }
  const layers =
    width % own === 0
      ? `; that is ${width / own} × ${own}: a linear probe on several layers' class tokens (DINO's and DINOv2's with n_last_blocks=4) is not supported, only one on the last layer's`
      : "";
  throw new VitreousError(
    `${source} takes ${width} features, but the model gives ${own} (the class token or pooled tokens) or ${2 * own} (with the mean of the patches)${layers}`,
  );
}
