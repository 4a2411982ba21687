// What the package adds to a page, minified and gzipped: with everything it imports except yjs,
// y-protocols and lib0, which a page with Yjs has already.
//
//   node scripts/size.mjs [--check]     --check: fails where README.md says something else

import { build } from 'esbuild'
import fs from 'node:fs'
import { gzipSync } from 'node:zlib'

const root = new URL('..', import.meta.url).pathname
const shared = ['yjs', 'y-protocols/*', 'lib0/*']
const parts = [
  ['weft-provider', 'index.js', shared],
  ['weft-provider without socket.io-client', 'index.js', [...shared, 'socket.io-client']],
  ['weft-provider/codec', 'codec.js', shared],
  ['weft-provider/indexeddb', 'indexeddb.js', shared],
]

const figures = []
for (const [name, file, external] of parts) {
  const { outputFiles } = await build({
    entryPoints: [`${root}dist/${file}`], bundle: true, minify: true, write: false, format: 'esm', platform: 'browser', target: 'es2022', external,
  })
  figures.push([name, (gzipSync(outputFiles[0].contents, { level: 9 }).length / 1024).toFixed(1)])
}
for (const [name, size] of figures) console.log(`${name}: ${size} KiB minified and gzipped`)

// Compressors differ by a few bytes from one version to the next.
const tolerance_kib = 0.5

if (process.argv.includes('--check')) {
  const readme = fs.readFileSync(`${root}README.md`, 'utf8')
  const rows = readme.split('\n').map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
  const said = new Map(rows.filter((cells) => / KiB$/.test(cells[2] ?? '')).map((cells) => [cells[1], parseFloat(cells[2])]))
  const wrong = figures.filter(([name, size]) => !(Math.abs(said.get(name) - size) <= tolerance_kib))
  for (const [name, size] of wrong) console.log(`README.md says ${said.get(name)} KiB of ${name}, which has ${size}`)
  process.exitCode = wrong.length > 0 ? 1 : 0
}
