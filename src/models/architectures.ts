/** @file All architectures that can be opened from a checkpoint. Adding one = its file and a line here. */
import type { Architecture } from "./architecture.js";
import { huggingFaceBeit } from "./hugging-face/beit.js";
import { huggingFaceDinov3 } from "./hugging-face/dinov3.js";
import { huggingFaceSwin } from "./hugging-face/swin.js";
import { huggingFaceVit } from "./hugging-face/vit.js";
import { timmBeit } from "./timm/beit.js";
import { timmEva } from "./timm/eva.js";
import { timmSwin } from "./timm/swin.js";
import { timmVit } from "./timm/vit.js";
import { torchvisionSwin } from "./torchvision/swin.js";
import { torchvisionVit } from "./torchvision/vit.js";

export const ARCHITECTURES: readonly Architecture[] = [
  timmVit,
  timmSwin,
  timmEva,
  timmBeit,
  huggingFaceBeit,
  huggingFaceDinov3,
  huggingFaceVit,
  huggingFaceSwin,
  torchvisionSwin,
  torchvisionVit,
];
