// The page's look: the console's tokens, one column, tables that scroll by themselves on a phone, and sheets of paper.
import { INKS } from "../charts/palette.ts";

const tokens = (theme: "light" | "dark"): string =>
  Object.entries(INKS)
    .map(([name, ink]) => `--${name}:${ink[theme]}`)
    .join(";");

const LIGHT = `${tokens("light")};--raised:#f6f7f8;--hair:#e4e6ea;--accent:#00639c;--good:#116b42;--warn:#8a5300;--bad:#b3261e`;
const DARK = `${tokens("dark")};--raised:#171a1e;--hair:#262a30;--accent:#64b5ec;--good:#5cc493;--warn:#e2ab53;--bad:#ff8a80`;

export const STYLE = `
:root{color-scheme:light;${LIGHT}}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;${DARK}}}
*{box-sizing:border-box}
html{background:var(--ground);color:var(--ink);font:14px/20px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",sans-serif;font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1040px;padding:32px 24px 64px;overflow-wrap:anywhere}
h1,h2,h3,h4,p,dl,dd,ul,figure{margin:0;padding:0}
h1{font-size:26px;line-height:32px;font-weight:600;letter-spacing:-.015em}
h2{font-size:18px;line-height:24px;font-weight:600;letter-spacing:-.005em;margin:48px 0 12px;padding-top:16px;border-top:1px solid var(--hair)}
h3{font-size:15px;line-height:20px;font-weight:600;margin:32px 0 8px}
h4{font-size:14px;font-weight:600;margin:0 0 4px}
a{color:var(--accent);text-underline-offset:3px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
code{font:12.5px/20px ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
.quiet{color:var(--ink-3)}
.small{font-size:12.5px;line-height:18px}
header p{margin-top:4px}
nav ul{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;margin-top:16px}
nav a{text-decoration:none;padding:2px 0;display:inline-block}
nav a:hover{text-decoration:underline}
.summary{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:16px 32px;margin-top:24px;padding:16px 20px;background:var(--raised);border-radius:8px}
.summary h2{font-size:14px;line-height:20px;margin:0 0 6px;padding:0;border:0}
.summary ul,.plain{list-style:none}
.plain+p{margin-top:8px}
.summary li{margin-bottom:6px}
.mark{font-weight:600;white-space:nowrap}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:4px 24px}
.facts dt{color:var(--ink-3)}
.facts dd,td,th,.name{unicode-bidi:isolate}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:4px 0}
caption{text-align:left;color:var(--ink-3);padding:0 0 4px}
th{font-weight:500;text-align:left;color:var(--ink-3);vertical-align:bottom}
tbody th{color:var(--ink);font-weight:400;vertical-align:top}
th,td{padding:4px 16px 4px 0;border-bottom:1px solid var(--hair);overflow-wrap:normal}
th:last-child,td:last-child{padding-right:0}
td{vertical-align:top}
.number{text-align:right;white-space:nowrap}
.keep{white-space:nowrap}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));gap:32px 40px;margin:20px 0 8px;align-items:start}
.charts .wide{grid-column:1/-1}
figure svg{display:block;max-width:none}
figcaption{margin-bottom:8px}
figure details{margin-top:4px}
summary{cursor:pointer;color:var(--ink-3);width:fit-content}
summary:hover{color:var(--ink)}
details table{font-size:12.5px}
.origin{margin-top:8px;color:var(--ink-3);font-size:12.5px;line-height:18px}
footer{margin-top:48px;padding-top:16px;border-top:1px solid var(--hair);color:var(--ink-3);font-size:12.5px;line-height:18px}
.hidden{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (max-width:720px){body{padding:20px 16px 48px}.summary{grid-template-columns:minmax(0,1fr);padding:16px}.facts{grid-template-columns:minmax(0,1fr);gap:0}.facts dd{margin-bottom:8px}}
@media print{@page{margin:16mm 14mm}html{font-size:10pt;line-height:14pt}body{max-width:none;padding:0}nav,figure details{display:none}h2,h3,h4{break-after:avoid}figure,tr,.summary{break-inside:avoid}.summary{background:none;border:1px solid var(--hair)}.scroll{overflow:visible}.charts{display:block}figure{margin:0 0 16px}a{color:inherit;text-decoration:none}}
`;
