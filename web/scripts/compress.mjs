// compress.mjs DIR: writes NAME.br and NAME.gz beside every text file under DIR that gets smaller by it, and prints the sizes.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const dir = process.argv[2]
if (!dir) {
  console.error('usage: compress.mjs DIR')
  process.exit(2)
}
const TEXT = new Set(['.css', '.html', '.js', '.json', '.md', '.svg', '.ttf'])
const ENCODINGS = {
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  gz: (bytes) => gzipSync(bytes, { level: 9 }),
}

const files = readdirSync(dir, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !['.br', '.gz'].includes(extname(entry.name)))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort()
const total = { plain: 0, br: 0, gz: 0 }
for (const file of files) {
  const plain = readFileSync(file)
  const sizes = { plain: plain.length, br: plain.length, gz: plain.length }
  for (const [name, encode] of Object.entries(ENCODINGS)) {
    rmSync(`${file}.${name}`, { force: true })
    if (!TEXT.has(extname(file))) continue
    const packed = encode(plain)
    if (packed.length >= plain.length * 0.95) continue
    writeFileSync(`${file}.${name}`, packed)
    sizes[name] = packed.length
  }
  for (const name in total) total[name] += sizes[name]
  report(file, sizes)
}
report('in all', total)

function report(name, { plain, br, gz }) {
  console.log(`${kb(plain)} ${kb(br)} br ${kb(gz)} gz  ${name}`)
}

function kb(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`.padStart(11)
}
