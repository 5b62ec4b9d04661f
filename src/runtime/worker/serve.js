/**
 * @file The worker's side of a runtime: loads, runs and releases sessions, one job after the other. It is the same
 * for onnxruntime-node and onnxruntime-web, which share their interface, and plain JavaScript (typed by JSDoc)
 * because Node starts a worker from this very file, in the sources as in the build.
 *
 * @import { InferenceSession as OrtSession, Tensor as OrtTensor } from "onnxruntime-node"
 * @import { Job, LoadResult, Port, Reply, Request, RunResult, WireArray } from "./protocol.js"
 */

/**
 * @typedef {object} Engine
 * @property {typeof import("onnxruntime-node").InferenceSession} InferenceSession
 * @property {typeof import("onnxruntime-node").Tensor} Tensor
 * @property {OrtSession.SessionOptions} sessionOptions
 */

/**
 * @typedef {object} Host what differs between Node and the browser
 * @property {(reply: Reply, transfer: ArrayBuffer[]) => void} post
 * @property {() => Promise<void>} turn lets messages that have arrived be read; a cancellation may be among them
 * @property {(settings: unknown) => Promise<{ engine: Engine, devices: string[] }>} open
 * @property {() => void} end
 */

/** The types that a `NdArray` may have. */
const carried = new Set(["float32", "int32", "int64", "uint8", "bool", "float64"]);

/** @param {unknown} dtype @returns {dtype is WireArray["dtype"]} */
const isCarried = (dtype) => typeof dtype === "string" && carried.has(dtype);

/**
 * Frees a buffer now. The collector would do it too, but has no reason to run in a worker whose own heap is tiny,
 * and a model's bytes would stay in memory beside the session that was made from them.
 *
 * @param {ArrayBufferLike} buffer
 */
export function discard(buffer) {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  if (buffer instanceof ArrayBuffer) port1.postMessage(undefined, [buffer]);
  port1.close();
}

/** @param {OrtSession.ValueMetadata} value @returns {Port} */
function portOf(value) {
  return value.isTensor
    ? { name: value.name, dtype: value.type, dims: value.shape }
    : { name: value.name, dtype: "not a tensor", dims: [] };
}

/** @param {WireArray["data"]} data @returns {ArrayBuffer[]} the buffer, where it may be given away whole */
function movable(data) {
  return data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength
    ? [data.buffer]
    : [];
}

/**
 * @param {string} name
 * @param {OrtTensor} tensor
 * @returns {Promise<WireArray>}
 */
async function wireOf(name, tensor) {
  const dtype = tensor.type;
  if (!isCarried(dtype)) throw new Error(`Output '${name}' has the unsupported type ${dtype}.`);
  const data = /** @type {WireArray["data"]} */ (await tensor.getData());
  return { name, dtype, dims: [...tensor.dims], data };
}

/**
 * @param {Host} host
 * @returns {(request: Request) => void} to be called with every message
 */
export function serve(host) {
  /** @type {Map<number, OrtSession>} */
  const sessions = new Map();
  /** @type {Set<number>} */
  const waiting = new Set();
  /** @type {Engine | undefined} */
  let engine;
  /** @type {Promise<void>} */
  let last = Promise.resolve();

  /** @param {number} key */
  function sessionOf(key) {
    const session = sessions.get(key);
    if (session === undefined) throw new Error("The session has been released.");
    return session;
  }

  /** @param {Extract<Job, { kind: "load" }>} job @returns {Promise<LoadResult>} */
  async function load(job) {
    if (engine === undefined) throw new Error("The runtime is not open.");
    try {
      const session = await engine.InferenceSession.create(job.model, engine.sessionOptions);
      sessions.set(job.session, session);
      return { inputs: session.inputMetadata.map(portOf), outputs: session.outputMetadata.map(portOf) };
    } finally {
      discard(job.model.buffer);
    }
  }

  /** @param {Extract<Job, { kind: "run" }>} job @returns {Promise<RunResult>} */
  async function run(job) {
    if (engine === undefined) throw new Error("The runtime is not open.");
    const { Tensor } = engine;
    const session = sessionOf(job.session);
    const feeds = Object.fromEntries(
      job.feeds.map(({ name, dtype, dims, data }) => [name, new Tensor(dtype, data, dims)]),
    );
    const fetched = await session.run(feeds, job.outputs);
    const outputs = await Promise.all(
      job.outputs.map((name) => {
        const tensor = fetched[name];
        if (tensor === undefined) throw new Error(`Output '${name}' was not computed.`);
        return wireOf(name, tensor);
      }),
    );
    return { outputs, feeds: job.giveBack ? job.feeds : [] };
  }

  /** @param {Job} job @returns {Promise<unknown>} */
  async function perform(job) {
    switch (job.kind) {
      case "open": {
        const opened = await host.open(job.settings);
        engine = opened.engine;
        return { devices: opened.devices };
      }
      case "load":
        return load(job);
      case "run":
        return run(job);
      case "release": {
        const session = sessions.get(job.session);
        sessions.delete(job.session);
        return session?.release();
      }
      case "close": {
        for (const session of sessions.values()) await session.release();
        sessions.clear();
        return;
      }
    }
  }

  /** @param {number} id @param {Job} job */
  async function answer(id, job) {
    await host.turn();
    if (!waiting.delete(id)) return;
    try {
      const value = await perform(job);
      post({ id, ok: true, value });
    } catch (error) {
      host.post({ id, ok: false, message: error instanceof Error ? error.message : String(error) }, []);
    }
    if (job.kind === "close") host.end();
  }

  /** @param {Extract<Reply, { ok: true }>} reply */
  function post(reply) {
    const result = /** @type {Partial<RunResult> | undefined} */ (reply.value);
    const arrays = [...(result?.feeds ?? []), ...(Array.isArray(result?.outputs) ? result.outputs : [])];
    const buffers = arrays.flatMap((array) => ("data" in array ? movable(array.data) : []));
    host.post(reply, [...new Set(buffers)]);
  }

  return (request) => {
    if (request.kind === "cancel") {
      waiting.delete(request.id);
      return;
    }
    waiting.add(request.id);
    last = last.then(() => answer(request.id, request.job));
  };
}
