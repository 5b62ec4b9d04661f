/**
 * @file Turns what ONNX Runtime says when it refuses a model or a run into one sentence that a user can act on.
 * Its own messages carry C++ signatures and paths of the machine that built it.
 */
import { VitreousError } from "../onnx/errors.js";

/** What was being done, as the sentence's object: `the model 'x.onnx'`. */
export interface Situation {
  readonly doing: "load" | "run";
  readonly model: string;
  readonly device: string;
  /** Devices of the installed build. */
  readonly devices: readonly string[];
}

/** `/path/file.cc:12 void onnxruntime::Class::Function(int) const condition was false. ` or `file.h:12 Function `. */
const location =
  /\S+\.(?:h|hpp|cc|cpp|cu):\d+ (?:[^()]*onnxruntime::[^()]*\((?:[^()]|\([^()]*\))*\)(?: const)?(?:::<lambda\([^)]*\)>)?|\w+) (?:.*? was false\. )?/g;

/** The message without source locations, error codes and advice for programmers. */
function essence(message: string): string {
  return message
    .replace(/\s+/g, " ")
    .replace(/^Non-zero status code returned while running \S+ node\. Name:'[^']*' Status Message: /, "")
    .replace(location, "")
    .replace(/\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : /g, "")
    .replace("Please fix either the inputs/outputs or the model.", "")
    .trim();
}

const rules: readonly {
  readonly when: RegExp;
  readonly say: (found: RegExpMatchArray, situation: Situation) => string;
}[] = [
  {
    when: /protobuf parsing failed|data pointer is null|ModelProto does not have a graph|No graph was found/i,
    say: (_, { model }) => `${model} is not a whole ONNX model: its bytes cannot be parsed.`,
  },
  {
    when: /std::bad_alloc|bad allocation|failed to allocate memory|out of memory|Array buffer allocation failed|memory access out of bounds/i,
    say: (_, { model, doing }) =>
      doing === "run"
        ? `There is not enough memory to run ${model} on this batch; use a smaller batch.`
        : `There is not enough memory to load ${model}.`,
  },
  {
    when: /Could not find an implementation for (\S+?)\((\d+)\) node with name '([^']*)'/,
    say: ([, op, version, node], { model, device }) =>
      `${model} cannot run on ${device}: ONNX Runtime has no kernel for the operator ${op} (version ${version}) of the node '${node}'.`,
  },
  {
    when: /(\S+?)\(-?\d+\) is not a registered function\/op/,
    say: ([, op], { model }) =>
      `${model} uses the operator ${op}, which ONNX Runtime does not know; export the model with standard operators only.`,
  },
  {
    when: /opset (\d+) is under development|till opset (\d+)|opset version/i,
    say: (found, { model }) =>
      `${model} was exported with an opset that the installed ONNX Runtime does not support; export it again with an older one. (${essence(found.input ?? "")})`,
  },
  {
    when: /backend not found|Failed to load (shared )?library|Failed to get a WebGPU adapter|no available backend|executionProviders\[\d+\] is unsupported|CUDA failure|CUDA driver/i,
    say: (found, { device, devices }) =>
      `The device '${device}' cannot be used on this machine: ${essence(found.input ?? "").replace(/\.?$/, ".")} ` +
      (devices.length > 0 ? `The installed ONNX Runtime was built for ${devices.join(", ")}; ` : "") +
      (device === "cuda"
        ? "cuda needs its libraries installed beside onnxruntime-node. Use 'cpu' otherwise."
        : "use another."),
  },
  {
    when: /while running (\S+) node\. Name:'([^']*)'/,
    say: (found, { model }) =>
      `Running ${model} failed at the node '${found[2]}' (${found[1]}): ${essence(found.input ?? "")}`,
  },
];

/** The error to throw for a message of ONNX Runtime. */
export function failure(message: string, situation: Situation): VitreousError {
  for (const { when, say } of rules) {
    const found = message.match(when);
    if (found !== null) return new VitreousError(say(found, situation), { cause: message });
  }
  const { doing, model } = situation;
  return new VitreousError(
    `${doing === "load" ? "Loading" : "Running"} ${model} failed: ${essence(message)}`,
    {
      cause: message,
    },
  );
}
