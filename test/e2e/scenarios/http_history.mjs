// A client with HTTP alone: batches, differences, the past, recovery; and a restore that others see.

import * as Y from 'yjs'
import { Client, Replica, converged, newcomer_sees } from '../lib/client.mjs'
import { random_edit } from '../lib/edits.mjs'
import { assert, until } from '../lib/wait.mjs'
import { document_url, fetch_document, publish } from './http.mjs'

const room = 'team'

async function get_json(url, headers = {}) {
  const response = await fetch(url, { headers })
  const body = await response.json()
  assert(response.status === 200, `GET ${url} is ${response.status}: ${JSON.stringify(body)}`)
  return body
}

async function get_bytes(url, options) {
  const response = await fetch(url, options)
  const body = new Uint8Array(await response.arrayBuffer())
  assert(response.status === 200, `${url} is ${response.status}: ${Buffer.from(body).toString()}`)
  return body
}

function post(url, type, body, headers = {}) {
  return fetch(url, { method: 'POST', headers: { 'content-type': type, ...headers }, body })
}

const base64 = (bytes) => Buffer.from(bytes).toString('base64')
const base64url = (bytes) => Buffer.from(bytes).toString('base64url')

/** Updates as application/vnd.weft.updates has them. */
function framed(updates) {
  const parts = []
  for (const update of updates) {
    const digits = []
    let length = update.length
    for (; length >= 0x80; length >>= 7) digits.push((length & 0x7f) | 0x80)
    parts.push(Buffer.from([...digits, length]), Buffer.from(update))
  }
  return Buffer.concat(parts)
}

/** What can be compared of two replicas. */
const shown = (doc) => JSON.stringify([base64(Y.encodeStateVector(doc)), doc.getText('content').toDelta(), doc.getMap('map').toJSON(), doc.getArray('array').toJSON()])

/** A replica with its edits as they come. */
function author() {
  const replica = new Replica()
  const updates = []
  replica.doc.on('update', (update) => updates.push(update))
  return Object.assign(replica, { updates })
}

/** A replica built from updates. */
function replica(updates) {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, typeof update === 'string' ? Buffer.from(update, 'base64') : update)
  return doc
}

/** Everything that a client without a version recovers, or one that has everything up to `since`. */
async function recover(url, since) {
  const updates = []
  let kind
  for (;;) {
    const page = await get_json(`${url}/history?limit=7${since === undefined ? '' : `&since=${since}`}`)
    kind ??= page.recovery
    if (page.snapshot !== null) updates.push(page.snapshot)
    updates.push(...page.updates)
    assert(page.records.length === page.updates.length, 'a record for each update')
    since = page.version
    if (!page.more) return { kind, updates, version: page.version }
  }
}

