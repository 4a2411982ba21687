/** Pointers on the canvas: one draws, moves or resizes; two, or the middle button, move the view. */

import { handle_px, note_size, shape_at, type Camera } from './draw';
import { points_max, type Box, type Kind, type Shape, type Shapes } from './model';

export type Tool = 'select' | Kind;

export interface Board {
  readonly canvas: HTMLCanvasElement;
  readonly shapes: Shapes;
  readonly camera: Camera;
  readonly writable: boolean;
  readonly color: string;
  tool: Tool;
  selected: string | null;
  /** From the first touch on the view stays where its user put it. */
  touched(): void;
  /** Looks elsewhere. */
  look(camera: Camera): void;
  select(id: string | null): void;
  edit(id: string): void;
  point(x: number, y: number): void;
}

interface Place {
  x: number;
  y: number;
}

/** What one pointer does from its press to its release. */
interface Gesture {
  /** All the places since the last frame, one at least. */
  move(path: readonly Place[]): void;
  end(): void;
}

const click_px = 4;
const hit_px = 7;
const smallest = 8;
/** Points of a line are at least so far apart, in the board's units. */
const step_min = 1.5;
const text_box = { w: 240, h: 34 };
const scale_min = 0.1;
const scale_max = 8;

export function zoomed(camera: Camera, factor: number, at: Place): Camera {
  const scale = Math.min(Math.max(camera.scale * factor, scale_min), scale_max);
  const grown = 1 / camera.scale - 1 / scale;
  return { x: camera.x + at.x * grown, y: camera.y + at.y * grown, scale };
}

export class Gestures {
  private readonly pressed_ = new Map<number, Place>();
  private gesture_: Gesture | null = null;
  private path_: Place[] = [];
  private frame_ = 0;
  private readonly listening_ = new AbortController();

  constructor(private readonly board_: Board) {
    const { canvas } = board_;
    const { signal } = this.listening_;
    canvas.addEventListener('pointerdown', (event) => this.press_(event), { signal });
    canvas.addEventListener('pointermove', (event) => this.move_(event), { signal });
    for (const type of ['pointerup', 'pointercancel'] as const) {
      canvas.addEventListener(type, (event) => this.release_(event), { signal });
    }
    canvas.addEventListener('dblclick', (event) => this.open_(event), { signal });
    canvas.addEventListener('wheel', (event) => this.wheel_(event), { signal, passive: false });
  }

  close(): void {
    this.listening_.abort();
    cancelAnimationFrame(this.frame_);
  }

  private place_({ clientX, clientY }: MouseEvent): Place {
    const { left, top } = this.board_.canvas.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  private world_(place: Place): Place {
    const { x, y, scale } = this.board_.camera;
    return { x: x + place.x / scale, y: y + place.y / scale };
  }

  private press_(event: PointerEvent): void {
    const { board_ } = this;
    event.preventDefault(); // no mouse after a finger, which would take the keyboard from a note
    board_.touched();
    board_.canvas.focus({ preventScroll: true });
    board_.canvas.setPointerCapture(event.pointerId);
    const place = this.place_(event);
    this.pressed_.set(event.pointerId, place);
    if (this.pressed_.size > 1) return this.end_(); // two fingers: the view
    const at = this.world_(place);
    if (event.button === 1 || !board_.writable) this.gesture_ = null;
    else this.gesture_ = board_.tool === 'select' ? this.grab_(at) : this.create_(board_.tool, at);
    board_.point(at.x, at.y);
  }

  private move_(event: PointerEvent): void {
    const place = this.place_(event);
    const before = this.pressed_.get(event.pointerId);
    if (before) {
      if (this.gesture_) {
        // Every point of a line, not only those that a frame shows.
        const all = event.getCoalescedEvents?.() ?? [];
        for (const each of all.length > 0 ? all : [event]) this.path_.push(this.world_(this.place_(each)));
        this.frame_ ||= requestAnimationFrame(() => this.go_on_());
      } else {
        this.move_view_(event.pointerId, before, place);
      }
      this.pressed_.set(event.pointerId, place);
    }
    const at = this.world_(place);
    this.board_.point(at.x, at.y);
  }

  private release_(event: PointerEvent): void {
    if (this.pressed_.delete(event.pointerId)) this.end_();
  }

  /** One edit a frame, however often the pointer tells. */
  private go_on_(): void {
    cancelAnimationFrame(this.frame_);
    this.frame_ = 0;
    const path = this.path_;
    this.path_ = [];
    if (path.length > 0) this.gesture_?.move(path);
  }

  private end_(): void {
    this.go_on_();
    this.gesture_?.end();
    this.gesture_ = null;
  }

  private move_view_(pointer: number, before: Place, now: Place): void {
    const { camera } = this.board_;
    const other = [...this.pressed_].find(([id]) => id !== pointer)?.[1];
    const [dx, dy] = [(now.x - before.x) / camera.scale, (now.y - before.y) / camera.scale];
    if (!other) return this.board_.look({ ...camera, x: camera.x - dx, y: camera.y - dy });
    const stretch = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(Math.hypot(before.x - other.x, before.y - other.y), 1);
    const moved = { ...camera, x: camera.x - dx / 2, y: camera.y - dy / 2 };
    this.board_.look(zoomed(moved, stretch, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }));
  }

