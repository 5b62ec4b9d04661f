/** @file Why the hub refuses a request, as one sentence that says what to do. */
import { VitreousError } from "../../../onnx/errors.js";
import type { HubName } from "./name.js";
import type { HubSettings } from "./settings.js";

export interface RefusedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly url: string;
  /** The answer's body. */
  readonly said: string;
}

/** The hub's X-Error-Code tells apart what one status has in common (huggingface_hub's `hf_raise_for_status`). */
export function refusal(answer: RefusedAnswer, name: HubName, settings: HubSettings): VitreousError {
  const { endpoint, token } = settings;
  const { repository, revision } = name;
  const page = `${endpoint}/${repository}`;
  const code = answer.headers.get("x-error-code");
  const say = (text: string): VitreousError => new VitreousError(`hf:${repository}: ${text}`);
  const { origin, host, pathname } = new URL(answer.url);
  if (origin !== new URL(endpoint).origin)
    return say(`${host} refuses with status ${answer.status}${words(answer)}`);
  const absent = `${endpoint} has no repository ${repository}`;
  switch (code ?? answer.status) {
    case "GatedRepo":
      return token === undefined
        ? say(
            `it is gated: accept its conditions at ${page}, and set HF_TOKEN to an access token of your account`,
          )
        : say(
            `it is gated, and the account of the token in ${token.from} has no access: accept its conditions at ${page}`,
          );
    case "RevisionNotFound":
      return say(`it has no revision "${revision}"; its branches and tags are listed at ${page}/tree/main`);
    case "EntryNotFound":
      return say(`it lists a file that it does not have (${pathname}); try again later`);
    case "RepoNotFound":
    case 404:
    case 401:
      // Where a repository is private, the hub does not even tell that there is one.
      if (token === undefined) {
        return say(
          `${absent} that is public: check the name; for a private one set HF_TOKEN to an access token`,
        );
      }
      return answer.status === 401
        ? say(
            `${endpoint} does not accept the token in ${token.from} (401): renew it at ${endpoint}/settings/tokens, or unset it for a public repository`,
          )
        : say(`${absent} that the token in ${token.from} may see: check the name and whose token it is`);
    case 403:
      return say(
        token === undefined
          ? `access is forbidden (403${words(answer)}): set HF_TOKEN to an access token of an account that may read ${page}`
          : `the token in ${token.from} gives no access (403${words(answer)}): it needs the right to read ${page}`,
      );
    default:
      return say(`${host} refuses with status ${answer.status}${words(answer)}`);
  }
}

/** What the server gives as its reason, in one line. */
function words({ headers, said }: RefusedAnswer): string {
  const text = (headers.get("x-error-message") ?? jsonError(said) ?? "").replaceAll(/\s+/g, " ").trim();
  return text === "" ? "" : `: ${text.slice(0, 200)}`;
}

function jsonError(said: string): string | undefined {
  try {
    const json: unknown = JSON.parse(said);
    return typeof json === "object" && json !== null && "error" in json ? String(json.error) : undefined;
  } catch {
    return undefined;
  }
}
