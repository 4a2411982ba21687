/** Server-sent events read from a fetch body: EventSource knows no headers and is not in Node. */

export interface ServerEvent {
  type: string;
  id: string | null;
  data: string;
}

/** An event beyond this is none: updates of the server are far smaller. */
const event_bytes_max = 256 * 1024 * 1024;

/** Yields events until the stream ends; throws when nothing, not even a comment, comes for so long. */
export async function* read_events(
  body: ReadableStream<Uint8Array>,
  silence_max_ms: number,
): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await timely(reader.read(), silence_max_ms);
      if (done) return;
      // A line end may be cut in two; only "\n" and "\r\n" are met here, "\r" alone is not.
      const looked_at = Math.max(text.length - 1, 0);
      text += decoder.decode(value, { stream: true }).replaceAll('\r', '');
      if (text.length > event_bytes_max) throw new Error('an event without an end');
      let begin = 0;
      for (let end = text.indexOf('\n\n', looked_at); end >= 0; end = text.indexOf('\n\n', begin)) {
        const event = parse(text.slice(begin, end));
        begin = end + 2;
        if (event) yield event;
      }
      text = text.slice(begin);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function parse(block: string): ServerEvent | null {
  let type = 'message';
  let id: string | null = null;
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon === 0) continue; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') type = value;
    else if (field === 'id') id = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 ? null : { type, id, data: data.join('\n') };
}

async function timely<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('silence')), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
