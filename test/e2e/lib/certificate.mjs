// Certificates that a test makes for itself.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

/** Writes a self-signed certificate and its key to `directory`, over what was there. */
export function make_certificate(directory, name = 'localhost') {
  const files = { certificate: path.join(directory, 'certificate.pem'), key: path.join(directory, 'key.pem') }
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', files.key, '-out', files.certificate],
  { stdio: ['ignore', 'ignore', 'pipe'] })
  return { ...files, ca: fs.readFileSync(files.certificate) }
}
