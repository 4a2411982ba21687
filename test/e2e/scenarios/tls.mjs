// The same server over TLS: stock clients over wss, tools that were not written here, a renewed
// certificate without a restart.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import { Client, converged, newcomer_sees } from '../lib/client.mjs'
import { random_edit } from '../lib/edits.mjs'
import { make_certificate } from '../lib/certificate.mjs'
import { assert, until } from '../lib/wait.mjs'

/** The output of a program, whatever its exit code. */
function run(program, args, input = '') {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { timeout: 20_000, encoding: 'latin1' }, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') return reject(error)
      resolve(stdout + stderr)
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

const request = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

const python = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.set_alpn_protocols(["h2", "http/1.1"])
with context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="localhost") as s:
    print(s.version(), s.selected_alpn_protocol())
    for piece in ("GET /heal", "thz HTTP/1.1\\r\\nHost: x\\r\\n", "\\r\\n"):
        s.sendall(piece.encode())
    print(s.recv(4096).decode())
    print("closed by", type(s.unwrap()).__name__)
`

/** What TLS says of itself to a fresh connection: the certificate's fingerprint. */
function fingerprint(server) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

function plain(server, bytes) {
  return new Promise((resolve) => {
    const socket = net.connect(server.port, '127.0.0.1', () => socket.write(bytes))
    let answer = ''
    socket.on('data', (chunk) => { answer += chunk.toString('latin1') })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}

/** What `weft backup` says that takes the server for the one with this certificate. */
function weft_backup(server, directory, { certificate, key } = server.tls) {
  return run(server.options.weft, ['backup', path.join(server.scratch, directory), '--listen', `127.0.0.1:${server.port}`,
    '--tls.certificate', certificate, '--tls.key', key])
}

export async function over_tls(context) {
  const { random } = context
  const server = await context.server({ tls: true })
  await server.start()
  const name = 'team/sealed'
  const clients = Array.from({ length: 4 }, () => new Client(server, name))
  const { port, tls: { certificate } } = server
  try {
    for (let i = 0; i < 200; i++) random_edit(random, clients[i % clients.length])
    await Promise.all(clients.map((client) => client.until_synced()))
    for (let i = 0; i < 200; i++) random_edit(random, clients[i % clients.length])
    // A message of many records, both ways.
    clients[0].map.set('large', 'x'.repeat(3_000_000))
    const state = await converged(clients)
    await newcomer_sees(server, name, state)

    const curl = await run('curl', ['-sv', '--cacert', certificate, `https://localhost:${port}/healthz`, '--resolve', `localhost:${port}:127.0.0.1`])
    assert(/ok\n/.test(curl) && /ALPN.*http\/1\.1/.test(curl), `curl: ${curl}`)
    for (const version of ['-tls1_2', '-tls1_3']) {
      const openssl = await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', certificate, '-alpn', 'h2,http/1.1',
        '-verify_return_error', '-ign_eof', version], request)
      assert(/HTTP\/1\.1 200 OK/.test(openssl) && /ALPN protocol: http\/1\.1/.test(openssl), `openssl ${version}: ${openssl}`)
    }
    const old = await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'], request)
    assert(!/HTTP\/1\.1/.test(old), `TLS 1.1 was spoken: ${old}`)
    const told = await run('python3', ['-c', python, String(port), certificate])
    assert(/TLSv1\.3 http\/1\.1\nHTTP\/1\.1 200 OK/.test(told) && /closed by \w*socket/i.test(told), `python: ${told}`)

    const refusal = await plain(server, request)
    assert(/^HTTP\/1\.1 400 /.test(refusal) && /https:\/\//.test(refusal), `a plaintext request: ${refusal}`)
    await Promise.all(Array.from({ length: 20 }, () => plain(server, Buffer.concat([Buffer.from([22, 3, 1, 1, 0, 1]), random.bytes(700)]))))

    const backup = await weft_backup(server, 'backup')
    assert(/read back and equal to the log/.test(backup), `weft backup: ${backup}`)
    const forged = path.join(server.scratch, 'forged')
    fs.mkdirSync(forged)
    const foreign = await weft_backup(server, 'refused', make_certificate(forged))
    assert(/another certificate/.test(foreign) && !fs.existsSync(path.join(server.scratch, 'refused')), `weft backup beside a foreign certificate: ${foreign}`)

    const before = await fingerprint(server)
    server.tls = make_certificate(server.scratch, 'renewed')
    server.process.kill('SIGHUP')
    const after = await until('the renewed certificate', async () => {
      const now = await fingerprint(server)
      return now !== before && now
    })
    await newcomer_sees(server, name, state)
    const metrics = (await server.get('/metrics')).body
    assert(/weft_tls_handshake_failures_total (2[1-9]|[3-9]\d)/.test(metrics), 'failed handshakes are not counted')
    assert(clients.every((client) => client.closes.length === 0), 'a client was disconnected')
    clients[0].text.insert(0, 'the connections of before go on')
    await converged(clients)
    const ended = await server.stop()
    assert(ended.code === 0, `exit code ${ended.code} (${ended.signal})`)
    await until('every client is told 1001', () => clients.every((client) => client.closes.includes(1001)))
    return `4 clients over wss, curl, openssl and python; certificate ${before.slice(0, 8)} renewed to ${after.slice(0, 8)}`
  } finally {
    for (const client of clients) client.destroy()
  }
}
