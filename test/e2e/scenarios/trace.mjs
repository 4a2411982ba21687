// The commands of docs/operations.md, "Following one edit", as they stand there.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '../lib/client.mjs'
import { assert, until } from '../lib/wait.mjs'

const operations = fileURLToPath(new URL('../../../docs/operations.md', import.meta.url))
const local_steps = ['received', 'admitted', 'accepted', 'appended', 'commit_begun', 'durable', 'committed', 'applied', 'framed', 'first_sent', 'last_sent']

const commands = () => [...fs.readFileSync(operations, 'utf8').matchAll(/^weft trace (.*)$/gm)].map((found) => found[1].split(' '))

/** Runs `weft trace` as somebody on the server's machine does: {code, out, problems}. */
const run = (server, args) =>
  new Promise((resolve) => {
    const env = { ...process.env, WEFT_LISTEN: `127.0.0.1:${server.port}` }
    execFile(path.resolve(server.options.weft), ['trace', ...args], { env }, (error, out, problems) => {
      resolve({ code: error ? error.code : 0, out, problems })
    })
  })

export async function trace_an_edit(context) {
  const server = await context.server()
  await server.start()
  const documented = commands()
  const remote = documented.find((args) => !args.includes('--local'))
  const local = documented.find((args) => args.includes('--local'))
  assert(documented.length === 2 && remote && local, `docs/operations.md has ${documented.length} commands`)
  const document = remote.at(-1)
  const clients = [new Client(server, document), new Client(server, document)]
  try {
    for (const client of clients) await client.until_synced()
    for (const as_json of [false, true]) {
      let seen
      run(server, as_json ? ['--json', ...remote] : remote).then((result) => { seen = result })
      // Somebody types on: the trace takes the next edit after it has arrived.
      await until('the trace of an edit', async () => {
        clients[0].text.insert(0, 'x')
        await until('the edit arrives', () => clients[1].text.length === clients[0].text.length)
        return seen
      })
      assert(seen.code === 0, `weft trace ends with ${seen.code}: ${seen.problems}`)
      if (!as_json) {
        for (const step of local_steps.slice(0, -1)) assert(seen.out.includes(` ${step}\n`), `no ${step} in:\n${seen.out}`)
        continue
      }
      const trace = JSON.parse(seen.out)
      assert(`${trace.room}/${trace.document}` === document, 'it followed another document')
      assert(trace.receivers.sent === 1 && trace.receivers.all === 1, 'it did not see the one receiver')
      const versions = await (await fetch(`${server.http}/v1/documents/${document}/versions`)).json()
      const logged = versions.versions.find(({ version }) => version === trace.position.version)
      assert(logged && logged.bytes === trace.updateBytes && logged.senderId === trace.sender, 'the log has another edit there')
    }

    const counted = await run(server, [...local, '--json'])
    assert(counted.code === 0, `weft trace --local ends with ${counted.code}: ${counted.problems}`)
    const { steps } = JSON.parse(counted.out)
    assert(JSON.stringify(steps.map(({ step }) => step)) === JSON.stringify(local_steps), `the steps are ${steps.map(({ step }) => step)}`)
    const of = Object.fromEntries(steps.map((step) => [step.step, step]))
    assert(of.durable.systemCalls >= 2, 'the commit was not counted: a write and a sync at least')
    const receivers = Number(local[local.indexOf('--receivers') + 1])
    const sends = of.first_sent.systemCalls + of.last_sent.systemCalls
    assert(sends === receivers, `${sends} system calls for ${receivers} receivers`)

    const quiet = await run(server, ['--wait-ms', '50', 'team/nobody'])
    assert(quiet.code === 3 && quiet.problems.includes('no edit came'), `a quiet document: ${quiet.code} ${quiet.problems}`)
    return `${documented.length} documented commands; ${steps.length} steps, ${sends} sends for ${receivers} receivers`
  } finally {
    for (const client of clients) client.destroy()
  }
}
