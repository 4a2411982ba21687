// Addresses and tokens, as the transports use them.

import assert from 'node:assert/strict'
import test from 'node:test'
import { Connection } from '../dist/index.js'

const name = { roomId: 'Große Runde', docId: 'a/b?c' }

test('http and ws addresses mean the same server; what a reverse proxy puts before all is kept', async () => {
  for (const url of ['https://weft.example/pre/fix/', 'wss://weft.example/pre/fix']) {
    const connection = new Connection(url, { params: { tenant: 'x y' } })
    assert.equal((await connection.websocket_url(name)).href, 'wss://weft.example/pre/fix/ws/Gro%C3%9Fe%20Runde/a%2Fb%3Fc?tenant=x+y')
    assert.equal((await connection.http_request(name, 'events?since=3%400a')).url.href,
      'https://weft.example/pre/fix/v1/documents/Gro%C3%9Fe%20Runde/a%2Fb%3Fc/events?since=3%400a&tenant=x+y')
    assert.deepEqual(connection.socketio_address(), { origin: 'https://weft.example', path: '/pre/fix/socket.io/' })
  }
})

test('paths of the transports can be others', async () => {
  const connection = new Connection('http://h', { paths: { websocket: '', http: '/api/v1' } })
  assert.equal((await connection.websocket_url({ roomId: 'r', docId: 'd' })).href, 'ws://h/r/d')
  assert.equal((await connection.http_request({ roomId: 'r', docId: 'd' }, 'update')).url.href, 'http://h/api/v1/documents/r/d/update')
})

test('a token goes to each transport in its own way; a function is asked each time', async () => {
  let asked = 0
  const connection = new Connection('http://h', { token: async () => `t${++asked}`, senderId: 'ada' })
  assert.equal((await connection.websocket_url(name)).searchParams.get('token'), 't1')
  assert.deepEqual((await connection.http_request(name, 'update')).headers, { authorization: 'Bearer t2' })
  assert.equal((await connection.http_request(name, 'update')).url.search, '', 'addresses end up in logs')
  connection.bound_to = { roomId: 'r', docId: 'd' }
  assert.deepEqual(await connection.handshake(), { roomId: 'r', docId: 'd', senderId: 'ada', token: 't4' })
  await connection.authorize('fixed')
  assert.deepEqual((await connection.http_request(name, 'update')).headers, { authorization: 'Bearer fixed' })
})

test('names that no address can hold are refused where there are addresses', async () => {
  const connection = new Connection('http://h')
  for (const docId of ['.', '..']) {
    await assert.rejects(connection.websocket_url({ roomId: 'r', docId }), RangeError)
    await assert.rejects(connection.http_request({ roomId: 'r', docId }, 'update'), RangeError)
  }
})
