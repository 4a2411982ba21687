// Snapshots in plain files: kill -9 loses nothing that was seen, of what is in the files and of what
// came after them, and doctor, backup and restore work on them.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Client, converged, newcomer_sees } from '../lib/client.mjs'
import { random_edit } from '../lib/edits.mjs'
import { assert, until } from '../lib/wait.mjs'

const names = ['team/files', 'team/ö Ü', 'plain']

/** Runs weft with these arguments: {code, output}. */
function weft(server, ...argv) {
  return new Promise((resolve) => {
    execFile(server.options.weft, argv, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, output: stdout + stderr }))
  })
}

/** Two clients edit a document and go; the state that both have seen. */
async function edit(context, server, name, rounds) {
  const pair = [new Client(server, name, { root: '' }), new Client(server, name, { root: '' })]
  try {
    await Promise.all(pair.map((client) => client.until_synced()))
    for (let round = 0; round < rounds; round++) {
      for (const client of pair) random_edit(context.random, client)
      await until('each has seen the other', () => pair[0].has_seen(pair[1]) && pair[1].has_seen(pair[0]))
    }
    return await converged(pair)
  } finally {
    for (const client of pair) client.destroy()
  }
}

async function edit_all(context, server, rounds) {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await edit(context, server, name, rounds)])))
}

async function all_see(server, states) {
  for (const name of names) await newcomer_sees(server, name, states[name], { root: '' })
}

export async function snapshots_in_files(context) {
  // Nobody's documents are put away at once, with a snapshot.
  const server = await context.server({ args: ['--store.kind', 'filesystem', '--hub.idle_evict_after', '200'] })
  await server.start()
  const files = path.join(server.data, 'store', 'snapshots')
  /** File → when it was written. */
  const written = () => new Map(fs.readdirSync(files).map((file) => [file, fs.statSync(path.join(files, file)).mtimeMs]))
  let states
  for (let run = 0; run < 2; run++) {
    const before = written()
    await edit_all(context, server, 30)
    await until('a new snapshot of each document', () =>
      [...written()].filter(([file, time]) => time > (before.get(file) ?? 0)).length === names.length)
    // In the log only, or just being written.
    states = await edit_all(context, server, 5)
    await server.restart('SIGKILL')
    await all_see(server, states)
  }
  assert(fs.existsSync(path.join(files, 'team+files.snapshot')), `files are ${fs.readdirSync(files)}`)

  const backup = path.join(server.scratch, 'backup')
  const made = await fetch(`${server.http}/v1/backup`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ directory: backup }),
  })
  assert(made.status === 201, `backup is ${made.status}: ${await made.text()}`)
  await server.stop()
  const found = await weft(server, 'doctor', '--data', server.data)
  assert(found.code === 0, `weft doctor ended with ${found.code}: ${found.output}`)
  server.data = path.join(server.scratch, 'restored')
  const restored = await weft(server, 'restore', backup, '--data', server.data)
  assert(restored.code === 0, `weft restore ended with ${restored.code}: ${restored.output}`)
  await server.start()
  await all_see(server, states)
  return `${names.length} documents, ${server.starts} starts`
}
