import type { Route } from './route';
import { token } from './token';

export interface Listed extends Route {
  connections: number;
}

export interface Listing {
  documents: Listed[];
  /** There are more than the server lists at once. */
  more: boolean;
  /** Empty while the list is current; else what to tell. `documents` is then the last one known. */
  problem: string;
  /** Whether the server has ever answered. */
  known: boolean;
}

const poll_interval_ms = 4000;
const answer_timeout_ms = 8000;

function read_listing(body: unknown): { documents: Listed[]; more: boolean } {
  const { documents, next } = body as { documents: unknown; next?: unknown };
  if (!Array.isArray(documents)) throw new TypeError('no documents in the answer');
  const listed: Listed[] = [];
  for (const entry of documents) {
    if (typeof entry?.room !== 'string' || typeof entry?.document !== 'string') continue;
    listed.push({ room: entry.room, document: entry.document, connections: Number(entry.connections) || 0 });
  }
  return { documents: listed, more: next !== null && next !== undefined };
}

/** Asks the server for its documents every few seconds while the page is looked at. */
export class DocumentList {
  listing: Listing = { documents: [], more: false, problem: '', known: false };
  private timer_ = 0;
  private asking_ = false;

  constructor(private readonly changed_: (listing: Listing) => void) {
    addEventListener('focus', () => this.refresh());
    document.addEventListener('visibilitychange', () => this.refresh());
    this.refresh();
  }

  refresh(): void {
    clearTimeout(this.timer_);
    if (document.hidden) return; // becoming visible asks again
    if (!this.asking_) void this.ask_();
  }

  private async ask_(): Promise<void> {
    this.asking_ = true;
    try {
      const answer = await fetch('./v1/documents?limit=1000', {
        headers: { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
        cache: 'no-store',
        signal: AbortSignal.timeout(answer_timeout_ms),
      });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      this.listing = { ...read_listing(await answer.json()), problem: '', known: true };
    } catch {
      const problem = this.listing.known
        ? 'The server does not answer. This list may be old.'
        : 'The list cannot be loaded. You can still open a document by its name.';
      this.listing = { ...this.listing, problem };
    }
    this.asking_ = false;
    this.timer_ = window.setTimeout(() => this.refresh(), poll_interval_ms);
    this.changed_(this.listing);
  }
}
