/** Which parts of a Yjs history: clock ranges by client, and the same for deletions. */

import * as Y from 'yjs';

/** [first clock, end clock) */
export type Range = [from: number, end: number];
export type RangeMap = Map<number, Range[]>;

/** What one or several updates hold. */
export interface Content {
  structs: RangeMap;
  deletes: RangeMap;
}

export function empty_content(): Content {
  return { structs: new Map(), deletes: new Map() };
}

function push(map: RangeMap, client: number, from: number, end: number): void {
  const ranges = map.get(client);
  const last = ranges?.at(-1);
  if (last && last[1] === from) last[1] = end;
  else if (ranges) ranges.push([from, end]);
  else map.set(client, [[from, end]]);
}

/** Sorts and joins what touches or overlaps. */
function normalize(ranges: Range[]): Range[] {
  ranges.sort((a, b) => a[0] - b[0]);
  const out: Range[] = [];
  for (const [from, end] of ranges) {
    const last = out.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], end);
    else out.push([from, end]);
  }
  return out;
}

/** Reads what an update (v1) holds. What is only skipped in it does not count. */
export function content_of(update: Uint8Array): Content {
  const { structs, ds } = Y.decodeUpdate(update);
  const out = empty_content();
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue;
    push(out.structs, struct.id.client, struct.id.clock, struct.id.clock + struct.length);
  }
  for (const [client, ranges] of ds.clients) {
    for (const { clock, len } of ranges) push(out.deletes, client, clock, clock + len);
  }
  for (const map of [out.structs, out.deletes]) {
    for (const [client, ranges] of map) map.set(client, normalize(ranges));
  }
  return out;
}

/** How far a document's clients are. */
export function clocks_of(doc: Y.Doc): Map<number, number> {
  return Y.decodeStateVector(Y.encodeStateVector(doc));
}

/** Everything that is deleted in a document. */
export function deletes_of(doc: Y.Doc): RangeMap {
  const out: RangeMap = new Map();
  for (const [client, ranges] of Y.createDeleteSetFromStructStore(doc.store).clients) {
    for (const { clock, len } of ranges) push(out, client, clock, clock + len);
  }
  return out;
}

/** Adds the ranges of `more` to `into`. */
export function unite(into: RangeMap, more: RangeMap): void {
  for (const [client, ranges] of more) {
    into.set(client, normalize([...(into.get(client) ?? []), ...ranges].map(([from, end]): Range => [from, end])));
  }
}

/** What of `map` is not in `held`. Both normalized. */
export function without(map: RangeMap, held: RangeMap): RangeMap {
  const out: RangeMap = new Map();
  for (const [client, ranges] of map) {
    const there = held.get(client);
    if (!there) {
      out.set(client, ranges);
      continue;
    }
    let at = 0;
    for (const [first, end] of ranges) {
      let from = first;
      while (at < there.length && there[at][1] <= from) at += 1;
      for (let i = at; i < there.length && there[i][0] < end && from < end; i += 1) {
        if (there[i][0] > from) push(out, client, from, there[i][0]);
        from = Math.max(from, there[i][1]);
      }
      if (from < end) push(out, client, from, end);
    }
  }
  return out;
}
