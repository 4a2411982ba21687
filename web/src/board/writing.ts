import { make } from '../dom';
import { lifted, padding_px, text_px, type Camera, type Colors } from './draw';
import { difference, type Shape, type Shapes } from './model';

/** The text of one shape in an element above the canvas, while it is written. */
export class Writing {
  id: string | null = null;
  private readonly area_ = make('textarea', {
    class: 'board-writing',
    'aria-label': 'Text of the shape. Escape ends it.',
    'data-testid': 'board-writing',
    spellcheck: 'true',
  });

  constructor(
    parent: HTMLElement,
    private readonly shapes_: Shapes,
    private readonly ended_: () => void,
  ) {
    this.area_.hidden = true;
    parent.append(this.area_);
    this.area_.addEventListener('input', () => this.id !== null && shapes_.write(this.id, this.area_.value));
    this.area_.addEventListener('blur', () => this.end());
    this.area_.addEventListener('keydown', (event) => {
      event.stopPropagation(); // letters are no tools in here
      if (event.key === 'Escape') this.end();
    });
  }

  begin(shape: Shape): void {
    this.end();
    this.shapes_.step();
    this.id = shape.id;
    this.area_.value = shape.text;
    this.area_.hidden = false;
    this.area_.focus();
    this.area_.select();
  }

  /**
   * Takes over at once what others wrote into it: what is typed next is compared with the text of
   * the shape. The caret stays between the letters where it was.
   */
  follow(): void {
    const shape = this.shapes_.get(this.id);
    const old = this.area_.value;
    if (!shape || old === shape.text) return;
    const { begin, removed, inserted } = difference(old, shape.text);
    const moved = (at: number) => {
      if (at <= begin) return at;
      return at >= begin + removed ? at + inserted.length - removed : begin + inserted.length;
    };
    const { selectionStart, selectionEnd } = this.area_;
    this.area_.value = shape.text;
    this.area_.setSelectionRange(moved(selectionStart), moved(selectionEnd));
  }

  /** Puts it where the shape is. */
  draw(shape: Shape | null, camera: Camera, { ink, lift }: Colors): void {
    if (this.id === null) return;
    if (!shape) return this.end();
    const { style } = this.area_;
    const { scale } = camera;
    style.transform = `translate(${(shape.x - camera.x) * scale}px, ${(shape.y - camera.y) * scale}px) scale(${scale})`;
    style.width = `${shape.w}px`;
    style.height = `${Math.max(shape.h, text_px * 1.35)}px`;
    style.fontSize = `${text_px}px`;
    style.padding = `${shape.kind === 'text' ? 0 : padding_px}px`;
    style.color = shape.kind === 'text' ? lifted(shape.color, lift) : ink;
    style.textAlign = shape.kind === 'rectangle' || shape.kind === 'ellipse' ? 'center' : 'left';
  }

  end(): void {
    if (this.id === null) return;
    this.id = null;
    this.area_.hidden = true;
    this.shapes_.step();
    this.ended_();
  }
}
