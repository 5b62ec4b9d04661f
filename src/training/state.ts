/** @file Whether a state belongs to a training: going on from another one's must not pass for resuming. */
import { VitreousError } from "../onnx/errors.js";
import type { Arrays, ParameterSet } from "./parameters.js";
import type { Role } from "./worker/protocol.js";

/** @throws VitreousError naming the first array that is missing, of another length, or of no parameter */
export function requireState(arrays: Arrays, roles: readonly Role[], { parameters }: ParameterSet): void {
  const wanted = new Map<string, number>(
    roles.flatMap((role) =>
      parameters.map(({ name, values }) => [`${role}/${name}`, values.length] as const),
    ),
  );
  const wrong =
    [...wanted].find(([name, length]) => arrays.get(name)?.length !== length)?.[0] ??
    [...arrays.keys()].find((name) => !wanted.has(name));
  if (wrong === undefined) return;
  throw new VitreousError(
    `The state is that of another training: "${wrong}" does not fit. Was it made with the same model, the same frozen layers and the same averaging?`,
  );
}
