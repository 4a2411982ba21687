// What the tests have in common: providers on any transport, and waiting for conditions.

import WebSocket from 'ws'
import * as Y from 'yjs'
import { ProtocolProvider } from '../../dist/index.js'
import { until as until_deadline } from '../../../../test/e2e/lib/wait.mjs'

/** A machine that builds beside the tests is slow: the deadline only says that it will never be. */
export const until = (what, condition) => until_deadline(what, condition, 60_000)

const open = new Set()

/** A provider that reconnects fast and notes what it says. */
export function provide(server, { roomId = 'room', docId = 'doc', doc = new Y.Doc(), ...options } = {}) {
  const provider = new ProtocolProvider(server, { roomId, docId }, doc, {
    WebSocketPolyfill: WebSocket,
    minBackoffTime: 20,
    maxBackoffTime: 200,
    connectTimeout: 3000,
    ...options,
  })
  provider.text = doc.getText('content')
  provider.versions = []
  provider.early = [] // versions that fell
  provider.on('version', (version) => {
    if (version <= (provider.versions.at(-1) ?? -1)) provider.early.push(version)
    provider.versions.push(version)
  })
  open.add(provider)
  return provider
}

export async function close_all() {
  const all = [...open]
  open.clear()
  await Promise.all(all.map((provider) => provider.destroy()))
}

export const synced = (...providers) =>
  until(() => `sync; ${describe(providers)}`, () => providers.every((provider) => provider.synced))

export const saved = (...providers) =>
  until(() => `saved; ${describe(providers)}`, () => providers.every((provider) => provider.saved && provider.pending === 0))

const describe = (providers) =>
  providers.map(({ status, transport, synced, pending, saved, refusal }) =>
    JSON.stringify({ status, transport, synced, pending, saved, refusal })).join(' ')

export const shows = (provider, text) =>
  until(() => `${JSON.stringify(text)}, not ${JSON.stringify(provider.text.toString())}`, () => provider.text.toString() === text)

export async function equal(...providers) {
  const states = () => providers.map(({ doc }) => JSON.stringify([
    Buffer.from(Y.encodeStateVector(doc)).toString('hex'), doc.getText('content').toDelta(), doc.getMap('map').toJSON()]))
  await until(() => `equal replicas: ${states().join(' <> ')}`, () => new Set(states()).size === 1)
}
