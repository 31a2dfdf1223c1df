// How something is, as a shape and a word. The table says which states there are and what they look like.

type Tone = "good" | "warn" | "bad" | "idle";

const DISC = <circle cx="5" cy="5" r="4" stroke="none" />;
const HALF = (
  <>
    <circle cx="5" cy="5" r="4" fill="none" strokeWidth="1.5" />
    <path d="M5 1 A4 4 0 0 1 5 9 Z" stroke="none" />
  </>
);
const DIAMOND = <path d="M5 0 L10 5 L5 10 L0 5 Z" stroke="none" />;
const RING = <circle cx="5" cy="5" r="4" fill="none" strokeWidth="1.5" />;

const LOOKS = {
  ready: ["good", DISC, "ready"],
  loading: ["warn", HALF, "loading"],
  starting: ["warn", HALF, "starting"],
  recovering: ["warn", HALF, "recovering"],
  draining: ["warn", HALF, "draining"],
  "not-ready": ["bad", DIAMOND, "not ready"],
  quarantined: ["bad", DIAMOND, "quarantined"],
  failed: ["bad", DIAMOND, "failed"],
  dead: ["bad", DIAMOND, "dead"],
  stale: ["bad", DIAMOND, "no answer"],
  unloaded: ["idle", RING, "unloaded"],
  closed: ["idle", RING, "closed"],
  connecting: ["idle", RING, "connecting"],
  live: ["good", DISC, "live"],
  queued: ["idle", RING, "queued"],
  running: ["warn", HALF, "running"],
  cancelling: ["warn", HALF, "being cancelled"],
  succeeded: ["good", DISC, "succeeded"],
  cancelled: ["idle", RING, "cancelled"],
  yes: ["good", DISC, "yes"],
  no: ["bad", DIAMOND, "no"],
  unknown: ["warn", HALF, "unknown"],
  ungated: ["idle", RING, "ungated"],
  current: ["good", DISC, "current"],
  outdated: ["warn", HALF, "may no longer hold"],
  superseded: ["idle", RING, "superseded"],
  better: ["good", DISC, "better"],
  worse: ["bad", DIAMOND, "worse"],
  different: ["idle", RING, "different"],
  equal: ["idle", RING, "equal"],
  undecided: ["warn", HALF, "undecided"],
  incomparable: ["idle", RING, "not comparable"],
  grave: ["bad", DIAMOND, "grave"],
  serious: ["warn", HALF, "serious"],
  note: ["idle", RING, "note"],
} as const satisfies Record<string, readonly [Tone, unknown, string]>;

export type State = keyof typeof LOOKS;

export function StateMark({ state, text }: { state: State; text?: string }) {
  const [tone, shape, word] = LOOKS[state];
  return (
    <span className="state" data-tone={tone}>
      <svg viewBox="0 0 10 10" aria-hidden="true">
        {shape}
      </svg>
      {text ?? word}
    </span>
  );
}
