// `npm run docs`: writes the parts of the pages that are tables of the code. A test fails where a page and its table differ.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { generatedPages } from "./generated-parts.ts";

const root = path.resolve(import.meta.dirname, "..");
const pages = await generatedPages((page) => readFileSync(path.join(root, page), "utf8"));
for (const [page, text] of pages) writeFileSync(path.join(root, page), text);