export async function history_over_http(context) {
  const { random } = context
  const server = await context.server()
  await server.start()
  const name = 'past/present'
  const url = document_url(server, room, name)
  const mine = author()
  const at = []
  const write = async (count) => {
    for (let i = 0; i < count; i++) {
      const before = mine.updates.length
      random_edit(random, mine)
      if (mine.updates.length === before) mine.text.insert(0, '.')
    }
    const batch = mine.updates.splice(0)
    const response = random.chance(0.5)
      ? await post(`${url}/updates?sender=author`, 'application/vnd.weft.updates', framed(batch))
      : await post(`${url}/updates?sender=author`, 'application/json', JSON.stringify({ updates: batch.map(base64) }))
    const body = await response.json()
    assert(response.status === 201 && body.results.length === batch.length, `a batch is ${response.status}: ${JSON.stringify(body)}`)
    assert(body.results.every((one) => one.outcome === 'durable'), 'every update has a position')
    at.push({ version: body.version, shown: shown(mine.doc), vector: Y.encodeStateVector(mine.doc) })
  }
  for (let round = 0; round < 12; round++) {
    await write(1 + random.below(8))
    // With a snapshot in between, and without one.
    if (round === 4) await server.restart('SIGTERM')
    if (round === 8) await server.restart('SIGKILL')
  }

  const everything = async (what) => {
    for (const past of at) {
      const doc = replica([await get_bytes(`${url}/update?at=${past.version}`)])
      assert(shown(doc) === past.shown, `${what}: version ${past.version} is not what it was`)
      // What the replica of then lacks now: by address, by body, in both formats.
      const sv = base64url(past.vector)
      const diffs = [await get_bytes(`${url}/update?sv=${sv}`),
        await get_bytes(`${url}/diff`, { method: 'POST', body: past.vector, headers: { 'content-type': 'application/octet-stream' } })]
      for (const diff of diffs) {
        const later = replica([await get_bytes(`${url}/update?at=${past.version}`), diff])
        assert(shown(later) === shown(mine.doc), `${what}: a difference since version ${past.version} is not enough`)
      }
      const v2 = await get_bytes(`${url}/update?sv=${sv}&format=v2`)
      Y.applyUpdateV2(doc, v2)
      assert(shown(doc) === shown(mine.doc), `${what}: a difference in format v2 is not enough`)
      const since = await recover(url, past.version)
      assert(since.kind === 'history', `${what}: history since ${past.version} is ${since.kind}`)
    }
    for (const [from, kind] of [[undefined, 'full'], ['start', 'history'], [at.at(-1).version + 1000, 'full'], ['1@0000000000000001', 'full']]) {
      const recovered = await recover(url, from)
      assert(recovered.kind === kind, `${what}: history since ${from} is ${recovered.kind}`)
      assert(shown(replica(recovered.updates)) === shown(mine.doc), `${what}: what is recovered since ${from} differs`)
    }
    const snapshot = await get_json(`${url}/snapshot`)
    const rest = await recover(url, `${snapshot.version}@${snapshot.log}`)
    assert(shown(replica([snapshot.snapshot, ...rest.updates])) === shown(mine.doc), `${what}: snapshot and history differ from the document`)
    const versions = []
    for (let since = ''; ;) {
      const page = await get_json(`${url}/versions?limit=10${since}`)
      versions.push(...page.versions)
      if (page.next === null) break
      since = `&since=${page.next}`
    }
    assert(versions.every((one, index) => one.version === index && one.senderId === 'author'), `${what}: the versions have gaps`)
    assert(versions.length === at.at(-1).version + 1, `${what}: ${versions.length} versions`)
    return versions.length
  }
  const count = await everything('while it runs')
  await server.restart('SIGKILL')
  await everything('after a crash')

  // A batch ends at its first refusal, and says what became of each.
  mine.text.insert(0, 'kept ')
  const [good] = mine.updates.splice(0)
  const broken = await post(`${url}/updates`, 'application/json', JSON.stringify({ updates: [base64(good), base64([1, 2, 3]), base64(good)] }))
  const told = await broken.json()
  assert(broken.status === 400 && told.type === 'urn:weft:problem:invalid-update', `a batch with an invalid update is ${broken.status}`)
  assert(told.results.map((one) => one.outcome).join() === 'durable,refused,not-tried', JSON.stringify(told.results))
  assert(shown(await fetch_document(server, room, name)) === shown(mine.doc), 'what preceded the refusal is not there')
  const typed = await get_json(`${url}/json`)
  assert(typed.content === mine.text.toString(), 'the JSON shows another text')
  return `${count} versions, ${at.length} of them read, recovered and compared twice`
}

