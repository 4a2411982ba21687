// The HTTP routes: health, metrics, publish, state, document list.

import * as Y from 'yjs'
import { Client, converged } from '../lib/client.mjs'
import { assert, until } from '../lib/wait.mjs'

const octets = { 'content-type': 'application/octet-stream' }

export const document_url = (server, room, name) =>
  `${server.http}/v1/documents/${encodeURIComponent(room)}/${encodeURIComponent(name)}`

export function publish(server, room, name, update) {
  return fetch(`${document_url(server, room, name)}/updates`, { method: 'POST', headers: octets, body: update })
}

/** A replica from the state that the server serves. */
export async function fetch_document(server, room, name) {
  const response = await fetch(`${document_url(server, room, name)}/update`)
  assert(response.status === 200, `GET update of ${room}/${name} is ${response.status}`)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, new Uint8Array(await response.arrayBuffer()))
  return doc
}

export async function health_and_metrics(context) {
  const server = await context.server()
  await server.start()
  for (const route of ['/healthz', '/readyz']) {
    const response = await fetch(server.http + route)
    assert(response.status === 200, `${route} is ${response.status}`)
    await response.arrayBuffer()
    const head = await fetch(server.http + route, { method: 'HEAD' })
    assert(head.status === 200, `HEAD ${route} is ${head.status}`)
  }
  const metrics = await fetch(`${server.http}/metrics`)
  assert(metrics.status === 200, `/metrics is ${metrics.status}`)
  assert(metrics.headers.get('content-type')?.startsWith('text/plain'), `/metrics is ${metrics.headers.get('content-type')}`)
  const lines = (await metrics.text()).split('\n').filter((line) => line !== '')
  const bad = lines.find((line) => !/^(#|[a-zA-Z_:][\w:]*(\{.*\})? [-+0-9.eEINFan]+( \d+)?$)/.test(line))
  assert(bad === undefined, `not Prometheus text: ${bad}`)
  assert(lines.some((line) => line.startsWith('weft_')), 'no metric of our own')
  const missing = await fetch(`${server.http}/v1/nothing`)
  assert(missing.status === 404, `/v1/nothing is ${missing.status}`)
  return `${lines.filter((line) => !line.startsWith('#')).length} samples`
}

export async function publish_and_read(context) {
  const server = await context.server()
  await server.start()
  const [room, name] = ['team', 'böok']
  const client = new Client(server, `${room}/${name}`)
  try {
    await client.until_synced()
    const doc = new Y.Doc()
    const updates = []
    doc.on('update', (update) => updates.push(update))
    doc.getText('content').insert(0, 'published')
    doc.getText('content').insert(9, ' twice')
    let version = -1
    for (const update of updates) {
      const response = await publish(server, room, name, update)
      const body = await response.json()
      assert(response.status === 201, `publish is ${response.status}: ${JSON.stringify(body)}`)
      assert(typeof body.topic === 'string' && Number.isInteger(body.partition) && Number.isInteger(Number(body.offset)),
        `no position in ${JSON.stringify(body)}`)
      assert(Number(body.version) > version, `the version does not rise: ${body.version} after ${version}`)
      version = Number(body.version)
    }
    await until('the published text at the WebSocket client', () => client.text.toString() === 'published twice')
    const again = await publish(server, room, name, updates[0])
    assert(again.status === 200 || again.status === 201, `publishing again is ${again.status}`)

    client.text.insert(0, 'edited, ')
    await until('the edit over HTTP', async () =>
      (await fetch_document(server, room, name)).getText('content').toString() === 'edited, published twice')
    await converged([client])

    const list = await (await fetch(`${server.http}/v1/documents`)).json()
    const entry = list.documents.find((item) => item.room === room && item.document === name)
    assert(entry, `not in the list: ${JSON.stringify(list)}`)
    assert(entry.connections === 1, `${entry.connections} connections in the list`)

    for (const body of [Buffer.from([1, 2, 3]), Buffer.from('not an update'), Buffer.alloc(0)]) {
      const refused = await publish(server, room, name, body)
      assert(refused.status >= 400 && refused.status < 500, `garbage is answered ${refused.status}`)
    }
    const replica = await fetch_document(server, room, name)
    assert(replica.getText('content').toString() === 'edited, published twice', 'garbage changed the document')
    return `version ${version}`
  } finally {
    client.destroy()
  }
}
