/**
 * @file The one error a user may cause. Its message says what is wrong, where, and what to do; the command line
 * prints it without a stack trace. Anything else that is thrown is a defect of ours.
 */
export class VitreousError extends Error {
  override readonly name = "VitreousError";
}
