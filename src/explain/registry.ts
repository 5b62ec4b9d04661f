/** @file The methods by name: adding one is one file, one test, and one line here. */
import { type Entry, formatSpec, fromRegistry } from "../spec.js";
import { gradCam, gradCamSchema } from "./grad-cam.js";
import { gradientRollout, gradientRolloutSchema } from "./gradient-rollout.js";
import type { Method } from "./method.js";
import { rollout, rolloutSchema } from "./rollout.js";

export const METHODS: Readonly<Record<string, Entry<Method>>> = {
  "grad-cam": { schema: gradCamSchema, make: gradCam },
  "gradient-rollout": { schema: gradientRolloutSchema, make: gradientRollout },
  rollout: { schema: rolloutSchema, make: rollout },
};

/** "grad-cam", "gradient-rollout:discard=0.5,fusion=max" → the method. */
export function methodFromSpec(text: string): Method {
  return fromRegistry("method", METHODS, text);
}

/** The method as the command line writes it, with the parameters that differ from the defaults. */
export function methodSpec(method: Method): string {
  const entry = METHODS[method.name];
  return entry === undefined ? method.name : formatSpec(method.name, entry.schema, method.parameters);
}
