import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measure } from './support/measure.ts'
import { tableOf } from './support/table.ts'

const NAMES = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
  .sort()

const USAGE = `usage: npm run bench -- [name ...] [--quick] [--events N] [--out DIRECTORY]
names: ${NAMES.join(', ')}`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      /** For `metering`: how many. */
      events: { type: 'string' },
      help: { type: 'boolean', default: false },
      out: { type: 'string', default: join(import.meta.dirname, 'results') },
    },
  })
  const unknown = positionals.find((name) => !NAMES.includes(name))
  if (values.help || unknown !== undefined) {
    if (unknown !== undefined) console.error(`there is no bench ${JSON.stringify(unknown)}`)
    console.log(USAGE)
    return values.help ? 0 : 2
  }
  if (values.events !== undefined) process.env['RINGFENCE_BENCH_EVENTS'] = values.events
  mkdirSync(values.out, { recursive: true })
  for (const name of positionals.length > 0 ? positionals : NAMES) {
    const result = await measure(name, values.quick, (line) => console.error(`  ${line}`))
    const seconds = (result.milliseconds / 1000).toFixed(1)
    console.log(`\n${name}: ${result.title} (${seconds} s)\n${tableOf(result.rows)}`)
    writeFileSync(join(values.out, `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`)
  }
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof TypeError && 'code' in error)) throw error
  console.error(`${error.message}\n${USAGE}`)
  process.exitCode = 2
}
