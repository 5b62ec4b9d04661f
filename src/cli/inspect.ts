/** @file `vitreous inspect`: what a model is found to be, in words or as JSON. */
import { Command } from "commander";
import { describeInspection, inspectAnatomy } from "../anatomy/describe.js";
import { openModel } from "../api/node/open.js";
import { usesGradients } from "../explain/compile.js";
import { METHODS, methodFromSpec } from "../explain/registry.js";
import { type CommandContext, type ModelOptions, openOptions, withModelOptions } from "./options.js";
import { terminal } from "./terminal.js";

export function inspectCommand(_context: CommandContext): Command {
  return withModelOptions(new Command("inspect"))
    .description(
      "Say what a model is: family, patch grid, blocks, heads, windows, and which methods work on it.",
    )
    .argument("<model>", "an .onnx file, or a folder with config.json and model.safetensors")
    .addHelpText(
      "after",
      `
Examples:
  vitreous inspect model.onnx
  vitreous inspect vit_tiny_patch16_224/ --json`,
    )
    .action(async (path: string, options: ModelOptions) => {
      const say = terminal({ quiet: options.quiet ?? false }, { out: process.stdout, err: process.stderr });
      const model = await openModel(path, openOptions(options));
      try {
        const methods = Object.keys(METHODS).map((name) => ({
          name,
          why: model.unsupported(methodFromSpec(name)),
        }));
        const working = methods.flatMap(({ name, why }) => (why === undefined ? [name] : []));
        const inspection = inspectAnatomy(model.anatomy, {
          batch: model.batch,
          differentiable: working.some((name) => usesGradients(methodFromSpec(name), model.anatomy)),
          methods: working,
          why: [...new Set(methods.flatMap(({ why }) => why ?? []))],
        });
        if (options.json) say.result(JSON.stringify(inspection, null, 2));
        else say.result(describeInspection(inspection).join("\n"));
      } finally {
        await model.close();
      }
    });
}
