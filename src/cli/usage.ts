/** @file A wrong command line: exit status 2, where everything else that cannot be done is 1. */
import { VitreousError } from "../onnx/errors.js";

export class UsageError extends VitreousError {}

/** Runs `read` on a part of the command line; what it refuses is a usage error. */
export function usage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof VitreousError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
