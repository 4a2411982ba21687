import type { Box, Shape } from './model';

/** What part of the board is seen: the place of the canvas' corner, and the scale. */
export interface Camera {
  x: number;
  y: number;
  scale: number;
}

export interface Colors {
  ink: string;
  paper: string;
  grid: string;
  accent: string;
  font: string;
  /** How far shapes' colours are mixed with white, from 0 to 1. */
  lift: number;
}

/** A `#rrggbb` mixed with white. */
export function lifted(color: string, lift: number): string {
  const mixed = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16);
    return Math.round(part + (255 - part) * lift).toString(16).padStart(2, '0');
  });
  return `#${mixed.join('')}`;
}

export interface Mark {
  box: Box;
  color: string;
  /** With the handle that resizes. */
  handle: boolean;
}

export const note_size = 180;
export const handle_px = 12;
const grid_step = 24;
const line_px = 3;
export const text_px = 18;
export const padding_px = 14;

/** Breaks a text into lines that fit; words that do not are cut. */
export function wrap(context: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(/(?<=\s)/)) {
      if (line && context.measureText(line + word.trimEnd()).width > width) {
        lines.push(line);
        line = '';
      }
      line += word;
      while ([...line].length > 1 && context.measureText(line.trimEnd()).width > width) {
        const letters = [...line];
        let fits = letters.length - 1;
        while (fits > 1 && context.measureText(letters.slice(0, fits).join('')).width > width) fits -= 1;
        lines.push(letters.slice(0, fits).join(''));
        line = letters.slice(fits).join('');
      }
    }
    lines.push(line);
  }
  return lines;
}

function path_of({ kind, x, y, w, h, points }: Shape): Path2D {
  const path = new Path2D();
  if (kind === 'pen') {
    for (let i = 0; i + 1 < points.length; i += 2) {
      const [px, py] = [x + points[i], y + points[i + 1]];
      if (i === 0) path.moveTo(px, py);
      path.lineTo(px, py);
    }
  } else if (kind === 'ellipse') {
    path.ellipse(x + w / 2, y + h / 2, w / 2, h / 2, 0, 0, 2 * Math.PI);
  } else {
    path.roundRect(x, y, w, h, Math.min(kind === 'note' ? 4 : 8, w / 2, h / 2));
  }
  return path;
}

function draw_text(context: CanvasRenderingContext2D, shape: Shape, colors: Colors): void {
  const padding = shape.kind === 'text' ? 0 : padding_px;
  const line_height = text_px * 1.35;
  context.font = `${text_px}px ${colors.font}`;
  context.fillStyle = shape.kind === 'text' ? shape.color : colors.ink;
  context.textBaseline = 'middle';
  const lines = wrap(context, shape.text, Math.max(shape.w - 2 * padding, text_px));
  const centred = shape.kind === 'rectangle' || shape.kind === 'ellipse';
  context.textAlign = centred ? 'center' : 'left';
  const top = centred ? shape.y + (shape.h - lines.length * line_height) / 2 : shape.y + padding;
  const left = centred ? shape.x + shape.w / 2 : shape.x + padding;
  lines.forEach((line, index) => context.fillText(line.trimEnd(), left, top + (index + 0.5) * line_height));
}

function draw_shape(context: CanvasRenderingContext2D, stored: Shape, colors: Colors, without_text: boolean): void {
  const shape = { ...stored, color: lifted(stored.color, colors.lift) };
  const path = path_of(shape);
  context.lineWidth = line_px;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.strokeStyle = shape.color;
  if (shape.kind === 'note') {
    context.fillStyle = colors.paper;
    context.fill(path);
    context.fillStyle = `${shape.color}38`;
    context.fill(path);
    context.fillStyle = shape.color;
    context.fillRect(shape.x, shape.y, shape.w, Math.min(5, shape.h));
  } else if (shape.kind === 'rectangle' || shape.kind === 'ellipse') {
    context.fillStyle = `${shape.color}18`;
    context.fill(path);
    context.stroke(path);
  } else if (shape.kind === 'pen') {
    context.stroke(path);
  }
  if (without_text || !shape.text) return;
  context.save();
  if (shape.kind !== 'text') context.clip(path);
  draw_text(context, shape, colors);
  context.restore();
}

