// Snapshots in plain files: kill -9 in the middle of edits loses nothing that was seen, and doctor,
// backup and restore work on them.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Client, converged, newcomer_sees, random_edit } from '../lib/client.mjs'
import { assert, until } from '../lib/wait.mjs'

const args = ['--store.kind', 'filesystem', '--hub.snapshot_bytes_min', '500']

/** Runs weft with these arguments: {code, output}. */
function run(server, ...argv) {
  return new Promise((resolve) => {
    execFile(server.options.weft, argv, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, output: stdout + stderr }))
  })
}

async function edit(context, pair, rounds) {
  for (let round = 0; round < rounds; round++) {
    for (const client of pair) random_edit(context.random, client)
    await until('each has seen the other', () => pair[0].has_seen(pair[1]) && pair[1].has_seen(pair[0]))
  }
}

export async function snapshots_in_files(context) {
  const server = await context.server({ args })
  await server.start()
  const names = ['team/files', 'team/ö Ü', 'plain']
  const states = {}
  const files = path.join(server.data, 'store', 'snapshots')
  /** File → when it was written. */
  const written = () => new Map(fs.readdirSync(files).map((file) => [file, fs.statSync(path.join(files, file)).mtimeMs]))
  const clients = []
  try {
    for (let run = 0; run < 2; run++) {
      const before = written()
      await Promise.all(names.map(async (name) => {
        const pair = [new Client(server, name, { root: '' }), new Client(server, name, { root: '' })]
        clients.push(...pair)
        await Promise.all(pair.map((client) => client.until_synced()))
        await edit(context, pair, 30)
        pair[0].text.insert(0, 'x'.repeat(1000))
        states[name] = await converged(pair)
      }))
      await until('a new snapshot of each document', () =>
        [...written()].filter(([file, time]) => time > (before.get(file) ?? 0)).length === names.length)
      // Behind the snapshots, in the log only.
      await Promise.all(names.map(async (name, i) => {
        const pair = clients.filter((client) => client.provider.roomname === name)
        pair[i % 2].text.insert(0, 'behind it ')
        states[name] = await converged(pair)
      }))
      // Gone before the restart, so that what comes back comes from the server's disk.
      for (const client of clients.splice(0)) client.destroy()
      await server.restart('SIGKILL')
      for (const name of names) await newcomer_sees(server, name, states[name], { root: '' })
    }
    const backup = path.join(server.scratch, 'backup')
    const made = await fetch(`${server.http}/v1/backup`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ directory: backup }),
    })
    assert(made.status === 201, `backup is ${made.status}: ${await made.text()}`)
    await server.stop()
    const found = await run(server, 'doctor', '--data', server.data)
    assert(found.code === 0, `weft doctor ended with ${found.code}: ${found.output}`)
    server.data = path.join(server.scratch, 'restored')
    const restored = await run(server, 'restore', backup, '--data', server.data)
    assert(restored.code === 0, `weft restore ended with ${restored.code}: ${restored.output}`)
    await server.start()
    for (const name of names) await newcomer_sees(server, name, states[name], { root: '' })
    return `${names.length} documents, ${server.starts} starts`
  } finally {
    for (const client of clients) client.destroy()
  }
}
