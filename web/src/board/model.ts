import * as Y from 'yjs';

import { board_root } from '../view';

export type Kind = 'pen' | 'rectangle' | 'ellipse' | 'note' | 'text';
export const kinds: readonly Kind[] = ['pen', 'rectangle', 'ellipse', 'note', 'text'];

/** Where in the board's own units; one of them is a pixel at 100 %. */
export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Shape extends Box {
  id: string;
  kind: Kind;
  color: string;
  z: number;
  text: string;
  /** Of a pen, relative to its box: x, y, x, y, … */
  points: number[];
}

const reach = 1e6;
export const points_max = 4000;
const text_chars_max = 4000;

function number(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? Math.min(Math.max(value, -reach), reach) : otherwise;
}

/** A shape is what some client wrote: it is read as far as it can be drawn, or not at all. */
function read_shape(id: string, value: unknown): Shape | null {
  if (!(value instanceof Y.Map)) return null;
  const kind = kinds.find((name) => name === value.get('kind'));
  if (!kind) return null;
  const color = value.get('color');
  const text = value.get('text');
  const points = value.get('points');
  return {
    id,
    kind,
    x: number(value.get('x'), 0),
    y: number(value.get('y'), 0),
    w: Math.abs(number(value.get('w'), 0)),
    h: Math.abs(number(value.get('h'), 0)),
    z: number(value.get('z'), 0),
    color: typeof color === 'string' && /^#[0-9a-f]{6}$/i.test(color) ? color : '#52606d',
    text: text instanceof Y.Text ? text.toString().slice(0, text_chars_max) : '',
    points: points instanceof Y.Array ? points.slice(0, points_max * 2).map((point) => number(point, 0)) : [],
  };
}

/** The one place in which two texts differ. Never inside of a surrogate pair: halves would be mixed. */
export function difference(old: string, next: string): { begin: number; removed: number; inserted: string } {
  let begin = 0;
  while (begin < old.length && old[begin] === next[begin]) begin += 1;
  let end = 0;
  while (end < Math.min(old.length, next.length) - begin && old.at(-1 - end) === next.at(-1 - end)) end += 1;
  const low = (text: string, index: number) => /[\udc00-\udfff]/.test(text[index] ?? '');
  if (low(old, begin) || low(next, begin)) begin -= 1;
  if (end > 0 && (low(old, old.length - end) || low(next, next.length - end))) end -= 1;
  return { begin, removed: old.length - end - begin, inserted: next.slice(begin, next.length - end) };
}

/** The shapes of one document: `Y.Map "shapes"` of maps by id, with `Y.Array` points and `Y.Text`. */
export class Shapes {
  readonly undo: Y.UndoManager;
  private readonly map_: Y.Map<unknown>;
  private read_: Shape[] | null = null;
  private readonly origin_ = {};

  constructor(
    private readonly doc_: Y.Doc,
    private readonly changed_: () => void,
  ) {
    this.map_ = doc_.getMap(board_root);
    this.undo = new Y.UndoManager(this.map_, { trackedOrigins: new Set([this.origin_]), captureTimeout: 60_000 });
    this.map_.observeDeep(this.observe_);
  }

  /** From the lowest to the topmost. */
  get all(): readonly Shape[] {
    this.read_ ??= [...this.map_]
      .map(([id, value]) => read_shape(id, value))
      .filter((shape) => shape !== null)
      .sort((a, b) => a.z - b.z || (a.id < b.id ? -1 : 1));
    return this.read_;
  }

  get(id: string | null): Shape | null {
    return this.all.find((shape) => shape.id === id) ?? null;
  }

  /** From here on a new step for undo. */
  step(): void {
    this.undo.stopCapturing();
  }

  add(kind: Kind, box: Box, color: string): string {
    const id = `${this.doc_.clientID.toString(36)}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
    const top = this.all.at(-1)?.z ?? 0;
    this.write_(() => {
      const shape = new Y.Map<unknown>();
      for (const [key, value] of Object.entries({ kind, color, z: top + 1, ...box })) shape.set(key, value);
      if (kind === 'pen') shape.set('points', new Y.Array<number>());
      else shape.set('text', new Y.Text());
      this.map_.set(id, shape);
    });
    return id;
  }

  set(id: string, values: Partial<Box> & { color?: string; z?: number }): void {
    const shape = this.map_.get(id);
    if (!(shape instanceof Y.Map)) return;
    this.write_(() => {
      for (const [key, value] of Object.entries(values)) if (shape.get(key) !== value) shape.set(key, value);
    });
  }

  /** Goes on with a pen's line, whose box grows to `size`. */
  draw_on(id: string, points: number[], size: Partial<Box> = {}): void {
    const shape = this.map_.get(id);
    const line = shape instanceof Y.Map ? shape.get('points') : null;
    if (!(line instanceof Y.Array)) return;
    this.write_(() => {
      line.push(points);
      this.set(id, size);
    });
  }

  /** Makes a pen's box fit its line, which goes from `left` and `top`, both at most 0, on. */
  reframe(id: string, { left, top, right, bottom }: { left: number; top: number; right: number; bottom: number }): void {
    const shape = this.get(id);
    const map = this.map_.get(id);
    if (!shape || !(map instanceof Y.Map)) return;
    const moved = shape.points.map((point, index) => Math.round((point - (index % 2 === 0 ? left : top)) * 10) / 10);
    const box = { x: shape.x + left, y: shape.y + top, w: right - left, h: bottom - top };
    this.write_(() => {
      if (left < 0 || top < 0) map.set('points', Y.Array.from(moved));
      for (const [key, value] of Object.entries(box)) map.set(key, value);
    });
  }

  /** Changes the part of a text that differs, so that what two people write into it at once stays. */
  write(id: string, text: string): void {
    const shape = this.map_.get(id);
    const shared = shape instanceof Y.Map ? shape.get('text') : null;
    if (!(shared instanceof Y.Text)) return;
    const { begin, removed, inserted } = difference(shared.toString(), text.slice(0, text_chars_max));
    this.write_(() => {
      if (removed > 0) shared.delete(begin, removed);
      if (inserted) shared.insert(begin, inserted);
    });
  }

  remove(id: string): void {
    this.write_(() => this.map_.delete(id));
  }

  close(): void {
    this.map_.unobserveDeep(this.observe_);
    this.undo.destroy();
  }

  private write_(change: () => void): void {
    this.doc_.transact(change, this.origin_);
  }

  private readonly observe_ = (): void => {
    this.read_ = null;
    this.changed_();
  };
}
