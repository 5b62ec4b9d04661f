/**
 * @file The worker's side of training: runs the step graph, keeps gradients, moments and weights, and updates them where
 * they lie, so that of all this nothing crosses threads. Plain JavaScript (typed by JSDoc) because Node starts a worker
 * from it, in the sources as in the build.
 *
 * ONNX Runtime reads the weights and writes the gradients in place: the arrays of a role lie in one buffer.
 *
 * @import { InferenceSession as OrtSession, OnnxValue, Tensor as OrtTensor } from "onnxruntime-node"
 * @import { Reply, Request } from "../../runtime/worker/protocol.js"
 * @import { Store } from "./store.js"
 * @import { ArraysReply, Fed, GraphPlan, NamedArrays, Plan, PredictReply, Role, RunReply, TrainerJob, UpdateReply } from "./protocol.js"
 */
import { discard } from "../../runtime/worker/serve.js";
import { adamw } from "./adamw.js";
import { average } from "./average.js";
import { clipScale, normOf } from "./clip.js";
import { accumulate, countOf, fill, floats, place, storeOf } from "./store.js";

/**
 * @typedef {object} Engine
 * @property {typeof import("onnxruntime-node").InferenceSession} InferenceSession
 * @property {typeof import("onnxruntime-node").Tensor} Tensor
 * @property {OrtSession.SessionOptions} sessionOptions
 */

/**
 * @typedef {object} Host
 * @property {(reply: Reply, transfer: ArrayBuffer[]) => void} post
 * @property {(settings: unknown) => Promise<{ engine: Engine, devices: readonly string[] }>} open
 * @property {() => void} end
 */

/**
 * @param {Host} host
 * @returns {(request: Request<TrainerJob>) => void} to be called with every message
 */
