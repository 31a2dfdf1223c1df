// An HTML file of ours: nothing is fetched, nothing runs in it, and it says so to the browser.
import { html, Markup } from "./html.ts";
import { STYLE } from "./style.ts";

/** What browsers are told to allow: the file's own style, and nothing else. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export interface PageSection {
  readonly id: string;
  readonly title: string;
  readonly body: Markup;
}

export interface PageDocument {
  readonly title: string;
  /** The program that made it, with its version. */
  readonly generator: string;
  readonly heading: string;
  /** Lines below the heading. */
  readonly about: readonly string[];
  /** Before the sections. */
  readonly summary: Markup;
  readonly sections: readonly PageSection[];
  readonly footer: string;
}

export function documentText({ title, generator, heading, about, summary, sections, footer }: PageDocument): string {
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="generator" content="${generator}"><title>${title}</title><style>${new Markup(STYLE)}</style></head>
<body><header><h1><span class="name">${heading}</span></h1>${about.map((text) => html`<p class="quiet" dir="auto">${text}</p>`)}
<nav aria-label="Sections"><ul>${sections.map(({ id, title: name }) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav></header>
<main>${summary}
${sections.map(({ id, title: name, body }) => html`<section aria-labelledby="${id}"><h2 id="${id}" tabindex="-1">${name}</h2>${body}</section>\n`)}</main>
<footer><p>${footer}</p></footer></body></html>
`;
  return page.text;
}
