// The report of a long run: what was run, when, on which commit, and what came of it.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown' // A tree without its history has no commit to name.
  }
}

export function write_report(file, { verb, ...figures }) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const report = { verb, commit: commit(), date: new Date().toISOString(), ...figures }
  fs.writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
}
