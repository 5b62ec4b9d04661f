import { describe, expect, it } from "vitest";
import { VitreousError } from "../../onnx/errors.js";
import type { Reply, Request } from "./protocol.js";
import { remoteRuntime, type Wire } from "./remote.js";

/** A worker that answers only when told to. */
function puppet() {
  const requests: Request[] = [];
  const states: boolean[] = [];
  let reply: (reply: Reply) => void = () => {};
  let end: (reason: string) => void = () => {};
  const wire: Wire = {
    post: (request) => requests.push(request),
    busy: (awaiting) => states.push(awaiting),
    onReply: (listener) => {
      reply = listener;
    },
    onEnd: (listener) => {
      end = listener;
    },
    async end() {},
  };
  return {
    wire,
    requests,
    states,
    /** Answers the last request. */
    answer: (value: unknown) => reply({ id: (requests.at(-1) as Request).id, ok: true, value }),
    crash: (reason: string) => end(reason),
  };
}

async function opened() {
  const worker = puppet();
  const opening = remoteRuntime(worker.wire, "cpu", {});
  worker.answer({ devices: ["cpu"] });
  const runtime = await opening;
  const loading = runtime.load([Uint8Array.of(1, 2), Uint8Array.of(3)]);
  worker.answer({ inputs: [], outputs: [{ name: "y", dtype: "float32", dims: [] }] });
  return { ...worker, runtime, session: await loading };
}

describe("a runtime in a worker", () => {
  it("sends the joined model", async () => {
    const { requests } = await opened();
    expect(requests.at(-1)).toMatchObject({ job: { kind: "load", model: Uint8Array.of(1, 2, 3) } });
  });

  it("keeps the process alive only while an answer is awaited", async () => {
    const { session, answer, states } = await opened();
    const running = session.run({});
    expect(states.at(-1)).toBe(true);
    answer({ outputs: [], feeds: [] });
    await running;
    expect(states.at(-1)).toBe(false);
  });

  it("whose worker crashes rejects what is pending and what comes later, and can still be closed", async () => {
    const { runtime, session, crash, states } = await opened();
    const pending = [session.run({}), session.run({}), runtime.load([])];
    crash("The worker crashed: out of memory.");
    crash("It is closed.");
    for (const promise of [...pending, session.run({}), runtime.load([])]) {
      await expect(promise).rejects.toThrow(VitreousError);
      await expect(promise).rejects.toThrow("The worker crashed: out of memory.");
    }
    expect(states.at(-1)).toBe(false);
    await session.release();
    await runtime.close();
  });

  it("tells the worker of an abort, and does not mind its answer", async () => {
    const { session, requests, answer } = await opened();
    const controller = new AbortController();
    const running = session.run({}, { signal: controller.signal });
    const { id } = requests.at(-1) as Request;
    controller.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    expect(requests.at(-1)).toEqual({ kind: "cancel", id });
    answer({ outputs: [], feeds: [] });
  });

  it("releases what is loaded after the load was aborted", async () => {
    const { runtime, requests } = await opened();
    const controller = new AbortController();
    const loading = runtime.load([], { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(loading).rejects.toThrow("enough");
    expect(requests.at(-1)).toMatchObject({ job: { kind: "release", session: 1 } });
  });

  it("does not open on a device that the build lacks", async () => {
    const worker = puppet();
    const opening = remoteRuntime(worker.wire, "cuda", {});
    worker.answer({ devices: ["cpu", "webgpu"] });
    await new Promise((resolve) => setTimeout(resolve));
    expect(worker.requests.at(-1)).toMatchObject({ job: { kind: "close" } });
    worker.answer(undefined);
    await expect(opening).rejects.toThrow(/without the device 'cuda'; it has cpu, webgpu/);
  });
});
