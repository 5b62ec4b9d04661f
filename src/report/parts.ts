/** @file Pieces that every page may have: drawings that say what they show, tables that are scrolled by themselves. */
import { type Html, html, raw } from "./html.js";

/** A drawing with a description for who cannot see it. */
export const drawing = (svg: string, description: string): Html =>
  html`<div role="img" aria-label="${description}">${raw(svg)}</div>`;

/** A table that may be wider than the screen: it is scrolled by itself, with keys too. */
export const scrolled = (label: string, table: Html): Html =>
  html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${table}</div>`;
