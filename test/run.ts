// The test suite: `npm test`, or `node test/run.ts FILE…` for some of its files.
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { openTestRoom } from './test-room.ts'

/** Whole platforms first: they take longest, and at the end the cores would wait for the last one. */
const FOLDERS = ['test', 'examples', 'bench', 'src'] as const

/** One more than there are cores: a test that waits for a server leaves its core to another. */
const AT_ONCE = availableParallelism() + 1

const asked = process.argv.slice(2)
const patterns = asked.length > 0 ? asked : FOLDERS.map((folder) => `${folder}/**/*.test.ts`)
const files = patterns.flatMap((pattern) => globSync(pattern).sort())
if (files.length === 0) {
  process.stderr.write(`no test file is named ${patterns.join(' or ')}\n`)
  process.exit(2)
}

const room = await openTestRoom()
Object.assign(process.env, room.environment)
// Only a summary of everything that says so makes it a success.
process.exitCode = 1
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => stopping.abort())
}
const running = run({ files, concurrency: AT_ONCE, signal: stopping.signal })
running.on('test:summary', ({ file, success }) => {
  if (file === undefined && success) process.exitCode = 0
})
running.compose(spec).pipe(process.stdout)
await new Promise<void>((resolve) => running.once('close', resolve))
await room.close()
