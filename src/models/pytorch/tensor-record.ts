/** @file What a pickle says of a storage and of a tensor in it, checked. */
import { countable, MAX_RANK, quoted } from "../byte-source.js";
import {
  describe,
  malformed,
  ofKind,
  type Storage,
  type TensorRecord,
  type Tuple,
  type Value,
} from "./values.js";

function isCount(value: Value | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** A tuple is never changed once it is made, so that what was checked stays true. */
function countsOf(value: Value | undefined, what: string): readonly number[] {
  const items = ofKind(value, "tuple")?.items;
  if (items && items.length > MAX_RANK) malformed(`its pickle has a tensor of ${items.length} dimensions`);
  return items?.every(isCount) ? items : malformed(`its pickle has a tensor without a valid ${what}`);
}

/** ("storage", class, key, device, elements): `torch.save` writes storages so. */
export function readStorage({ items: [what, type, key, , length] }: Tuple): Storage {
  const element = ofKind(type, "storage type")?.element;
  if (what !== "storage" || element === undefined || typeof key !== "string" || !isCount(length)) {
    return malformed("its pickle refers to something that is no storage");
  }
  return { kind: "storage", key, element, length };
}

/** The last element that the strides lead to, in elements of the storage; -1 where there is none. */
export function lastElement({ offset, size, stride }: TensorRecord): number {
  if (size.includes(0)) return -1;
  return size.reduce((last, d, i) => last + (d - 1) * (stride[i] ?? 0), offset);
}

/**
 * torch._utils._rebuild_tensor(storage, offset, size, stride), _v2(…, requires_grad, hooks, metadata) and
 * _v3(…, requires_grad, hooks, dtype, metadata).
 */
export function rebuildTensor(args: readonly Value[]): TensorRecord {
  const [from, offset] = args;
  const storage = ofKind(from, "storage") ?? malformed(`its pickle makes a tensor of ${describe(from)}`);
  const size = countsOf(args[2], "size");
  const stride = countsOf(args[3], "stride");
  const given = ofKind(args[6], "dtype");
  const element = given ?? storage.element;
  checkMetadata(given ? args[7] : args[6]);
  const refuse = (why: string): never =>
    malformed(`its pickle has a tensor of shape [${size.join(", ")}] ${why}`);
  if (!isCount(offset)) return refuse("without a valid offset");
  if (size.length !== stride.length) return refuse(`with ${stride.length} strides`);
  if (countable([...size, element.size]) === undefined) return refuse("with too many elements to count");
  const record: TensorRecord = { kind: "tensor", storage, element, offset, size, stride };
  if ((lastElement(record) + 1) * element.size > storage.length * storage.element.size) {
    return refuse(`that reaches beyond its storage ${quoted(storage.key)} of ${storage.length} elements`);
  }
  return record;
}

/** PyTorch marks tensors that are to be negated or conjugated when they are read. */
function checkMetadata(metadata: Value | undefined): void {
  const marks = ofKind(metadata, "dict")?.entries;
  if (marks?.get("neg") === true || marks?.get("conj") === true) {
    malformed(
      "its pickle has a tensor that is a negated or conjugated view; save it with .resolve_neg().resolve_conj()",
    );
  }
}
