/** @file Reads `hf:owner/name[@revision]`. Both parts become names of folders, so what could leave the cache is refused. */
import { VitreousError } from "../../../onnx/errors.js";

const HUB_PREFIX = "hf:";

export const isHubName = (text: string): boolean => text.startsWith(HUB_PREFIX);

export interface HubName {
  /** "owner/name". */
  readonly repository: string;
  /** A branch, a tag, a commit or "refs/pr/1"; "main" where none is said. */
  readonly revision: string;
}

/** As the hub has it: letters, digits, "-", "_" and "."; no "--", no ".."; at most 96. */
const PART = /^(?!.*(?:--|\.\.))\w(?:[\w.-]{0,94}\w)?$/;

/** The characters that git leaves out of its references. */
const REVISION = /^[^\s\\~^:?*[\]@"'<>|%#]{1,255}$/;

/** @throws VitreousError that says how such a name is written */
export function parseHubName(text: string): HubName {
  const refuse = (why: string): never => {
    throw new VitreousError(
      `${text}: ${why}; write hf:owner/name or hf:owner/name@revision, such as hf:google/vit-base-patch16-224`,
    );
  };
  const rest = text.slice(HUB_PREFIX.length);
  if (rest.includes("://")) return refuse("this is an address, not the name of a repository");
  const at = rest.indexOf("@");
  const repository = at < 0 ? rest : rest.slice(0, at);
  const revision = at < 0 ? "main" : rest.slice(at + 1);
  const [owner = "", name = "", ...more] = repository.split("/");
  if (more.length > 0) return refuse(`"${repository}" has more than an owner and a name`);
  if (owner === "") return refuse("the repository's name is missing");
  if (name === "") return refuse(`"${repository}" lacks its owner or its name`);
  for (const part of [owner, name]) {
    if (!PART.test(part) || part.endsWith(".git")) return refuse(`"${part}" is no name that the hub allows`);
  }
  if (revision === "") return refuse("no revision follows the @");
  const steps = revision.split("/");
  if (
    !REVISION.test(revision) ||
    steps.some((step) => step === "" || step.startsWith(".") || step.includes(".."))
  ) {
    return refuse(`"${revision}" is no name of a branch, tag or commit`);
  }
  return { repository, revision };
}

/** A whole commit, which never changes; anything else may name another commit tomorrow. */
export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);
