#!/usr/bin/env node
// Plain JavaScript that any Node can parse: it finds a Node new enough to run the product, and hands
// over. In a checkout the TypeScript source runs as it is; a published package carries dist/.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { newEnoughNode } from './node-version.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = `${root}src/main.ts`
const entry = existsSync(source) ? source : `${root}dist/main.js`
const node = newEnoughNode(root)

if (node === undefined) {
  process.stderr.write(
    `ringfence needs Node.js 24 or newer; this is ${process.version} (${process.execPath}). ` +
      'Install it, or run npm ci without --omit=optional on 64-bit Linux.\n',
  )
  process.exit(2)
} else if (node === process.execPath) {
  await import(pathToFileURL(entry).href)
} else {
  const child = spawn(node, [entry, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
}
