// `npm run docs`: writes the pages that are tables of the code (error codes, metrics). A test fails when a page and its
// table differ.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { generatedPages } from "./generated-pages.ts";

const root = path.resolve(import.meta.dirname, "..");
for (const [file, text] of generatedPages()) writeFileSync(path.join(root, file), text);
