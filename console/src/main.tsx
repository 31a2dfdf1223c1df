// Starts the console in its page.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./theme.css";
import "./parts/parts.css";
import { App } from "./app.tsx";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element #root. This is a bug.");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
