import type * as Y from 'yjs';

import '../style/board.css';
import { make } from '../dom';
import type { Session } from '../session';
import { read_user } from '../user';
import type { View } from '../view';
import { draw_board, lifted, note_size, type Camera, type Colors, type Mark } from './draw';
import { Gestures, zoomed, type Board, type Tool } from './gestures';
import { Shapes, type Box, type Kind, type Shape } from './model';
import { Pointers, read_others } from './presence';
import { tool_of, ToolBox } from './tools';
import { Writing } from './writing';

const kind_names: Record<Kind, string> = {
  pen: 'Line', rectangle: 'Rectangle', ellipse: 'Ellipse', note: 'Sticky note', text: 'Text',
};
const nudge = 10;
/** The palette is made for white paper. */
const lift_in_the_dark = 0.4;
const fit_margin_px = 60;

function describe({ kind, text }: Shape): string {
  return text ? `${kind_names[kind]}: ${text}` : kind_names[kind];
}

/** A whiteboard on the map of shapes: a canvas, and elements for all that is text. */
export class BoardView implements View, Board {
  readonly canvas = make('canvas', {
    tabindex: '0',
    role: 'application',
    'aria-label':
      'Whiteboard. V P R O N T take a tool, Enter puts a shape down or writes into it, [ and ] choose a shape, arrows move it and with Alt resize it, Delete removes it, Escape leaves.',
    'data-testid': 'board',
  });
  readonly shapes: Shapes;
  camera: Camera = { x: -40, y: -40, scale: 1 };
  tool: Tool = 'select';
  selected: string | null = null;
  writable = false;
  private readonly dom_: HTMLElement;
  private readonly list_ = make('ul', { class: 'hidden', 'data-testid': 'shapes', 'aria-label': 'Shapes on the board' });
  private readonly said_ = make('p', { class: 'hidden', role: 'status' });
  private readonly pointers_: Pointers;
  private readonly writing_: Writing;
  private readonly tools_: ToolBox;
  private readonly gestures_: Gestures;
  private readonly resized_: ResizeObserver;
  private readonly scheme_ = matchMedia('(prefers-color-scheme: dark)');
  private colors_: Colors;
  private frame_ = 0;
  private listed_ = '';
  private fitted_ = false;

  constructor(
    parent: HTMLElement,
    private readonly session_: Session,
    private readonly leave_: () => void,
  ) {
    const stage = make('div', { class: 'board-stage' }, this.canvas);
    this.pointers_ = new Pointers(session_.awareness);
    this.shapes = new Shapes(session_.doc, () => {
      this.writing_.follow();
      this.redraw();
    });
    this.writing_ = new Writing(stage, this.shapes, () => {
      this.redraw();
      this.canvas.focus({ preventScroll: true });
    });
    this.tools_ = new ToolBox({
      take: (tool) => this.take_(tool),
      remove: () => this.remove_(),
      zoom: (factor) => this.zoom_(factor),
      fit: () => this.fit_(),
    });
    stage.append(this.pointers_.dom);
    this.dom_ = make('div', { class: 'board' }, this.tools_.dom, stage, this.list_, this.said_);
    parent.append(this.dom_);
    this.colors_ = this.read_colors_();
    this.gestures_ = new Gestures(this);
    this.canvas.addEventListener('keydown', (event) => this.key_(event));
    this.scheme_.addEventListener('change', this.recolor_);
    session_.awareness.on('change', this.redraw);
    this.resized_ = new ResizeObserver(() => this.draw_());
    this.resized_.observe(this.canvas);
    this.redraw();
  }

  get undo(): Y.UndoManager {
    return this.shapes.undo;
  }

  get color(): string {
    return read_user(this.session_.awareness.getLocalState()?.user).color;
  }

  set_writable(writable: boolean): void {
    this.writable = writable;
    if (!writable) this.writing_.end();
    this.redraw();
  }

  focus(): void {
    this.canvas.focus({ preventScroll: true });
  }

  show_client(client: number): void {
    const at = read_others(this.session_.awareness).find((other) => other.client === client)?.at;
    if (!at) return;
    const { clientWidth, clientHeight } = this.canvas;
    const { scale } = this.camera;
    this.look({ x: at.x - clientWidth / 2 / scale, y: at.y - clientHeight / 2 / scale, scale });
  }