export function serveTraining(host) {
  /** @type {Engine | undefined} */
  let engine;
  /** @type {{ plan: Plan, store: Store, weights: Record<string, OrtTensor> } | undefined} */
  let training;
  /** @type {Map<string, { session: OrtSession, graph: GraphPlan, fetches: Record<string, OrtTensor> }>} */
  const steps = new Map();
  /** @type {Map<string, OrtSession>} */
  const inferences = new Map();
  /** @type {Promise<void>} */
  let last = Promise.resolve();

  function opened() {
    if (engine === undefined) throw new Error("The runtime is not open.");
    return engine;
  }

  function loaded() {
    if (training === undefined) throw new Error("Nothing is loaded.");
    return training;
  }

  /** @param {readonly Fed[]} fed */
  function tensors(fed) {
    const { Tensor } = opened();
    return Object.fromEntries(
      fed.map(({ name, dims, data }) => [
        name,
        data instanceof Uint8Array ? new Tensor("uint8", data, dims) : new Tensor("float32", data, dims),
      ]),
    );
  }

  /**
   * Tensors over the places of the parameters in an array of one role.
   *
   * @param {Store} store
   * @param {Float32Array} flat
   * @param {(parameter: Plan["parameters"][number]) => string | undefined} named
   */
  function views(store, flat, named) {
    const { Tensor } = opened();
    /** @type {Record<string, OrtTensor>} */
    const result = {};
    for (const { parameter, from, to } of store.places) {
      const name = named(parameter);
      if (name !== undefined) result[name] ??= new Tensor("float32", flat.subarray(from, to), parameter.dims);
    }
    return result;
  }

  /** @param {Plan["parameters"][number]} parameter */
  const inputOf = (parameter) => (parameter.direct ? parameter.name : undefined);

  /** @param {Uint8Array} model */
  function sessionOf(model) {
    const { InferenceSession, sessionOptions } = opened();
    return InferenceSession.create(model, sessionOptions).finally(() => discard(model.buffer));
  }

  /** @param {Extract<TrainerJob, { kind: "load" }>} job */
  function load({ plan, values }) {
    const store = storeOf(plan);
    fill(store, "parameters", new Map(values), "");
    if (plan.averaged) store.roles.averages.set(store.roles.parameters);
    training = { plan, store, weights: views(store, store.roles.parameters, inputOf) };
  }

  /** @param {Extract<TrainerJob, { kind: "loadStep" }>} job */
  async function loadStep({ key, model, graph }) {
    const { Tensor } = opened();
    const { store } = loaded();
    const session = await sessionOf(model);
    const fetches = views(store, store.gradients, ({ name }) => graph.gradients.get(name));
    for (const { dims, gradient } of graph.computed) {
      fetches[gradient] ??= new Tensor("float32", new Float32Array(countOf(dims)), dims);
    }
    steps.set(key, { session, graph, fetches });
  }

  /** @param {Extract<TrainerJob, { kind: "run" }>} job @returns {Promise<RunReply>} */
  async function run({ key, feeds, sampleWeights, part }) {
    const { store, weights } = loaded();
    const step = steps.get(key);
    if (step === undefined) throw new Error(`No step graph '${key}' is loaded.`);
    const { session, graph, fetches } = step;
    const fetched = await session.run(
      { ...weights, ...tensors([...feeds, sampleWeights]) },
      /** @type {Record<string, OnnxValue | null>} */ ({
        ...fetches,
        [graph.losses]: null,
        ...(graph.logits === undefined ? {} : { [graph.logits]: null }),
      }),
    );
    place(store, graph.gradients, fetches);
    if (part !== "only") accumulate(store, part === "first");
    store.accumulated = part !== "only";
    const losses = floats(fetched, graph.losses);
    let loss = 0;
    // What has no weight has no loss either: padding may be whatever it is.
    sampleWeights.data.forEach((weight, i) => {
      if (weight !== 0) loss += weight * (losses[i] ?? 0);
    });
    return {
      loss,
      logits: graph.logits === undefined ? new Float32Array() : floats(fetched, graph.logits),
      computed: graph.computed.map(({ name, gradient }) => [name, floats(fetches, gradient).slice()]),
    };
  }

  /** @param {Extract<TrainerJob, { kind: "update" }>} job @returns {UpdateReply} */
  function update(job) {
    const { loss, learningRate, weightDecay, updates, hold, heldUpdates, averageDecay } = job;
    const { plan, store } = loaded();
    const { roles, places } = store;
    const gradients = (store.accumulated && store.sums) || store.gradients;
    const given = new Map(job.gathered);
    for (const { parameter, from } of places) {
      if (!parameter.direct) gradients.set(given.get(parameter.name) ?? [], from);
    }
    const norms = plan.clipEach ? places.map(({ from, to }) => normOf(gradients.subarray(from, to))) : [];
    const gradientNorm = plan.clipEach ? Math.hypot(...norms) : normOf(gradients);
    const applied = Number.isFinite(loss) && Number.isFinite(gradientNorm);
    if (applied) {
      const { beta1, beta2, epsilon, clip } = plan;
      const { parameters, firstMoments: first, secondMoments: second } = roles;
      for (const [i, { parameter, from, to }] of places.entries()) {
        const { rate, decay, held } = parameter;
        if (held && hold) continue;
        adamw({ parameters, gradients, first, second }, from, to, {
          learningRate: learningRate * rate,
          decay: decay ? weightDecay : 0,
          beta1,
          beta2,
          epsilon,
          updates: held ? updates - heldUpdates : updates,
          scale: clipScale(norms[i] ?? gradientNorm, clip),
        });
      }
      if (plan.averaged) average(roles.averages, parameters, averageDecay);
    }
    return { gradientNorm, applied, indirect: indirect("parameters") };
  }

  /** @param {Role} role @returns {NamedArrays} values of the parameters that the graph does not take as they are */
  function indirect(role) {
    const { store } = loaded();
    return store.places
      .filter(({ parameter }) => !parameter.direct)
      .map(({ parameter, from, to }) => [parameter.name, store.roles[role].slice(from, to)]);
  }

  /** @param {Extract<TrainerJob, { kind: "predict" }>} job @returns {Promise<PredictReply>} */
  async function predict({ key, feeds, averaged, output }) {
    const { store } = loaded();
    const inference = inferences.get(key);
    if (inference === undefined) throw new Error(`No graph '${key}' for predictions is loaded.`);
    const flat = averaged ? store.roles.averages : store.roles.parameters;
    const fetched = await inference.run({ ...views(store, flat, inputOf), ...tensors(feeds) }, [output]);
    return { values: floats(fetched, output) };
  }

  /** @param {Extract<TrainerJob, { kind: "snapshot" }>} job @returns {ArraysReply} */
  function snapshot({ roles }) {
    const { store } = loaded();
    return {
      arrays: roles.flatMap((role) =>
        store.places.map(
          ({ parameter, from, to }) =>
            /** @type {[string, Float32Array]} */ ([
              `${role}/${parameter.name}`,
              store.roles[role].slice(from, to),
            ]),
        ),
      ),
    };
  }

  /** @param {TrainerJob} job @returns {Promise<unknown>} */
  async function perform(job) {
    switch (job.kind) {
      case "open": {
        const { engine: found, devices } = await host.open(job.settings);
        engine = found;
        return { devices };
      }
      case "load":
        return load(job);
      case "loadStep":
        return loadStep(job);
      case "run":
        return run(job);
      case "update":
        return update(job);
      case "indirect":
        return { arrays: indirect(job.role) };
      case "loadInference": {
        inferences.set(job.key, await sessionOf(job.model));
        return;
      }
      case "predict":
        return predict(job);
      case "snapshot":
        return snapshot(job);
      case "restore": {
        const { store } = loaded();
        const arrays = new Map(job.arrays);
        for (const role of job.roles) fill(store, role, arrays, `${role}/`);
        return { arrays: indirect("parameters") };
      }
      case "close": {
        for (const { session } of steps.values()) await session.release();
        for (const session of inferences.values()) await session.release();
        return;
      }
    }
  }

  /** @param {number} id @param {TrainerJob} job */
  async function answer(id, job) {
    try {
      const value = await perform(job);
      host.post({ id, ok: true, value }, buffersOf(value));
    } catch (error) {
      host.post({ id, ok: false, message: error instanceof Error ? error.message : String(error) }, []);
    }
    if (job.kind === "close") host.end();
  }

  return (request) => {
    // Nothing that is asked of a trainer can be taken back.
    if (request.kind === "cancel") return;
    last = last.then(() => answer(request.id, request.job));
  };
}

/** @param {unknown} value @returns {ArrayBuffer[]} what can be given away of a reply */
function buffersOf(value) {
  const reply = /** @type {Partial<RunReply & UpdateReply & ArraysReply> | undefined} */ (value);
  const lists = [reply?.computed, reply?.indirect, reply?.arrays].flatMap((list) => list ?? []);
  return lists.flatMap(([, { buffer }]) => (buffer instanceof ArrayBuffer ? [buffer] : []));
}
