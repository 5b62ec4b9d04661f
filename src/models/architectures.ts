/** @file All architectures that can be opened from a checkpoint. Adding one = its file and a line here. */
import type { Architecture } from "./architecture.js";
import { timmSwin } from "./timm/swin.js";
import { timmVit } from "./timm/vit.js";

export const ARCHITECTURES: readonly Architecture[] = [timmVit, timmSwin];
