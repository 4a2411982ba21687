import { default_transports, type TransportName } from 'weft-provider';

import { by_id } from './dom';

/** `?transport=` in the address: one transport alone, or whatever can be had. */
export type Choice = TransportName | 'auto';

const parameter = 'transport';

export function chosen(): Choice {
  const value = new URLSearchParams(location.search).get(parameter);
  return default_transports.find((name) => name === value) ?? 'auto';
}

export function transports_of(choice: Choice): readonly TransportName[] {
  return choice === 'auto' ? default_transports : [choice];
}

/** What people call it; Socket.IO says what carries it. */
export function transport_label(transport: TransportName | null, carrier: string | null): string {
  switch (transport) {
    case 'socketio':
      return carrier === 'polling' ? 'Socket.IO, polling' : 'Socket.IO';
    case 'websocket':
      return 'WebSocket';
    case 'http':
      return 'HTTP';
    case null:
      return '';
  }
}

/** The control in the header; the address says the same, so that it can be passed on. */
export function watch_choice(changed: (choice: Choice) => void): void {
  const select = by_id<HTMLSelectElement>('transport-choice');
  select.value = chosen();
  select.addEventListener('change', () => {
    const url = new URL(location.href);
    if (select.value === 'auto') url.searchParams.delete(parameter);
    else url.searchParams.set(parameter, select.value);
    history.replaceState(history.state, '', url);
    changed(chosen());
  });
}