  private wheel_(event: WheelEvent): void {
    event.preventDefault();
    const { board_ } = this;
    const { camera } = board_;
    if (event.ctrlKey || event.metaKey) {
      return board_.look(zoomed(camera, 2 ** (-event.deltaY / 200), this.place_(event)));
    }
    const [dx, dy] = event.shiftKey ? [event.deltaY, event.deltaX] : [event.deltaX, event.deltaY];
    board_.look({ ...camera, x: camera.x + dx / camera.scale, y: camera.y + dy / camera.scale });
  }

  private open_(event: MouseEvent): void {
    const at = this.world_(this.place_(event));
    const shape = shape_at(this.board_.shapes.all, at.x, at.y, hit_px / this.board_.camera.scale);
    if (shape && shape.kind !== 'pen' && this.board_.writable) this.board_.edit(shape.id);
  }

  // --- gestures ---

  private grab_(from: Place): Gesture | null {
    const { board_ } = this;
    const slack = hit_px / board_.camera.scale;
    const chosen = board_.shapes.get(board_.selected);
    if (chosen && chosen.kind !== 'pen' && this.at_handle_(chosen, from)) return this.resize_(chosen, from);
    const shape = shape_at(board_.shapes.all, from.x, from.y, slack);
    board_.select(shape?.id ?? null);
    return shape ? this.carry_(shape, from) : null;
  }

  private at_handle_(box: Box, { x, y }: Place): boolean {
    const size = (handle_px + 4) / this.board_.camera.scale;
    const gap = 5 / this.board_.camera.scale;
    return Math.abs(x - box.x - box.w - gap) <= size && Math.abs(y - box.y - box.h - gap) <= size;
  }

  private carry_(shape: Shape, from: Place): Gesture {
    const { shapes, camera } = this.board_;
    let moved = false;
    return {
      move: (path) => {
        const { x, y } = path.at(-1)!;
        if (!moved && Math.hypot(x - from.x, y - from.y) * camera.scale < click_px) return;
        if (!moved) shapes.step();
        moved = true;
        shapes.set(shape.id, { x: shape.x + x - from.x, y: shape.y + y - from.y });
      },
      end: () => shapes.step(),
    };
  }

  private resize_(shape: Shape, from: Place): Gesture {
    const { shapes } = this.board_;
    shapes.step();
    return {
      move: (path) => {
        const { x, y } = path.at(-1)!;
        const w = Math.max(shape.w + x - from.x, smallest);
        shapes.set(shape.id, { w, h: Math.max(shape.h + y - from.y, smallest) });
      },
      end: () => shapes.step(),
    };
  }

  private create_(kind: Kind, from: Place): Gesture {
    this.board_.shapes.step();
    return kind === 'pen' ? this.line_(from) : this.span_(kind, from);
  }

  /** A line, whose box is made right when it ends. */
  private line_(from: Place): Gesture {
    const { shapes, color } = this.board_;
    const id = shapes.add('pen', { ...from, w: 0, h: 0 }, color);
    let last = from;
    let box = { left: 0, top: 0, right: 0, bottom: 0 };
    let count = 1;
    shapes.draw_on(id, [0, 0]);
    return {
      move: (path) => {
        const points: number[] = [];
        for (const at of path) {
          if (count >= points_max || Math.hypot(at.x - last.x, at.y - last.y) < step_min) continue;
          last = at;
          count += 1;
          const [x, y] = [Math.round((at.x - from.x) * 10) / 10, Math.round((at.y - from.y) * 10) / 10];
          box = { left: Math.min(box.left, x), top: Math.min(box.top, y), right: Math.max(box.right, x), bottom: Math.max(box.bottom, y) };
          points.push(x, y);
        }
        if (points.length > 0) shapes.draw_on(id, points, { w: box.right, h: box.bottom });
      },
      end: () => {
        shapes.reframe(id, box);
        shapes.step();
      },
    };
  }

  /** Between two corners; a click gives a usual size. */
  private span_(kind: Kind, from: Place): Gesture {
    const { board_ } = this;
    const usual = kind === 'text' ? text_box : { w: note_size, h: kind === 'note' ? note_size : note_size * 0.66 };
    const id = board_.shapes.add(kind, { ...from, ...usual }, board_.color);
    let drawn = false;
    return {
      move: (path) => {
        const { x, y } = path.at(-1)!;
        drawn ||= Math.hypot(x - from.x, y - from.y) * board_.camera.scale >= click_px;
        if (!drawn) return;
        const box = { x: Math.min(x, from.x), y: Math.min(y, from.y) };
        board_.shapes.set(id, { ...box, w: Math.max(Math.abs(x - from.x), smallest), h: Math.max(Math.abs(y - from.y), smallest) });
      },
      end: () => {
        board_.shapes.step();
        board_.tool = 'select';
        board_.select(id);
        if (kind === 'note' || kind === 'text') board_.edit(id);
      },
    };
  }
}
