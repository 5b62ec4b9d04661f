/** @file A VisionTransformer of timm before its graph is written: its arguments and pooling, checked against each other. */
import { VitreousError } from "../../onnx/errors.js";
import type { TensorShapes } from "../stored-tensor.js";
import { timmArchitecture } from "./architectures.js";
import type { TimmDescription } from "./config.js";
import { type VitArguments, vitArguments } from "./vit-arguments.js";

/** All that is known before the graph is written. */
export interface Context {
  readonly description: TimmDescription;
  readonly args: VitArguments;
  readonly tensors: TensorShapes;
  readonly distilled: boolean;
  readonly pool: NonNullable<VitArguments["global_pool"]>;
  /** The pooling is not the one that the model was made with. */
  readonly pooledLater: boolean;
}

export function refuse({ architecture }: TimmDescription, why: string): never {
  throw new VitreousError(`${architecture} cannot be built: ${why}.`);
}

/** @throws VitreousError for what timm does not build, and for what no graph can be written for */
export function contextOf(description: TimmDescription, tensors: TensorShapes): Context {
  const args = vitArguments(description);
  const distilled = timmArchitecture(description.architecture)?.class === "VisionTransformerDistilled";
  const no = (why: string): never => refuse(description, why);
  // The configuration tells the saved model's pooling beside the arguments it was made with.
  const told = "global_pool" in description.args ? undefined : description.pool;
  const pool = told === undefined ? (args.global_pool ?? "token") : poolNamed(told, no);
  if (pool === "" || pool === "prr") return no(`global_pool ${JSON.stringify(pool)} is not supported`);
  if (pool === "token" && !args.class_token) return no('global_pool "token" needs class_token');
  if (distilled && (pool !== "token" || args.reg_tokens > 0 || args.no_embed_class)) {
    return no("a distilled model has class and distillation tokens with positions, and nothing else");
  }
  if (args.embed_dim % args.num_heads !== 0) {
    return no(`embed_dim ${args.embed_dim} is no multiple of num_heads ${args.num_heads}`);
  }
  const pooledLater = pool !== (args.global_pool ?? "token");
  return { description, args, tensors, distilled, pool, pooledLater };
}

function poolNamed(name: string, no: (why: string) => never): Context["pool"] {
  const known = (["avg", "avgmax", "max", "token", "map", "prr", ""] as const).find((pool) => pool === name);
  return known ?? no(`global_pool ${JSON.stringify(name)} is not known`);
}
