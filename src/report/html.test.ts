import { describe, expect, it } from "vitest";
import { html, raw } from "./html.js";

describe("HTML as templates", () => {
  it("escapes what is text and keeps what is markup", () => {
    expect(
      html`<p title="${'"<&>'}">${raw("<b>x</b>")}${3}${[html`<i>${"<"}</i>`, html`${"'"}`]}</p>`.text,
    ).toBe('<p title="&#34;&#60;&#38;&#62;"><b>x</b>3<i>&#60;</i>&#39;</p>');
  });
});
