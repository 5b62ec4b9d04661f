/**
 * @file Weights kept beside the .onnx file: which files they need, and that a model may only name files in its
 * own folder. (A model is data from strangers; "../../.ssh/id_rsa" must not be read on its word.)
 */
import { VitreousError } from "../errors.js";
import type { GraphProto, ModelProto, NodeProto } from "../proto/generated/onnx_pb.js";
import { readTensorHeader } from "../proto/tensor-wire.js";
import { WireError } from "../proto/wire.js";

/** Throws VitreousError unless `location` is a relative path that stays inside the model's folder. */
export function checkExternalLocation(location: string, label: string): void {
  const inside =
    location !== "" && !/^[/\\]|^[A-Za-z]:|\0/.test(location) && !location.split(/[/\\]/).includes("..");
  if (inside) return;
  throw new VitreousError(
    `${label} is said to be kept in "${location.slice(0, 200)}". External data must lie in the model's own folder.`,
  );
}

function* tensorsOfNodes(nodes: readonly NodeProto[]): Generator<Uint8Array> {
  for (const node of nodes) {
    for (const attribute of node.attribute) {
      if (attribute.t.length > 0) yield attribute.t;
      if (attribute.g !== undefined) yield* tensorsOfGraph(attribute.g);
    }
  }
}

function* tensorsOfGraph(graph: GraphProto): Generator<Uint8Array> {
  yield* graph.initializer;
  yield* tensorsOfNodes(graph.node);
}

function locationOf(bytes: Uint8Array): string | undefined {
  try {
    return readTensorHeader(bytes).external?.location;
  } catch (error) {
    // Reading the tensor itself will say what is wrong with it.
    if (error instanceof WireError || error instanceof VitreousError) return undefined;
    throw error;
  }
}

/** The external data files a model needs, each once, in the order of first use. Throws for a path outside its folder. */
export function externalLocations(model: ModelProto): string[] {
  const locations = new Set<string>();
  const add = (tensors: Iterable<Uint8Array>): void => {
    for (const bytes of tensors) {
      const location = locationOf(bytes);
      if (location === undefined) continue;
      checkExternalLocation(location, "A weight of the model");
      locations.add(location);
    }
  };
  if (model.graph !== undefined) add(tensorsOfGraph(model.graph));
  for (const f of model.functions) add(tensorsOfNodes(f.node));
  return [...locations];
}