function draw_grid(context: CanvasRenderingContext2D, camera: Camera, width: number, height: number, color: string): void {
  const step = grid_step * 2 ** Math.max(0, Math.ceil(Math.log2(0.7 / camera.scale)));
  context.fillStyle = color;
  const dot = 1.5 / camera.scale;
  const end_x = camera.x + width / camera.scale;
  const end_y = camera.y + height / camera.scale;
  for (let x = Math.ceil(camera.x / step) * step; x < end_x; x += step) {
    for (let y = Math.ceil(camera.y / step) * step; y < end_y; y += step) context.fillRect(x, y, dot, dot);
  }
}

/** Draws all of it; `editing` is a shape whose text is in an element above the canvas. */
export function draw_board(
  canvas: HTMLCanvasElement, camera: Camera, colors: Colors, shapes: readonly Shape[], marks: readonly Mark[], editing: string | null,
): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const ratio = devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  const [pixels_x, pixels_y] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== pixels_x || canvas.height !== pixels_y) {
    canvas.width = pixels_x;
    canvas.height = pixels_y;
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const scale = camera.scale * ratio;
  context.setTransform(scale, 0, 0, scale, -camera.x * scale, -camera.y * scale);
  draw_grid(context, camera, width, height, colors.grid);
  for (const shape of shapes) draw_shape(context, shape, colors, shape.id === editing);
  for (const { box, color, handle } of marks) {
    const gap = 5 / camera.scale;
    context.strokeStyle = color;
    context.lineWidth = 1.5 / camera.scale;
    context.setLineDash(handle ? [] : [5 / camera.scale, 4 / camera.scale]);
    context.strokeRect(box.x - gap, box.y - gap, box.w + 2 * gap, box.h + 2 * gap);
    context.setLineDash([]);
    if (!handle) continue;
    const size = handle_px / camera.scale;
    context.fillStyle = colors.paper;
    context.fillRect(box.x + box.w + gap - size / 2, box.y + box.h + gap - size / 2, size, size);
    context.strokeRect(box.x + box.w + gap - size / 2, box.y + box.h + gap - size / 2, size, size);
  }
}

/** The topmost shape at a place; `slack` in the board's units. */
export function shape_at(shapes: readonly Shape[], x: number, y: number, slack: number): Shape | null {
  for (let i = shapes.length - 1; i >= 0; i -= 1) if (hits(shapes[i], x, y, slack)) return shapes[i];
  return null;
}

function hits(shape: Shape, x: number, y: number, slack: number): boolean {
  const { kind, w, h, points } = shape;
  const [dx, dy] = [x - shape.x, y - shape.y];
  if (dx < -slack || dy < -slack || dx > w + slack || dy > h + slack) return false;
  if (kind === 'ellipse') {
    const [rx, ry] = [w / 2 + slack, h / 2 + slack];
    return ((dx - w / 2) / rx) ** 2 + ((dy - h / 2) / ry) ** 2 <= 1;
  }
  if (kind !== 'pen') return true;
  for (let i = 0; i + 3 < points.length; i += 2) {
    if (distance(dx, dy, points[i], points[i + 1], points[i + 2], points[i + 3]) <= slack) return true;
  }
  return points.length === 2 && Math.hypot(dx - points[0], dy - points[1]) <= slack;
}

function distance(x: number, y: number, ax: number, ay: number, bx: number, by: number): number {
  const [ux, uy] = [bx - ax, by - ay];
  const length = ux * ux + uy * uy;
  const along = length === 0 ? 0 : Math.min(Math.max(((x - ax) * ux + (y - ay) * uy) / length, 0), 1);
  return Math.hypot(x - ax - along * ux, y - ay - along * uy);
}
