/** @file A model of the Hugging Face hub under the command: opened, broken off, interrupted, killed, refused. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type FakeHub, fakeHub, REPOSITORY } from "../../src/models/node/testing/fake-hub.js";
import { expectOneClearLine, fixture, workplace } from "./command.js";

const at = workplace();
const NAME = `hf:${REPOSITORY}`;
const CHECKPOINT = fixture("models", "vit", "checkpoint");
const FILES = Object.fromEntries(
  ["config.json", "model.safetensors"].map((name) => [name, readFileSync(join(CHECKPOINT, name))]),
);
const ONNX = readFileSync(fixture("models", "vit", "legacy-17.onnx"));

let hub: FakeHub;
let homes = 0;

beforeEach(async () => {
  hub = await fakeHub(FILES);
  vi.stubEnv("HF_ENDPOINT", hub.endpoint);
  vi.stubEnv("HF_HOME", at.path(`home-${homes++}`));
  for (const name of ["HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE"]) vi.stubEnv(name, undefined);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
});

const largeFiles = (): readonly (string | undefined)[] =>
  hub.requests.flatMap(({ server, range }) => (server === "cdn" ? [range] : []));

describe("vitreous inspect hf:owner/name", () => {
  it("says of it what it says of the folder", async () => {
    const remote = await at.run("inspect", NAME, "--json");
    const local = await at.run("inspect", CHECKPOINT, "--json");
    expect(remote.status, remote.stderr).toBe(0);
    const said = (text: string): unknown => ({ ...JSON.parse(text), preprocessing: undefined });
    expect(said(remote.stdout)).toEqual(said(local.stdout));
  });

  it("reads an .onnx file of the hub with the configuration above it", async () => {
    await hub.close();
    const config = JSON.stringify({ id2label: { 0: "a", 1: "b", 2: "c", 3: "d", 4: "e", 5: "f" } });
    hub = await fakeHub({ "config.json": config, "onnx/model.onnx": ONNX });
    vi.stubEnv("HF_ENDPOINT", hub.endpoint);
    const result = await at.run("inspect", NAME);
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout).toContain("labels   a, b, c, d, e, f");
  });

  it("works without the hub once it is cached, and says so", async () => {
    await at.run("inspect", NAME);
    await hub.close();
    const result = await at.run("inspect", NAME);
    expect(result.status).toBe(0);
    expect(result.stderr).toContain(`the cached commit ${hub.commit.slice(0, 12)} is used`);
  });

  it.each([
    [
      "hf:nobody/nothing",
      /^vitreous: hf:nobody\/nothing: .* has no repository nobody\/nothing that is public/,
    ],
    ["hf:nothing", /^vitreous: hf:nothing: "nothing" lacks its owner or its name; write hf:owner\/name/],
    [`${NAME}@gone`, /it has no revision "gone"/],
  ])("refuses %s in one line", async (name, said) => {
    const result = await at.run("inspect", name);
    expect(result.status).toBe(1);
    expectOneClearLine(result, said);
  });
});

describe("a download that ends badly", () => {
  it("by Ctrl-C keeps what came for the next run", async () => {
    hub.behaviour.trickle = 50;
    const { child, ended } = at.start("inspect", NAME);
    while (largeFiles().length === 0) await sleep(10);
    await sleep(300);
    child.kill("SIGINT");
    const result = await ended;
    expect(result.status).toBe(1);
    expectOneClearLine(result, /^vitreous: interrupted$/);
    delete hub.behaviour.trickle;
    expect((await at.run("inspect", NAME)).status).toBe(0);
    expect(largeFiles().at(-1)).toMatch(/^bytes=\d+-$/);
  });

  it("by a kill leaves nothing that the next run takes for whole, and it goes on from there", async () => {
    hub.behaviour.trickle = 50;
    const { child, ended } = at.start("inspect", NAME);
    while (largeFiles().length === 0) await sleep(10);
    await sleep(300);
    child.kill("SIGKILL");
    await ended;
    const folder = join(process.env.HF_HOME ?? "", "hub", "models--lab--tiny-vit");
    expect(existsSync(join(folder, "refs"))).toBe(false);
    delete hub.behaviour.trickle;
    expect((await at.run("inspect", NAME)).status).toBe(0);
    expect(largeFiles().at(-1)).toMatch(/^bytes=\d+-$/);
    expect(readdirSync(join(folder, "blobs")).filter((name) => name.endsWith(".incomplete"))).toEqual([]);
  });

  it("of two at once hurts neither", async () => {
    hub.behaviour.trickle = 30;
    const both = await Promise.all([at.run("inspect", NAME, "--json"), at.run("inspect", NAME, "--json")]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(both[0]?.stdout).toBe(both[1]?.stdout);
  });
});