  plain(): string {
    return this.shapes.all.map(({ text }) => text).filter(Boolean).join('\n\n');
  }

  close(): void {
    cancelAnimationFrame(this.frame_);
    this.writing_.end();
    this.pointers_.close();
    this.gestures_.close();
    this.resized_.disconnect();
    this.scheme_.removeEventListener('change', this.recolor_);
    this.session_.awareness.off('change', this.redraw);
    this.shapes.close();
    this.dom_.remove();
  }

  // --- for the gestures ---

  touched(): void {
    this.fitted_ = true;
  }

  look(camera: Camera): void {
    this.camera = camera;
    this.touched();
    this.redraw();
  }

  select(id: string | null): void {
    if (id === this.selected) return;
    this.selected = id;
    this.pointers_.tell({ selected: id });
    const shape = this.shapes.get(id);
    const at = shape ? this.shapes.all.indexOf(shape) + 1 : 0;
    this.said_.textContent = shape ? `${describe(shape)}, ${at} of ${this.shapes.all.length}` : '';
    this.redraw();
  }

  edit(id: string): void {
    const shape = this.shapes.get(id);
    if (!shape || shape.kind === 'pen' || !this.writable) return;
    this.select(id);
    this.writing_.begin(shape);
    this.redraw();
  }

  point(x: number, y: number): void {
    this.pointers_.tell({ x: Math.round(x), y: Math.round(y) });
  }

  // --- own ---

  private readonly redraw = (): void => {
    this.frame_ ||= requestAnimationFrame(() => this.draw_());
  };

  private readonly recolor_ = (): void => {
    this.colors_ = this.read_colors_();
    this.redraw();
  };

  private read_colors_(): Colors {
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue(name).trim();
    return {
      ink: color('--ink'),
      paper: color('--paper'),
      grid: color('--line'),
      accent: color('--accent'),
      font: color('--sans'),
      lift: this.scheme_.matches ? lift_in_the_dark : 0,
    };
  }

  private draw_(): void {
    cancelAnimationFrame(this.frame_);
    this.frame_ = 0;
    const { all } = this.shapes;
    if (!this.fitted_ && this.session_.status.loaded && this.canvas.clientWidth > 0) {
      this.touched(); // what others draw from now on must not move the view
      if (all.length > 0) this.fit_();
    }
    if (this.selected !== null && !this.shapes.get(this.selected)) this.select(null);
    const others = read_others(this.session_.awareness);
    const marks: Mark[] = [];
    for (const { selected, user } of others) {
      const box = this.shapes.get(selected);
      if (box) marks.push({ box, color: lifted(user.color, this.colors_.lift), handle: false });
    }
    const own = this.shapes.get(this.selected);
    if (own) marks.push({ box: own, color: this.colors_.accent, handle: this.writable && own.kind !== 'pen' });
    draw_board(this.canvas, this.camera, this.colors_, all, marks, this.writing_.id);
    this.pointers_.draw(others, this.camera);
    this.writing_.draw(this.shapes.get(this.writing_.id), this.camera, this.colors_);
    this.tools_.draw(this.tool, this.writable, own !== null, this.camera.scale);
    this.canvas.dataset.tool = this.tool;
    this.list_shapes_();
  }

  /** The same as the canvas, for who cannot see it. */
  private list_shapes_(): void {
    const drawing = JSON.stringify(this.shapes.all.map(({ points: _points, ...shape }) => shape));
    if (drawing === this.listed_) return;
    this.listed_ = drawing;
    this.list_.replaceChildren(
      ...this.shapes.all.map((shape) => {
        const { kind, x, y, w, h } = shape;
        const place = [x, y, w, h].map(Math.round).join(' ');
        return make('li', { 'data-kind': kind, 'data-place': place, 'data-color': shape.color }, describe(shape));
      }),
    );
  }

  private take_(tool: Tool): void {
    if (!this.writable && tool !== 'select') return;
    this.tool = tool;
    if (tool !== 'select') this.select(null);
    this.redraw();
  }

  private remove_(): void {
    if (!this.writable || this.selected === null) return;
    this.shapes.step();
    this.shapes.remove(this.selected);
    this.shapes.step();
  }

  private zoom_(factor: number): void {
    const { clientWidth, clientHeight } = this.canvas;
    this.look(zoomed(this.camera, factor, { x: clientWidth / 2, y: clientHeight / 2 }));
  }

