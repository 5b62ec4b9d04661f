/**
 * @file The names that a checkpoint may use: those that PyTorch needs to write tensors down, and plain containers. What
 * they do is done here, on descriptions, and none of it copies: a pickle may call them a million times on one value.
 * Everything else is refused by name.
 */
import { VitreousError } from "../../onnx/errors.js";
import { quoted } from "../byte-source.js";
import { rebuildTensor } from "./tensor-record.js";
import {
  type Callable,
  describe,
  dict,
  ELEMENT_TYPES,
  malformed,
  ofKind,
  STORAGE_TYPES,
  type Value,
} from "./values.js";

/** The tensor of a parameter: whether it is trained does not matter here. */
const parameter: Callable["call"] = ([data]) =>
  ofKind(data, "tensor") ?? malformed(`its pickle makes a parameter of ${describe(data)}`);

const size: Callable["call"] = ([items]) =>
  ofKind(items, "tuple") ?? malformed(`its pickle makes a size of ${describe(items)}`);

const orderedDict: Callable["call"] = (args) =>
  args.length === 0 ? dict() : malformed("its pickle makes an OrderedDict of something else");

/** Counts of things are a dictionary: a learning rate's milestones. */
const counter: Callable["call"] = ([counts]) =>
  counts === undefined
    ? dict()
    : (ofKind(counts, "dict") ?? malformed(`its pickle makes a Counter of ${describe(counts)}`));

/** What it would put in the place of missing keys does not matter: nothing is missed here. */
const defaultDict: Callable["call"] = ([factory]) =>
  factory === undefined || factory === null || ofKind(factory, "callable")
    ? dict()
    : malformed(`its pickle makes a defaultdict with ${describe(factory)}`);

/** A class that is only named, as what a defaultdict makes. */
const onlyNamed: Callable["call"] = () => malformed("its pickle calls what it may only name");

/** The list that older protocols make a set of holds the same items; nothing here looks for one of them. */
const set: Callable["call"] = ([items]) =>
  ofKind(items, "list") ?? malformed(`its pickle makes a set of ${describe(items)}`);

/** Bytes are no tensors, so nothing reads them: the text that older protocols make them of is left as it is. */
const bytes: Callable["call"] = ([from]) =>
  from === undefined || typeof from === "string" || from instanceof Uint8Array
    ? (from ?? "")
    : malformed(`its pickle makes bytes of ${describe(from)}`);

const CALLABLES: Readonly<Record<string, Callable["call"]>> = {
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_tensor_v3": rebuildTensor,
  "torch._utils._rebuild_parameter": parameter,
  "torch._utils._rebuild_parameter_with_state": parameter,
  "torch.Size": size,
  "collections.OrderedDict": orderedDict,
  "collections.Counter": counter,
  "collections.defaultdict": defaultDict,
  "builtins.dict": onlyNamed,
  "builtins.list": onlyNamed,
  "builtins.int": onlyNamed,
  "builtins.float": onlyNamed,
  "builtins.set": set,
  "builtins.frozenset": set,
  "builtins.bytes": bytes,
  "builtins.bytearray": bytes,
  "_codecs.encode": bytes,
};

const GLOBALS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ...Object.entries(CALLABLES).map(([name, call]) => [name, { kind: "callable", name, call }] as const),
  ...[...STORAGE_TYPES].map(([name, type]) => [`torch.${name}`, type] as const),
  ...[...STORAGE_TYPES].map(([name, type]) => [`torch.storage.${name}`, type] as const),
  ...[...ELEMENT_TYPES].map(([name, type]) => [`torch.${name}`, type] as const),
]);

/** Whom a checkpoint's name means, or a refusal. */
export function findGlobal(module: string, name: string): Value {
  // As pickles of protocol 2 call the module.
  const full = `${module === "__builtin__" ? "builtins" : module}.${name}`;
  const found = GLOBALS.get(full);
  if (found !== undefined) return found;
  throw new VitreousError(
    `it asks for ${quoted(full).slice(1, -1)}, which is neither a tensor nor a plain container. Vitreous reads data and never runs what a file names. Save the weights alone, in Python: torch.save(model.state_dict(), "weights.pth"), or a dictionary of nothing but tensors, numbers and strings.`,
  );
}
