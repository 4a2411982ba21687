/** The version that a document has reached: it only rises, as long as the log is the same. */

import type { Position } from './link.js';

export class Reached {
  version: number | null = null;
  /** The log in which `version` counts. */
  log: string | null = null;

  constructor(private readonly changed_: (version: number, log: string | null) => void) {}

  /** `42@<log>`; null without a version. */
  get name(): string | null {
    if (this.version === null) return null;
    return this.log === null ? String(this.version) : `${this.version}@${this.log}`;
  }

  /** Everything up to `version` has been delivered. */
  take({ version, log }: Position): void {
    if (version === null) return;
    const other_log = log !== undefined && this.log !== null && log !== this.log;
    if (!other_log && this.version !== null && version <= this.version) return;
    this.version = version;
    this.log = log ?? this.log;
    this.changed_(version, this.log);
  }
}
