/** What a browser tells a page about its network and its end; nothing of it exists in Node. */

export interface PageEvents {
  offline(): void;
  online(): void;
  /** The page goes away, perhaps for good. */
  hidden(): void;
  /** It came back out of the browser's memory. */
  shown(): void;
}

/** Listens until the returned function is called. */
export function watch_page(events: PageEvents): () => void {
  if (typeof window === 'undefined' || typeof window.addEventListener !== 'function') return () => {};
  const listening = new AbortController();
  const { signal } = listening;
  window.addEventListener('offline', () => events.offline(), { signal });
  window.addEventListener('online', () => events.online(), { signal });
  window.addEventListener('pagehide', () => events.hidden(), { signal });
  window.addEventListener('pageshow', ({ persisted }) => persisted && events.shown(), { signal });
  return () => listening.abort();
}

export const in_browser = typeof window !== 'undefined' && typeof document !== 'undefined';
