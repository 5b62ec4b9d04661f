/**
 * @file Reads the data in a pickle and nothing else. A pickle is a program, and Python's unpickler runs whatever it
 * names; this one knows the instructions that make plain values, asks its caller for each of the few names that are
 * allowed, and refuses everything else by name. It is a loop without recursion, and what it makes is bounded.
 * Instructions: Python's pickletools, protocols 2 to 5.
 */
import { quoted } from "../byte-source.js";
import { type PickleReader, pickleReader } from "./pickle-reader.js";
import { type Callable, describe, dict, malformed, ofKind, type Tuple, tuple, type Value } from "./values.js";

/** What a pickle's names and references mean. */
export interface Names {
  /** Throws VitreousError for a name that is not allowed. */
  readonly global: (module: string, name: string) => Value;
  /** What lies outside of the pickle. */
  readonly persistent: (id: Tuple) => Value;
  /** Whether `BUILD`'s attributes, which nothing here reads, may be dropped from this value. */
  readonly mayHaveAttributes: (value: Value) => boolean;
}

/** A training checkpoint of ten thousand tensors takes half a million. */
const MAX_INSTRUCTIONS = 2_000_000;

/** Lists, tuples, dictionaries, sets and bytes. Ten thousand tensors take a hundred thousand. */
const MAX_CONTAINERS = 500_000;

interface Machine {
  readonly read: PickleReader;
  readonly names: Names;
  readonly stack: Value[];
  /** Where the stack stood at each mark that is open. */
  readonly marks: number[];
  readonly memo: Map<number, Value>;
  containers: number;
}

function pop(m: Machine): Value {
  const value = m.stack.length > (m.marks.at(-1) ?? 0) ? m.stack.pop() : undefined;
  return value === undefined ? malformed("its pickle takes a value where there is none") : value;
}

function top(m: Machine): Value {
  const value = m.stack.length > (m.marks.at(-1) ?? 0) ? m.stack.at(-1) : undefined;
  return value === undefined ? malformed("its pickle looks for a value where there is none") : value;
}

function popMark(m: Machine): Value[] {
  const mark = m.marks.pop();
  return mark === undefined
    ? malformed("its pickle closes a list that it did not open")
    : m.stack.splice(mark);
}

function make<T extends Value>(m: Machine, value: T): void {
  if (++m.containers > MAX_CONTAINERS)
    malformed(`its pickle makes more than ${MAX_CONTAINERS} lists and other containers`);
  m.stack.push(value);
}

function popTuple(m: Machine, length: number): void {
  const items: Value[] = [];
  for (let i = 0; i < length; i++) items.unshift(pop(m));
  make(m, tuple(items));
}

function get(m: Machine, index: number): void {
  const value = m.memo.get(index);
  m.stack.push(
    value === undefined ? malformed(`its pickle recalls value ${index}, which it did not keep`) : value,
  );
}

function append(m: Machine, items: readonly Value[]): void {
  const target = top(m);
  const list = ofKind(target, "list") ?? malformed(`its pickle appends to ${describe(target)}`);
  for (const item of items) list.items.push(item);
}

function setItems(m: Machine, items: readonly Value[]): void {
  const target = top(m);
  const { entries } = ofKind(target, "dict") ?? malformed(`its pickle sets an item of ${describe(target)}`);
  if (items.length % 2 !== 0) malformed("its pickle sets a key without a value");
  for (let i = 0; i < items.length; i += 2) entries.set(items[i] ?? null, items[i + 1] ?? null);
}

function textOf(value: Value): string {
  return typeof value === "string"
    ? value
    : malformed(`its pickle names ${describe(value)} where a name must be`);
}

function callableOf(value: Value): Callable {
  return ofKind(value, "callable") ?? malformed(`its pickle calls ${describe(value)}`);
}

