// Text in HTML and XML: names, notes and labels come from users, and none of them may become markup or break a picture.

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that is safe between tags and in quoted attributes. */
export function escaped(text: string): string {
  return allowedInXml(text).replaceAll(/[&<>"']/g, (found) => ESCAPES[found]!);
}

/**
 * What XML 1.0 (2.2, Char) has no way to write becomes U+FFFD, and so do the controls that turn the direction of all text
 * behind them (Unicode Standard Annex 9): with them a name can make other words read differently.
 */
export function allowedInXml(text: string): string {
  return text.toWellFormed().replaceAll(FORBIDDEN, "\ufffd").replaceAll(TURNING, "\ufffd");
}

const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