export async function conditional_requests(context) {
  const server = await context.server()
  await server.start()
  const url = document_url(server, room, 'condition')
  const mine = author()
  mine.text.insert(0, 'one')
  assert((await publish(server, room, 'condition', mine.updates.pop())).status === 201, 'no first edit')
  const tag_of = async (path) => {
    const response = await fetch(url + path)
    await response.arrayBuffer()
    return response.headers.get('etag')
  }
  const paths = ['/update', '/state-vector', '/json', '/text?root=content', '/update?format=v2', '/update?at=0']
  const tags = await Promise.all(paths.map(tag_of))
  const ask = (path, tag) => fetch(url + path, { headers: { 'if-none-match': tag } })
  for (const [index, path] of paths.entries()) {
    const same = await ask(path, tags[index])
    assert(same.status === 304 && (await same.arrayBuffer()).byteLength === 0, `${path} with its tag is ${same.status}`)
  }
  // Of many who write on the same condition one wins, also when the server was killed in between.
  await server.restart('SIGKILL')
  let winners = 0
  const tag = await tag_of('/update')
  assert(tag === tags[0], `the tag changed with a restart: ${tag}`)
  const rivals = Array.from({ length: 8 }, () => {
    const rival = author()
    rival.text.insert(0, 'x')
    return post(`${url}/updates`, 'application/octet-stream', rival.updates[0], { 'if-match': tag })
  })
  for (const response of await Promise.all(rivals)) {
    assert(response.status === 201 || response.status === 412, `a rival is told ${response.status}`)
    winners += response.status === 201
  }
  assert(winners === 1, `${winners} rivals won`)
  for (const [index, path] of paths.entries()) {
    const now = await ask(path, tags[index])
    await now.arrayBuffer()
    assert(now.status === (path === '/update?at=0' ? 304 : 200), `${path} with an old tag is ${now.status}`)
  }
  const none = await post(`${url}/updates`, 'application/octet-stream', mine.updates[0] ?? Buffer.from([0, 0]), { 'if-match': '' })
  assert(none.status === 400, `an empty If-Match is ${none.status}`)
  return `${paths.length} representations, one of ${rivals.length} rivals won`
}

export async function a_restore_reaches_everybody(context) {
  const { random } = context
  const server = await context.server()
  await server.start()
  const name = 'restored'
  const url = document_url(server, room, name)
  const clients = [new Client(server, `${room}/${name}`), new Client(server, `${room}/${name}`)]
  const [a, b] = clients
  const content = (client) => JSON.stringify([client.text.toDelta(), client.array.toJSON(), Object.entries(client.map.toJSON()).sort()])
  const edit = async (count) => {
    for (let i = 0; i < count; i++) random_edit(random, random.pick(clients))
    await converged(clients)
  }
  /** The newest version once everything that the clients show is durable. */
  const version = async () => {
    const doc = await until('what the clients show is durable', async () => {
      const response = await fetch(`${url}/update`)
      const replica_now = replica([new Uint8Array(await response.arrayBuffer())])
      return base64(Y.encodeStateVector(replica_now)) === base64(Y.encodeStateVector(a.doc)) && response
    })
    return Number(doc.headers.get('weft-version'))
  }
  try {
    await Promise.all(clients.map((client) => client.until_synced()))
    const past = []
    for (let round = 0; round < 4; round++) {
      await edit(60)
      past.push({ version: await version(), shown: content(a) })
      if (round === 1) await server.restart('SIGKILL')
    }
    const closes = () => clients.map((client) => client.closes.length).join()
    const closes_before = closes()
    let edits = 0
    for (const target of [past[0], past[3], past[1], past[2]]) {
      const response = await fetch(`${url}/versions/${target.version}/restore?sender=editor`, { method: 'POST' })
      const body = await response.json()
      assert(response.status === 201 && body.changed && body.restored === target.version, `a restore is ${response.status}: ${JSON.stringify(body)}`)
      await until(() => `both clients show version ${target.version} again: ${content(a).slice(0, 300)} and ${content(b).slice(0, 300)}, ` +
        `expected ${target.shown.slice(0, 300)}`, () => clients.every((client) => content(client) === target.shown))
      const again = await fetch(`${url}/versions/${target.version}/restore`, { method: 'POST' })
      const told = await again.json()
      assert(again.status === 200 && !told.changed, `restoring what is there already is ${again.status}`)
      edits += 1
    }
    // History is as it was, the restores are edits like others, and life goes on.
    for (const one of past) {
      const doc = replica([await get_bytes(`${url}/update?at=${one.version}`)])
      assert(JSON.stringify(doc.getText('content').toDelta()) === JSON.stringify(JSON.parse(one.shown)[0]), `version ${one.version} is not what it was`)
    }
    const versions = (await get_json(`${url}/versions?limit=1000`)).versions
    assert(versions.filter((one) => one.senderId === 'editor').length === edits, 'the restores are not in the history')
    await edit(40)
    const state = await converged(clients)
    assert(closes() === closes_before, 'a client was disconnected')
    await server.restart('SIGKILL')
    await newcomer_sees(server, `${room}/${name}`, state)
    return `${edits} restores among ${versions.length} versions, each seen by both clients`
  } finally {
    for (const client of clients) client.destroy()
  }
}
