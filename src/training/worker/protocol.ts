/**
 * @file What the trainer and its worker say to each other. Types only, because the worker's side is plain JavaScript that
 * Node starts without a compiler.
 */

/** A parameter as the worker keeps it: one stretch of the arrays that all share. */
export interface ParameterPlan {
  readonly name: string;
  readonly dims: readonly number[];
  /** Times the step's learning rate. */
  readonly rate: number;
  /** Whether the step's decoupled weight decay applies. */
  readonly decay: boolean;
  /** Whether graphs take it as it is and give its gradient; else the caller gathers that from computed constants. */
  readonly direct: boolean;
  /** Whether a held update leaves it as it is. */
  readonly held: boolean;
}

export interface Plan {
  readonly parameters: readonly ParameterPlan[];
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Largest norm of the gradient. */
  readonly clip: number | undefined;
  /** Whether that holds for each parameter's gradient by itself. */
  readonly clipEach: boolean;
  readonly averaged: boolean;
}

/** A constant that the caller computes from parameters. */
export interface ComputedPlan {
  readonly name: string;
  readonly dims: readonly number[];
  /** The output that is its gradient. */
  readonly gradient: string;
}

/** What the outputs of a step graph are. */
export interface GraphPlan {
  /** Of the direct parameters, by their names. */
  readonly gradients: ReadonlyMap<string, string>;
  readonly computed: readonly ComputedPlan[];
  readonly losses: string;
  /** Undefined where nobody asks for them. */
  readonly logits: string | undefined;
}

/** An input of one run: float32, or uint8 where it is a mask. */
export interface Fed {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | Uint8Array;
}

export type NamedArrays = readonly (readonly [string, Float32Array])[];

export type TrainerJob =
  | { readonly kind: "open"; readonly settings: unknown }
  | { readonly kind: "load"; readonly plan: Plan; readonly values: NamedArrays }
  /** A step graph, called `key` from then on: there is one for each image size. */
  | { readonly kind: "loadStep"; readonly key: string; readonly model: Uint8Array; readonly graph: GraphPlan }
  | {
      readonly kind: "run";
      readonly key: string;
      readonly feeds: readonly Fed[];
      readonly sampleWeights: Fed;
      /** Of a step of several runs the first forgets the gradients of the step before, the next add to them. */
      readonly part: "only" | "first" | "next";
    }
  /** Changes the parameters by the gradients of the runs since the last update. */
  | {
      readonly kind: "update";
      /** Gradients of the parameters that have no output. */
      readonly gathered: NamedArrays;
      readonly loss: number;
      readonly learningRate: number;
      readonly weightDecay: number;
      /** This one included. */
      readonly updates: number;
      /** Whether the held parameters stay as they are. */
      readonly hold: boolean;
      /** How many of the updates left the held parameters as they were. */
      readonly heldUpdates: number;
      /** Of the average of the weights. */
      readonly averageDecay: number;
    }
  /** Values of the parameters that have no output, now or on average. */
  | { readonly kind: "indirect"; readonly role: Role }
  | { readonly kind: "loadInference"; readonly key: string; readonly model: Uint8Array }
  | {
      readonly kind: "predict";
      readonly key: string;
      readonly feeds: readonly Fed[];
      readonly averaged: boolean;
      readonly output: string;
    }
  | { readonly kind: "snapshot"; readonly roles: readonly Role[] }
  | { readonly kind: "restore"; readonly roles: readonly Role[]; readonly arrays: NamedArrays }
  | { readonly kind: "close" };

/** What is kept of each parameter: "averages/blocks.0.norm1.weight". */
export type Role = "parameters" | "firstMoments" | "secondMoments" | "averages";

export interface Opened {
  readonly devices: readonly string[];
}

export interface RunReply {
  /** Σ weight·loss. */
  readonly loss: number;
  /** Empty where nobody asks for them. */
  readonly logits: Float32Array;
  /** Gradients of the computed constants, of this run alone. */
  readonly computed: NamedArrays;
}

export interface UpdateReply {
  readonly gradientNorm: number;
  readonly applied: boolean;
  /** The parameters that have no output, as they are now. */
  readonly indirect: NamedArrays;
}

export interface PredictReply {
  readonly values: Float32Array;
}

export interface ArraysReply {
  readonly arrays: NamedArrays;
}
