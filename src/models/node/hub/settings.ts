/**
 * @file What the environment says of the Hugging Face hub: the same variables as Python's huggingface_hub reads, with
 * the same meaning, so that both share one cache and one login. (@huggingface/hub knows the cache's variables too, but
 * expands no "~" or "$HOME" in them and has nothing for tokens, the endpoint or offline work.)
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { errorCode, readFailure } from "../../../imaging/node/file-error.js";
import { VitreousError } from "../../../onnx/errors.js";

export interface HubToken {
  readonly value: string;
  /** Where it is from, for messages: the token itself is never shown. */
  readonly from: string;
}

export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** The folder that holds `models--owner--name`. */
  readonly cache: string;
  readonly token: HubToken | undefined;
  readonly offline: boolean;
  /** A server that sends nothing for as long is taken to be gone, ms. */
  readonly silence: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const ENDPOINT = "https://huggingface.co";
const SILENCE_S = 10;

const isTrue = (text: string | undefined): boolean =>
  ["1", "ON", "YES", "TRUE"].includes((text ?? "").toUpperCase());

/** @throws VitreousError where a variable is no address or the token's file cannot be read */
export async function hubSettings(env: Environment, token?: string): Promise<HubSettings> {
  const path = (text: string): string => resolve(expand(text, env));
  const home = path(env.HF_HOME || join(env.XDG_CACHE_HOME || join("~", ".cache"), "huggingface"));
  const seconds = Number(env.HF_HUB_DOWNLOAD_TIMEOUT || SILENCE_S);
  return {
    endpoint: endpointOf(env.HF_ENDPOINT || ENDPOINT),
    cache: path(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, "hub")),
    token: await tokenOf(env, token, path(env.HF_TOKEN_PATH || join(home, "token"))),
    offline: isTrue(env.HF_HUB_OFFLINE) || isTrue(env.TRANSFORMERS_OFFLINE),
    silence: 1000 * (seconds > 0 && seconds < 86_400 ? seconds : SILENCE_S),
  };
}

/** Python's expanduser and expandvars: what is not set stays as it is written. */
function expand(text: string, env: Environment): string {
  const named = text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced, bare) => env[braced ?? bare] ?? whole);
  return named.replace(/^~(?=$|[/\\])/, () => env.HOME || homedir());
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.username + url.password + url.search !== ""
  ) {
    // Not shown: it may hold a password.
    throw new VitreousError(`HF_ENDPOINT is no plain http or https address; unset it for ${ENDPOINT}`);
  }
  return text.replace(/\/+$/, "");
}

async function tokenOf(
  env: Environment,
  given: string | undefined,
  file: string,
): Promise<HubToken | undefined> {
  const clean = (value: string | undefined, from: string): HubToken | undefined => {
    const text = value?.replace(/[\r\n]/g, "").trim() ?? "";
    if (text === "") return undefined;
    // A header takes no other characters; the error of fetch would show the token.
    if (!/^[\x21-\x7e]+$/.test(text))
      throw new VitreousError(`the token of ${from} is no token: it has odd characters`);
    return { value: text, from };
  };
  if (given !== undefined) return clean(given, "the option token");
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const named =
    clean(env.HF_TOKEN, "HF_TOKEN") ?? clean(env.HUGGING_FACE_HUB_TOKEN, "HUGGING_FACE_HUB_TOKEN");
  if (named !== undefined) return named;
  try {
    return clean(await readFile(file, "utf8"), file);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) return undefined;
    throw error instanceof VitreousError ? error : readFailure(file, error);
  }
}