  /** Shows everything, no larger than it is. */
  private fit_(): void {
    const { all } = this.shapes;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (all.length === 0) return this.look({ x: -40, y: -40, scale: 1 });
    const left = Math.min(...all.map(({ x }) => x));
    const top = Math.min(...all.map(({ y }) => y));
    const right = Math.max(...all.map(({ x, w }) => x + w));
    const bottom = Math.max(...all.map(({ y, h }) => y + h));
    const room = (pixels: number, length: number) => Math.max(pixels - 2 * fit_margin_px, 40) / Math.max(length, 1);
    const scale = Math.max(Math.min(room(width, right - left), room(height, bottom - top), 1), 0.1);
    this.look({ x: (left + right - width / scale) / 2, y: (top + bottom - height / scale) / 2, scale });
  }

  private key_(event: KeyboardEvent): void {
    this.touched();
    if (this.act_(event)) event.preventDefault();
  }

  /** Whether the key meant something here. Tab never does. */
  private act_({ key, ctrlKey, metaKey, shiftKey, altKey }: KeyboardEvent): boolean {
    if (ctrlKey || metaKey) {
      const back = key.toLowerCase() === 'z' && !shiftKey;
      const forth = key.toLowerCase() === 'y' || (key.toLowerCase() === 'z' && shiftKey);
      if (this.writable && back) this.undo.undo();
      if (this.writable && forth) this.undo.redo();
      return back || forth;
    }
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (arrow) {
      this.move_(arrow[0] * (shiftKey ? 1 : nudge), arrow[1] * (shiftKey ? 1 : nudge), altKey);
      return true;
    }
    const tool = altKey ? undefined : tool_of(key);
    if (tool) {
      this.take_(tool);
      return true;
    }
    switch (key) {
      case 'Enter':
        if (this.tool === 'select') this.edit(this.selected ?? '');
        else this.put_down_(this.tool);
        return true;
      case '[':
      case ']':
        this.choose_(key === ']' ? 1 : -1);
        return true;
      case 'Delete':
      case 'Backspace':
        this.remove_();
        return true;
      case '+':
      case '=':
        this.zoom_(1.25);
        return true;
      case '-':
        this.zoom_(1 / 1.25);
        return true;
      case '0':
        this.fit_();
        return true;
      case 'Escape':
        if (this.tool !== 'select') this.take_('select');
        else if (this.selected !== null) this.select(null);
        else this.leave_();
        return true;
      default:
        return false;
    }
  }

  private move_(dx: number, dy: number, resize: boolean): void {
    const shape = this.shapes.get(this.selected);
    if (!shape) return this.look({ ...this.camera, x: this.camera.x + (dx * 4) / this.camera.scale, y: this.camera.y + (dy * 4) / this.camera.scale });
    if (!this.writable || (resize && shape.kind === 'pen')) return;
    this.shapes.step();
    if (resize) this.shapes.set(shape.id, { w: Math.max(shape.w + dx, nudge), h: Math.max(shape.h + dy, nudge) });
    else this.shapes.set(shape.id, { x: shape.x + dx, y: shape.y + dy });
    this.shapes.step();
  }

  /** Puts a shape into the middle of what is seen; by the keyboard a line is drawn as a stroke. */
  private put_down_(kind: Kind): void {
    if (!this.writable) return;
    const { clientWidth, clientHeight } = this.canvas;
    const { x, y, scale } = this.camera;
    const [w, h] = kind === 'text' ? [240, 34] : kind === 'pen' ? [note_size, 0] : [note_size, kind === 'note' ? note_size : note_size * 0.66];
    const box: Box = { x: Math.round(x + clientWidth / 2 / scale - w / 2), y: Math.round(y + clientHeight / 2 / scale - h / 2), w, h };
    this.shapes.step();
    const id = this.shapes.add(kind, box, this.color);
    if (kind === 'pen') this.shapes.draw_on(id, [0, 0, w, 0]);
    this.shapes.step();
    this.take_('select');
    this.select(id);
    if (kind === 'note' || kind === 'text') this.edit(id);
  }

  private choose_(step: number): void {
    const { all } = this.shapes;
    if (all.length === 0) return;
    const at = all.findIndex(({ id }) => id === this.selected);
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : (at + step + all.length) % all.length;
    this.select(all[next].id);
  }
}
