// A square to draw in with mouse, finger or pen. It owns no state: strokes come in and go out as points from 0 to 1, so
// that a sample and a drawing are the same thing.
import { type PointerEvent, useEffect, useRef } from "react";
import type { Point, Stroke } from "./samples.ts";

/** Pixels of the image a drawing becomes; the version's own steps bring it to the model's size. */
export const SIDE = 280;
const PEN = 22;
const PAPER = "#000000";
const INK = "#ffffff";

/** Draws strokes as light ink on dark paper, with smooth curves through the middles between points. */
function paint(canvas: HTMLCanvasElement, strokes: readonly Stroke[]): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.fillStyle = PAPER;
  context.fillRect(0, 0, SIDE, SIDE);
  context.strokeStyle = INK;
  context.lineWidth = PEN;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of strokes) {
    const [first, ...rest] = stroke.map(({ x, y }) => ({ x: x * SIDE, y: y * SIDE }));
    if (first === undefined) continue;
    context.beginPath();
    context.moveTo(first.x, first.y);
    let before = first;
    for (const point of rest) {
      context.quadraticCurveTo(before.x, before.y, (before.x + point.x) / 2, (before.y + point.y) / 2);
      before = point;
    }
    context.lineTo(before.x, before.y);
    context.stroke();
  }
}

/** The strokes as a PNG. */
export async function imageFromStrokes(strokes: readonly Stroke[]): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = SIDE;
  canvas.height = SIDE;
  paint(canvas, strokes);
  return await new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error("This browser could not make a PNG of the drawing."));
      else resolve(blob);
    }, "image/png");
  });
}

export interface DrawingCanvasProps {
  readonly strokes: readonly Stroke[];
  readonly onChange: (strokes: readonly Stroke[]) => void;
}

export function DrawingCanvas({ strokes, onChange }: DrawingCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawing = useRef<Stroke | null>(null);
  useEffect(() => {
    if (canvas.current !== null) paint(canvas.current, strokes);
  }, [strokes]);
  const pointOf = (event: { clientX: number; clientY: number }): Point => {
    const box = canvas.current?.getBoundingClientRect() ?? new DOMRect(0, 0, 1, 1);
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };
  const begin = (event: PointerEvent<HTMLCanvasElement>): void => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    drawing.current = [pointOf(event)];
    onChange([...strokes, drawing.current]);
  };
  const move = (event: PointerEvent<HTMLCanvasElement>): void => {
    if (drawing.current === null) return;
    // A pen reports more often than the screen is painted; all of its points are kept.
    const events = event.nativeEvent.getCoalescedEvents();
    const points = (events.length > 0 ? events : [event.nativeEvent]).map(pointOf);
    drawing.current = [...drawing.current, ...points];
    onChange([...strokes.slice(0, -1), drawing.current]);
  };
  const end = (): void => {
    drawing.current = null;
  };
  return (
    <canvas
      ref={canvas}
      width={SIDE}
      height={SIDE}
      className="drawing"
      role="img"
      aria-label={strokes.length === 0 ? "Empty drawing" : "Drawing"}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
    />
  );
}