const OPERATIONS: Readonly<Record<string, (m: Machine) => void>> = {
  "(": (m) => m.marks.push(m.stack.length),
  "0": (m) => pop(m),
  "1": (m) => popMark(m),
  "2": (m) => m.stack.push(top(m)),
  N: (m) => m.stack.push(null),
  "\x88": (m) => m.stack.push(true),
  "\x89": (m) => m.stack.push(false),
  J: (m) => m.stack.push(m.read.i32()),
  K: (m) => m.stack.push(m.read.u8()),
  M: (m) => m.stack.push(m.read.u16()),
  "\x8a": (m) => m.stack.push(m.read.integer(m.read.u8())),
  "\x8b": (m) => m.stack.push(m.read.integer(m.read.u32())),
  G: (m) => m.stack.push(m.read.f64()),
  // Strings of Python 2, which are read as text.
  T: (m) => m.stack.push(m.read.latin1(m.read.u32())),
  U: (m) => m.stack.push(m.read.latin1(m.read.u8())),
  X: (m) => m.stack.push(m.read.utf8(m.read.u32())),
  "\x8c": (m) => m.stack.push(m.read.utf8(m.read.u8())),
  "\x8d": (m) => m.stack.push(m.read.utf8(m.read.u64())),
  B: (m) => make(m, m.read.bytes(m.read.u32())),
  C: (m) => make(m, m.read.bytes(m.read.u8())),
  "\x8e": (m) => make(m, m.read.bytes(m.read.u64())),
  "\x96": (m) => make(m, m.read.bytes(m.read.u64())),
  "]": (m) => make(m, { kind: "list", items: [] }),
  l: (m) => make(m, { kind: "list", items: popMark(m) }),
  a: (m) => append(m, [pop(m)]),
  e: (m) => append(m, popMark(m)),
  ")": (m) => make(m, tuple([])),
  t: (m) => make(m, tuple(popMark(m))),
  "\x85": (m) => popTuple(m, 1),
  "\x86": (m) => popTuple(m, 2),
  "\x87": (m) => popTuple(m, 3),
  "}": (m) => make(m, dict()),
  d: (m) => {
    const items = popMark(m);
    make(m, dict());
    setItems(m, items);
  },
  s: (m) => {
    const value = pop(m);
    setItems(m, [pop(m), value]);
  },
  u: (m) => setItems(m, popMark(m)),
  "\x8f": (m) => make(m, { kind: "set", items: [] }),
  "\x91": (m) => make(m, { kind: "set", items: popMark(m) }),
  "\x90": (m) => {
    const items = popMark(m);
    const target = top(m);
    const set = ofKind(target, "set") ?? malformed(`its pickle adds to ${describe(target)}`);
    for (const item of items) set.items.push(item);
  },
  q: (m) => m.memo.set(m.read.u8(), top(m)),
  r: (m) => m.memo.set(m.read.u32(), top(m)),
  "\x94": (m) => m.memo.set(m.memo.size, top(m)),
  h: (m) => get(m, m.read.u8()),
  j: (m) => get(m, m.read.u32()),
  c: (m) => {
    const module = m.read.line();
    m.stack.push(m.names.global(module, m.read.line()));
  },
  "\x93": (m) => {
    const name = textOf(pop(m));
    m.stack.push(m.names.global(textOf(pop(m)), name));
  },
  R: (m) => {
    const args = pop(m);
    const callable = callableOf(pop(m));
    const { items } =
      ofKind(args, "tuple") ?? malformed(`its pickle calls ${callable.name} with ${describe(args)}`);
    make(m, callable.call(items));
  },
  b: (m) => {
    pop(m);
    const value = top(m);
    if (!m.names.mayHaveAttributes(value)) malformed(`its pickle gives attributes to ${describe(value)}`);
  },
  Q: (m) => {
    const id = pop(m);
    m.stack.push(
      m.names.persistent(
        ofKind(id, "tuple") ?? malformed(`its pickle refers to a storage by ${describe(id)}`),
      ),
    );
  },
  // Pickles in frames may be read ahead; there is nothing to gain from it here.
  "\x95": (m) => {
    if (m.read.u64() > m.read.remaining()) malformed("its pickle has a frame that is longer than itself");
  },
};

/** Names of instructions that run code or reach elsewhere; never carried out. */
const REFUSED: Readonly<Record<string, string>> = {
  i: "INST",
  o: "OBJ",
  "\x81": "NEWOBJ",
  "\x92": "NEWOBJ_EX",
  "\x82": "EXT1",
  "\x83": "EXT2",
  "\x84": "EXT4",
  P: "PERSID",
  "\x97": "NEXT_BUFFER",
  "\x98": "READONLY_BUFFER",
};

const PROTO = 0x80;
const STOP = 0x2e;
const PROTOCOLS = { first: 2, last: 5 };

/**
 * The value that a pickle describes. Values that it uses twice are the same object, and a list may hold itself.
 *
 * @throws VitreousError for anything that is not plain data; nothing is ever executed
 */
export function unpickle(pickle: Uint8Array, names: Names): Value {
  const read = pickleReader(pickle);
  const m: Machine = { read, names, stack: [], marks: [], memo: new Map(), containers: 0 };
  if (pickle[0] !== PROTO) malformed("its pickle does not begin as one");
  read.u8();
  const protocol = read.u8();
  if (protocol < PROTOCOLS.first || protocol > PROTOCOLS.last) {
    malformed(`its pickle is of protocol ${protocol}; 2 to 5 can be read`);
  }
  for (let done = 0; done < MAX_INSTRUCTIONS; done++) {
    const code = read.u8();
    if (code === STOP) return pop(m);
    const character = String.fromCharCode(code);
    const operation = OPERATIONS[character];
    if (operation === undefined) {
      const name = REFUSED[character] ?? `0x${code.toString(16)} (${quoted(character)})`;
      return malformed(`its pickle has the instruction ${name}, which makes no plain data`);
    }
    operation(m);
  }
  return malformed(`its pickle has more than ${MAX_INSTRUCTIONS} instructions`);
}
