/**
 * @file Checks bytes against the schema before protobuf-es decodes them: lengths, wire types, depth, and how
 * much memory the decoded objects will take. A damaged or hostile file thus fails here, early and cheaply, and
 * what passes takes memory in proportion to its size.
 */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BYTES, eachField, FIXED32, FIXED64, skipVarint, VARINT, WireError } from "./wire.js";

/** Messages nested deeper than this are refused (an If inside an If costs three levels). */
const MAX_DEPTH = 90;

/** Rough sizes in memory of decoded things, in bytes; they only have to be right within a factor of two. */
const MESSAGE_COST = 256;
const BIGINT_COST = 40;
const ELEMENT_COST = 16;

interface FieldPlan {
  readonly wire: number;
  readonly packed: boolean;
  readonly cost: number;
  readonly message: DescMessage | undefined;
}

const plans = new WeakMap<DescMessage, ReadonlyMap<number, FieldPlan>>();

function scalarWire(type: ScalarType): number {
  switch (type) {
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return FIXED32;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return FIXED64;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return BYTES;
    default:
      return VARINT;
  }
}

function planField(field: DescField): FieldPlan {
  if (field.message !== undefined) {
    return { wire: BYTES, packed: false, cost: MESSAGE_COST, message: field.message };
  }
  const wire = field.scalar === undefined ? VARINT : scalarWire(field.scalar);
  const list = field.fieldKind === "list";
  const big = field.scalar === ScalarType.INT64 || field.scalar === ScalarType.UINT64;
  const view = field.scalar === ScalarType.BYTES;
  const cost = view ? MESSAGE_COST / 2 : big ? BIGINT_COST : ELEMENT_COST;
  return { wire, packed: list && wire !== BYTES, cost, message: undefined };
}

function planOf(message: DescMessage): ReadonlyMap<number, FieldPlan> {
  const known = plans.get(message);
  if (known !== undefined) return known;
  const plan = new Map(message.fields.map((f) => [f.number, planField(f)]));
  plans.set(message, plan);
  return plan;
}

function countPacked(bytes: Uint8Array, wire: number, start: number, end: number): number {
  if (wire === VARINT) {
    let count = 0;
    for (let pos = start; pos < end; pos = skipVarint(bytes, pos, end)) count++;
    return count;
  }
  const size = wire === FIXED32 ? 4 : 8;
  if ((end - start) % size !== 0) throw new WireError("a list of numbers ends in the middle of one", start);
  return (end - start) / size;
}

/**
 * Throws WireError unless `bytes` is a well-formed message of this type whose decoded form takes at most
 * `budget` bytes (estimated).
 */
export function checkMessage(type: DescMessage, bytes: Uint8Array, budget: number): void {
  let left = budget;
  const spend = (cost: number, at: number): void => {
    left -= cost;
    if (left < 0) throw new WireError("it holds more small parts than any model has", at);
  };
  const walk = (message: DescMessage, start: number, end: number, depth: number): void => {
    if (depth > MAX_DEPTH) throw new WireError("it is nested too deeply", start);
    const plan = planOf(message);
    eachField(bytes, start, end, (number, wire, from, to) => {
      const field = plan.get(number);
      if (field === undefined) return;
      if (field.packed && wire === BYTES) {
        spend(countPacked(bytes, field.wire, from, to) * field.cost, from);
        return;
      }
      if (wire !== field.wire) {
        throw new WireError(`field ${number} of ${message.name} has the wrong type`, from);
      }
      spend(field.cost, from);
      if (field.message !== undefined) walk(field.message, from, to, depth + 1);
    });
  };
  walk(type, 0, bytes.length, 0);
}
