/** @file Tensors of a PyTorch file where they lie: in one piece, or gathered from the strides of a view. */
import { VitreousError } from "../../onnx/errors.js";
import { elementCount } from "../../onnx/tensor.js";
import { type ByteSource, countable, quoted, readPart, tensorAt, unreadableTensor } from "../byte-source.js";
import type { StoredTensor } from "../stored-tensor.js";
import { lastElement } from "./tensor-record.js";
import type { TensorRecord } from "./values.js";

/** Whether the elements follow each other row by row. Dimensions of one element have no say. */
function isContiguous({ size, stride }: TensorRecord): boolean {
  let expected = 1;
  for (let i = size.length - 1; i >= 0; i--) {
    const d = size[i] ?? 1;
    if (d !== 1 && stride[i] !== expected) return false;
    expected *= d;
  }
  return true;
}

/** Copies elements of `width` bytes from where the strides say to row-major order. */
function gather(
  from: Uint8Array,
  target: Uint8Array,
  { size, stride, element: { size: width } }: TensorRecord,
): void {
  const index = new Array<number>(size.length).fill(0);
  let at = 0;
  for (let to = 0; to < target.length; to += width) {
    for (let b = 0; b < width; b++) target[to + b] = from[at * width + b] ?? 0;
    for (let axis = size.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      const step = stride[axis] ?? 0;
      if (next < (size[axis] ?? 1)) {
        index[axis] = next;
        at += step;
        break;
      }
      index[axis] = 0;
      at -= (next - 1) * step;
    }
  }
}

/**
 * @param storageAt where the storage's bytes begin in `source`
 * @param name what messages call the tensor
 */
export function storedAt(
  source: ByteSource,
  storageAt: number,
  record: TensorRecord,
  name: string,
): StoredTensor {
  const { element, size: dims, offset } = record;
  if (element.dtype === "other") return unreadableTensor(source, quoted(name), element.name, dims);
  const at = storageAt + offset * element.size;
  const shape = { dtype: element.dtype, dims };
  const bytes = elementCount(dims) * element.size;
  // Nothing of a tensor without elements is anywhere.
  if (bytes === 0) return tensorAt(source, 0, 0, shape);
  if (isContiguous(record)) return tensorAt(source, at, bytes, shape);
  const span = (lastElement(record) + 1 - offset) * element.size;
  return { ...shape, readInto: async (target) => gather(await readPart(source, at, span), target, record) };
}

/** Views may show one storage many times over; a model's do not make it much larger than its file. */
const MANIFOLD = 4;
const ALLOWANCE = 64 * 2 ** 20;

/** Refuses views that would fill the memory with copies of a few numbers. */
export function checkTotal(records: Iterable<TensorRecord>, source: ByteSource): void {
  let total = 0;
  for (const { size, element } of records)
    total += countable([...size, element.size]) ?? Number.POSITIVE_INFINITY;
  if (total > MANIFOLD * source.size + ALLOWANCE) {
    throw new VitreousError(
      `${source.name} has ${source.size} bytes but claims tensors of ${total} bytes: they are views of a few numbers. Save it with tensors made contiguous: {name: t.contiguous() for name, t in state_dict.items()}.`,
    );
  }
}
