/** Who is writing: a name and a colour that others see, kept in this browser. */
export interface User {
  name: string;
  color: string;
}

export const palette = [
  { name: 'Teal', color: '#0f766e' },
  { name: 'Blue', color: '#2563eb' },
  { name: 'Violet', color: '#7c3aed' },
  { name: 'Pink', color: '#be185d' },
  { name: 'Red', color: '#c2321f' },
  { name: 'Amber', color: '#a15c07' },
  { name: 'Green', color: '#3f7d20' },
  { name: 'Slate', color: '#52606d' },
] as const;

export const name_chars_max = 32;

const storage_key = 'weft-user';
const moods = ['Brave', 'Bright', 'Calm', 'Clever', 'Gentle', 'Kind', 'Lively', 'Patient', 'Quick', 'Warm'];
const beings = ['Badger', 'Crane', 'Finch', 'Fox', 'Heron', 'Lynx', 'Marten', 'Otter', 'Robin', 'Wren'];

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)];
}

/**
 * What another client says about its user, made safe to show. It is a stranger's JSON: only a
 * plain hexadecimal colour may enter a style, and a name has a bound.
 */
export function read_user(value: unknown): User {
  const { name, color } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  return {
    name: (typeof name === 'string' && [...name.trim()].slice(0, name_chars_max).join('')) || 'Anonymous',
    color: typeof color === 'string' && /^#[0-9a-f]{6}$/i.test(color) ? color : '#52606d',
  };
}

export function load_user(): User {
  let stored: unknown = null;
  try {
    stored = JSON.parse(localStorage.getItem(storage_key) ?? 'null');
  } catch {
    // No storage, or not ours: a fresh name will do.
  }
  if (stored) return read_user(stored);
  const user = { name: `${pick(moods)} ${pick(beings)}`, color: pick(palette).color };
  save_user(user);
  return user;
}

export function save_user(user: User): void {
  try {
    localStorage.setItem(storage_key, JSON.stringify(user));
  } catch {
    // A browser that stores nothing gives a new name with each visit.
  }
}

export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join('');
}
