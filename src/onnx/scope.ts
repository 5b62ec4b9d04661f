/**
 * @file Where in the exported module a node comes from, as a dotted path such as "vit.layers.0.attention". The
 * exporters say it in three ways; one spelling lets the anatomy speak of layers by the names people know.
 */

/** Entries of a Python list of strings as metadata has it: "['', 'm', 'm.vit']". */
function pythonList(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|"([^"]*)"/g)].map((match) => match[1] ?? match[2] ?? "");
}

/** "/m/layers/layers.0/attn/MatMul" → "m.layers.0.attn": a module list's child repeats the list's name. */
function fromSlashPath(name: string): string | undefined {
  const segments = name.split("/").slice(1, -1);
  const kept = segments.filter((segment, i) => !segments[i + 1]?.startsWith(`${segment}.`));
  return kept.length === 0 ? undefined : kept.join(".");
}

/** ": Model/m: Vit/m.blocks.0: Block/add_2: aten.add" → "m.blocks.0"; may be cut off at its end. */
function fromNamespace(namespace: string): string | undefined {
  const paths = namespace.split("/").map((part) => part.split(":")[0]?.trim() ?? "");
  return paths.slice(0, -1).at(-1);
}

/**
 * The dotted module path of a node, or undefined where the exporter does not say. Sources, in this order:
 * `pkg.torch.onnx.name_scopes` and `namespace` (torch.export), the node's slash path (TorchScript exporter).
 */
export function scopeOf(name: string, metadata: ReadonlyMap<string, string>): string | undefined {
  const scopes = metadata.get("pkg.torch.onnx.name_scopes");
  const namespace = metadata.get("namespace");
  let path: string | undefined;
  if (scopes !== undefined) path = pythonList(scopes).at(-2);
  else if (namespace !== undefined) path = fromNamespace(namespace);
  else if (name.startsWith("/")) path = fromSlashPath(name);
  return path === undefined || path === "" ? undefined : path;
}
