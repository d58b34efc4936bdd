import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { newTrace } from '../../http/trace-context.ts'
import { currentTrace, inTrace } from '../traces/current-trace.ts'
import { JsonLog, type JsonLogOptions, type LogRecord } from './json-log.ts'

function logged(options: Partial<JsonLogOptions> = {}) {
  const lines: string[] = []
  const log = new JsonLog({
    fields: { plane: 'gateway', instance: 'one' },
    write: (line) => lines.push(line),
    now: () => Date.UTC(2026, 5, 1),
    ...options,
  })
  return { log: log.log, lines, last: () => JSON.parse(lines.at(-1) ?? '') as object }
}

describe('a log', () => {
  test('is one JSON object a line, whatever is said', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.constantFrom('{"time":"', '{"time":"x"}', '{', '\u2028'),
        ),
        (text) => {
          const { log, lines } = logged()
          log(text)
          for (const line of lines) {
            assert.ok(!line.includes('\n'))
            const { plane, time, level } = JSON.parse(line) as Record<string, unknown>
            assert.deepEqual([plane, typeof time, typeof level], ['gateway', 'string', 'string'])
          }
        },
      ),
    )
  })

  test('keeps a plane’s own fields, and does not let a line say who it is', () => {
    const { log, last } = logged()
    log('{"event":"listening","plane":"other","instance":"other","tenant":"acme"}')
    assert.deepEqual(last(), {
      time: '2026-06-01T00:00:00.000Z',
      level: 'info',
      event: 'listening',
      tenant: 'acme',
      plane: 'gateway',
      instance: 'one',
    })
    log('sweep: internal')
    assert.deepEqual(last(), {
      time: '2026-06-01T00:00:00.000Z',
      level: 'info',
      message: 'sweep: internal',
      plane: 'gateway',
      instance: 'one',
    })
  })

  test('takes a gateway’s lines as they are, unless something has to go', () => {
    const { log, lines, last } = logged()
    const line = '{"time":"2026-06-01T12:00:00.000Z","tenant":"acme","status":200}'
    log(`${line}\n${line}`)
    assert.equal(lines.length, 2)
    assert.deepEqual(last(), { ...(JSON.parse(line) as object), ...own })
    log('{"time":"2026-06-01T12:00:00.000Z","reason":"Bearer abcdefgh"}')
    assert.deepEqual(last(), {
      time: '2026-06-01T12:00:00.000Z',
      reason: 'Bearer [redacted]',
      ...own,
    })
  })

  test('leaves out what is below its level; what failed is an error', () => {
    const all = logged()
    all.log('{"time":"2026-06-01T12:00:00.000Z","status":502}')
    assert.equal((all.last() as { level: string }).level, 'error')
    const { log, lines, last } = logged({ level: 'warn' })
    log('{"level":"info","event":"x"}')
    log('said by the way')
    assert.deepEqual(lines, [])
    log('{"time":"2026-06-01T12:00:00.000Z","status":502}')
    assert.ok('level' in last())
    assert.equal((last() as { level: string }).level, 'error')
  })

  test('says the trace in which it was said', async () => {
    const trace = newTrace()
    const { log, last } = logged({ trace: currentTrace })
    await inTrace(trace, async () => {
      await Promise.resolve()
      log('looked up')
    })
    assert.equal((last() as { trace_id: string }).trace_id, trace.traceId)
    log('later')
    assert.ok(!('trace_id' in last()))
  })

  test('hands on each line without its secrets', () => {
    const records: LogRecord[] = []
    const { log } = logged({ record: (record) => records.push(record) })
    log('{"tenant":"acme","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","password":"hunter22"}')
    const [record] = records
    assert.equal(record?.tenant, 'acme')
    assert.equal(record.traceId, '4bf92f3577b34da6a3ce929d0e0e4736')
    assert.ok(!JSON.stringify(records).includes('hunter22'))
  })
})

const own = { level: 'info', plane: 'gateway', instance: 'one' }
