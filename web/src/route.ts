import { view_names, type ViewName } from './view';

/** Which document a page shows: `#/room/document`, each part percent-encoded, and `?as=` how. */
export interface Route {
  room: string;
  document: string;
  /** Absent: as what is in it says. */
  view?: ViewName;
}

export const default_room = 'default';

/** Whether it is the same document, however it is shown. */
export function same(a: Route | null, b: Route | null): boolean {
  return a === b || (!!a && !!b && a.room === b.room && a.document === b.document);
}

/** What people read and type: the room only where it is not the default one. */
export function label(route: Route): string {
  return route.room === default_room ? route.document : `${route.room}/${route.document}`;
}

export function to_hash({ room, document, view }: Route): string {
  return `#/${encodeURIComponent(room)}/${encodeURIComponent(document)}${view ? `?as=${view}` : ''}`;
}

export function from_hash(hash: string): Route | null {
  const match = /^#\/([^/]+)\/([^?]+)(?:\?as=([a-z]+))?$/.exec(hash);
  if (!match) return null;
  try {
    const view = view_names.find((name) => name === match[3]);
    const route = { room: decodeURIComponent(match[1]), document: decodeURIComponent(match[2]) };
    return view ? { ...route, view } : route;
  } catch {
    return null; // a stray percent sign
  }
}

/** Reads what somebody typed, `document` or `room/document`; null if it names nothing. */
export function from_typed(text: string): Route | null {
  const name = text.trim().replace(/\s+/g, ' ');
  const slash = name.indexOf('/');
  const room = slash < 0 ? default_room : name.slice(0, slash).trim();
  const document = slash < 0 ? name : name.slice(slash + 1).trim();
  const dots = /^\.{1,2}$/; // a browser would fold these path segments away
  if (!room || !document || dots.test(room) || dots.test(document)) return null;
  return /[\u0000-\u001f\u007f]/.test(name) ? null : { room, document };
}
