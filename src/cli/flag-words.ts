/** @file Options of a training as flags: messages about options in the words of the flags, and options from JSON files. */
import { readText } from "../api/node/text.js";
import { VitreousError } from "../onnx/errors.js";
import { UsageError, usage } from "./usage.js";

/** Options whose flag is no other spelling of their name. */
export type FlagNames = Readonly<Record<string, string>>;

/** "weightDecay" as "--weight-decay". */
export const flagOf = (name: string, flags: FlagNames): string =>
  flags[name] ?? `--${name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

/**
 * Options checked by `check`; a message of its about options speaks of their flags: "finetune: learningRate: must be …" as
 * "--lr: must be …".
 */
export function withFlags<T>(flags: FlagNames, check: () => T): T {
  return usage(() => {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof VitreousError)) throw error;
      const message = error.message
        .replace(/^[a-z]+: /, "")
        .replaceAll(/(?<=^|; |option )([a-zA-Z]+)(?=:| is)/g, (name) => flagOf(name, flags));
      throw new VitreousError(message, { cause: error });
    }
  });
}

/** --augment's own word, or the options in a JSON file. @throws UsageError for any other word */
export async function readAugmentation(
  given: string,
  named: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Promise<Readonly<Record<string, unknown>>> {
  if (Object.hasOwn(named, given)) return named[given] ?? {};
  if (!given.endsWith(".json"))
    throw new UsageError(`--augment takes ${Object.keys(named).join(", ")} or a .json file, not "${given}"`);
  const { text } = await readText(given);
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return { ...json };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new VitreousError(`${given} is no JSON object of augmentation options`);
}

/** @throws UsageError for weights' architecture beside weights that are drawn */
export function refuseArch({ scratch, arch }: { readonly scratch?: boolean; readonly arch?: string }): void {
  if (scratch && arch !== undefined)
    throw new UsageError(
      "--arch says what a file of weights is; with --scratch give the architecture as MODEL",
    );
}

/** Without what was not given. */
export const stated = (options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
