import { make } from '../dom';
import type { Tool } from './gestures';

const icons: Record<Tool, [name: string, key: string, path: string]> = {
  select: ['Select and move', 'v', 'M5 3v13l3.2-3 2.3 5 2-1-2.3-4.8H15z'],
  pen: ['Pen', 'p', 'M4 16l1-4L13.5 3.5l3 3L8 15z'],
  rectangle: ['Rectangle', 'r', 'M3.5 5h13v10h-13z'],
  ellipse: ['Ellipse', 'o', 'M10 4.5c4.2 0 7 2.4 7 5.5s-2.8 5.5-7 5.5-7-2.4-7-5.5 2.8-5.5 7-5.5z'],
  note: ['Sticky note', 'n', 'M4 4h12v8l-4 4H4zM12 16v-4h4'],
  text: ['Text', 't', 'M4.5 5.5V4h11v1.5M10 4v12M8 16h4'],
};

export const tools = Object.keys(icons) as Tool[];

/** The tool that a key takes, if any. */
export function tool_of(key: string): Tool | undefined {
  return tools.find((tool) => icons[tool][1] === key.toLowerCase());
}

interface Actions {
  take(tool: Tool): void;
  remove(): void;
  zoom(factor: number): void;
  fit(): void;
}

/** The buttons of the board. Arrow keys walk through the tools. */
export class ToolBox {
  readonly dom: HTMLElement;
  private readonly tools_ = new Map<Tool, HTMLButtonElement>();
  private readonly remove_: HTMLButtonElement;
  private readonly scale_: HTMLButtonElement;

  constructor(actions: Actions) {
    for (const tool of tools) {
      const [name, key, path] = icons[tool];
      const button = icon(`${name} (${key.toUpperCase()})`, path, `tool-${tool}`);
      button.setAttribute('role', 'radio');
      button.addEventListener('click', () => actions.take(tool));
      this.tools_.set(tool, button);
    }
    const choice = make('div', { class: 'tools', role: 'radiogroup', 'aria-label': 'Tool' }, ...this.tools_.values());
    choice.addEventListener('keydown', (event) => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      const at = tools.findIndex((tool) => this.tools_.get(tool) === document.activeElement);
      const next = tools[(at + step + tools.length) % tools.length];
      actions.take(next);
      this.tools_.get(next)?.focus();
    });
    this.remove_ = icon('Delete (Del)', 'M4 6h12M8 6V4h4v2M6 6l.8 10h6.4L14 6', 'tool-delete');
    this.remove_.addEventListener('click', () => actions.remove());
    const smaller = icon('Smaller (-)', 'M5 10h10', 'zoom-out');
    smaller.addEventListener('click', () => actions.zoom(1 / 1.25));
    const larger = icon('Larger (+)', 'M5 10h10M10 5v10', 'zoom-in');
    larger.addEventListener('click', () => actions.zoom(1.25));
    this.scale_ = make('button', { type: 'button', class: 'tool scale', title: 'Show everything (0)', 'data-testid': 'zoom-fit' });
    this.scale_.addEventListener('click', () => actions.fit());
    const zoom = make('div', { class: 'tools', role: 'group', 'aria-label': 'Scale' }, smaller, this.scale_, larger);
    this.dom = make('div', { class: 'board-tools' }, choice, make('div', { class: 'tools' }, this.remove_), zoom);
  }

  draw(tool: Tool, writable: boolean, removable: boolean, scale: number): void {
    for (const [name, button] of this.tools_) {
      button.setAttribute('aria-checked', String(name === tool));
      button.tabIndex = name === tool ? 0 : -1;
      button.disabled = !writable && name !== 'select';
    }
    this.remove_.setAttribute('aria-disabled', String(!removable || !writable));
    const text = `${Math.round(scale * 100)} %`;
    if (this.scale_.textContent !== text) this.scale_.textContent = text;
    this.scale_.setAttribute('aria-label', `Scale ${text}: show everything`);
  }
}

function icon(name: string, path: string, id: string): HTMLButtonElement {
  const button = make('button', { type: 'button', class: 'tool', title: name, 'aria-label': name, 'data-testid': id });
  button.innerHTML = `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="${path}"/></svg>`; // of this file
  return button;
}
