// The commands of docs/operations.md, "Following one edit", as they stand there.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { make_certificate } from '../lib/certificate.mjs'
import { Client } from '../lib/client.mjs'
import { assert, until } from '../lib/wait.mjs'

const operations = fileURLToPath(new URL('../../../docs/operations.md', import.meta.url))
const local_steps = ['received', 'admitted', 'accepted', 'appended', 'commit_begun', 'durable', 'committed', 'applied', 'framed', 'first_sent', 'last_sent']

const commands = () => [...fs.readFileSync(operations, 'utf8').matchAll(/^weft trace (.*)$/gm)].map((found) => found[1].split(' '))

/** Runs `weft trace` as somebody on the server's machine does: {code, out, problems}. */
const run = (server, args) =>
  new Promise((resolve) => {
    const env = { ...process.env, WEFT_LISTEN: `127.0.0.1:${server.port}` }
    if (server.tls) Object.assign(env, { WEFT_TLS_CERTIFICATE: server.tls.certificate, WEFT_TLS_KEY: server.tls.key })
    execFile(path.resolve(server.options.weft), ['trace', ...args], { env }, (error, out, problems) => {
      resolve({ code: error ? error.code : 0, out, problems })
    })
  })

/** What `weft trace` says of an edit from one client to the other: somebody types on, and it takes
 * the next edit after it has arrived. */
async function follow(server, args, [from, to]) {
  let seen
  run(server, args).then((result) => { seen = result })
  await until('the trace of an edit', async () => {
    from.text.insert(0, 'x')
    await until('the edit arrives', () => to.text.length === from.text.length)
    return seen
  })
  assert(seen.code === 0, `weft trace ends with ${seen.code}: ${seen.problems}`)
  return seen.out
}

/** The version that the trace names is that edit in the document's history. */
async function in_the_log(server, document, trace) {
  const { versions } = JSON.parse((await server.get(`/v1/documents/${document}/versions`)).body)
  const logged = versions.find(({ version }) => version === trace.position.version)
  return logged && logged.bytes === trace.updateBytes && logged.senderId === trace.sender
}

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
    const text = await follow(server, remote, clients)
    for (const step of local_steps.slice(0, -1)) assert(text.includes(` ${step}\n`), `no ${step} in:\n${text}`)
    const trace = JSON.parse(await follow(server, ['--json', ...remote], clients))
    assert(`${trace.room}/${trace.document}` === document, 'it followed another document')
    assert(trace.receivers.sent === 1 && trace.receivers.all === 1, 'it did not see the one receiver')
    assert(await in_the_log(server, document, trace), 'the log has another edit there')

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

export async function trace_over_tls(context) {
  const server = await context.server({ tls: true })
  await server.start()
  const document = 'team/sealed'
  const clients = Array.from({ length: 3 }, () => new Client(server, document))
  try {
    for (const client of clients) await client.until_synced()
    const trace = JSON.parse(await follow(server, ['--json', document], clients))
    const steps = trace.steps.map(({ step }) => step)
    assert(JSON.stringify(steps) === JSON.stringify(local_steps), `the steps are ${steps}`)
    assert(trace.receivers.sent === 2 && trace.receivers.all === 2, 'it did not see both receivers')
    assert(await in_the_log(server, document, trace), 'the log has another edit there')

    const forged = path.join(server.scratch, 'forged')
    fs.mkdirSync(forged)
    const foreign = await run({ ...server, tls: make_certificate(forged) }, [document])
    assert(foreign.code === 1 && foreign.problems.includes('another certificate'), `beside a foreign certificate: ${foreign.code} ${foreign.problems}`)
    return `${steps.length} steps over TLS; a server with another certificate is not asked`
  } finally {
    for (const client of clients) client.destroy()
  }
}
