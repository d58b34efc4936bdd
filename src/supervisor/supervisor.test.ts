import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, settle } from './fake-clock.test-support.ts'
import { Supervisor } from './supervisor.ts'
import type { Running, SupervisorEvent, Unit } from './unit.ts'

/** A unit that starts when it is told to (or at once) and ends when it is told to. */
class Puppet implements Unit {
  readonly name: string
  readonly dependsOn: readonly string[]
  readonly restartWith: boolean
  starts = 0
  refuse: Error | undefined
  hangsInStop = false
  killed = false
  end: (outcome: unknown) => void = () => undefined

  constructor(name: string, dependsOn: readonly string[] = [], restartWith = false) {
    this.name = name
    this.dependsOn = dependsOn
    this.restartWith = restartWith
  }

  start(): Promise<Running> {
    this.starts++
    if (this.refuse !== undefined) return Promise.reject(this.refuse)
    const exited = new Promise((resolve) => {
      this.end = resolve
    })
    return Promise.resolve({
      exited,
      stop: async () => {
        if (this.hangsInStop) await new Promise(() => undefined)
        this.end({ code: 0 })
      },
      kill: () => {
        this.killed = true
      },
    })
  }
}

function rig(units: readonly Unit[]) {
  const events: SupervisorEvent[] = []
  const clock = new FakeClock()
  const onEvent = (event: SupervisorEvent) => events.push(event)
  const supervisor = new Supervisor(units, { onEvent, clock, random: () => 0.5 })
  const story = (...types: readonly SupervisorEvent['type'][]): readonly string[] =>
    events.filter(({ type }) => types.includes(type)).map(({ type, unit }) => `${type} ${unit}`)
  return { supervisor, clock, events, story }
}

test('units start after those they depend on, and stop before them', async () => {
  const units = [new Puppet('c', ['b']), new Puppet('b', ['a']), new Puppet('a')]
  const { supervisor, story } = rig(units)
  await supervisor.start()
  assert.deepEqual(story('ready'), ['ready a', 'ready b', 'ready c'])
  await Promise.all([supervisor.stop(), supervisor.stop()])
  assert.deepEqual(story('stopped'), ['stopped c', 'stopped b', 'stopped a'])
  assert.deepEqual(
    units.map(({ starts }) => starts),
    [1, 1, 1],
  )
})

test('a first start that fails stops the others and is told as it is', async () => {
  const [good, bad] = [new Puppet('good'), new Puppet('bad', ['good'])]
  const never = new Puppet('never', ['bad'])
  bad.refuse = new Error('port 80 is taken')
  const { supervisor, story } = rig([good, bad, never])
  await assert.rejects(supervisor.start(), bad.refuse)
  assert.deepEqual(story('stopped'), ['stopped good'])
  assert.equal(never.starts, 0)
})

test('a unit that keeps ending is started again after longer and longer pauses', async () => {
  const unit = new Puppet('a')
  const { supervisor, clock, events } = rig([unit])
  await supervisor.start()
  for (let i = 0; i < 10; i++) {
    unit.end({ code: 1 })
    await settle()
    await clock.pass(15_000)
  }
  const pauses = events.flatMap((event) => (event.type === 'failed' ? [event.retryInMs] : []))
  assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000])
  assert.equal(unit.starts, 11)
  await clock.pass(60_000)
  unit.end({ code: null, signal: 'SIGKILL' })
  await settle()
  assert.deepEqual(events.at(-1), {
    type: 'failed',
    unit: 'a',
    why: 'ended by SIGKILL',
    retryInMs: 100,
  })
  await supervisor.stop()
})

test('a later start that fails is tried again for ever, each time told', async () => {
  const unit = new Puppet('a')
  const { supervisor, clock, events } = rig([unit])
  await supervisor.start()
  unit.refuse = new Error('still broken')
  unit.end({ code: 1 })
  await settle()
  for (let i = 0; i < 20; i++) await clock.pass(30_000)
  assert.equal(unit.starts, 21)
  const why = events.flatMap((event) => (event.type === 'failed' ? [event.why] : []))
  assert.deepEqual(why.slice(0, 2), ['ended with code 1', 'still broken'])
  unit.refuse = undefined
  await clock.pass(30_000)
  assert.equal(events.at(-1)?.type, 'ready')
  await supervisor.stop()
})

test('of its dependents only those that ask are started again with a unit', async () => {
  const base = new Puppet('base')
  const [with_, without] = [new Puppet('with', ['base'], true), new Puppet('without', ['base'])]
  const above = new Puppet('above', ['with'], true)
  const { supervisor, clock, story } = rig([base, with_, without, above])
  await supervisor.start()
  base.end({ code: 1 })
  await settle()
  assert.deepEqual(
    [base, with_, without, above].map(({ starts }) => starts),
    [1, 1, 1, 1],
  )
  assert.deepEqual(story('restarting', 'stopped').toSorted(), [
    'restarting above',
    'restarting with',
    'stopped above',
    'stopped with',
  ])
  await clock.pass(100)
  assert.deepEqual(
    [base, with_, without, above].map(({ starts }) => starts),
    [2, 2, 1, 2],
  )
  assert.deepEqual(story('ready').slice(-3), ['ready base', 'ready with', 'ready above'])
  await supervisor.stop()
})

test('a start that takes too long is told so, even when it does not heed its signal', async () => {
  for (const heeds of [true, false]) {
    const unit: Unit = {
      name: 'slow',
      startWithinMs: 5_000,
      start: ({ signal }) =>
        new Promise((_resolve, reject) => {
          if (heeds) signal.addEventListener('abort', () => reject(new Error('gave up')))
        }),
    }
    const { supervisor, clock } = rig([unit])
    const starting = assert.rejects(supervisor.start(), {
      code: 'timed_out',
      message: 'slow was not ready after 5 s',
    })
    await settle()
    await clock.pass(5_000)
    if (!heeds) await clock.pass(60_000)
    await starting
  }
})

test('a stop in the middle of a pause or of a start ends at once', async () => {
  const pausing = new Puppet('pausing')
  const starting: Unit = {
    name: 'starting',
    start: ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('gave up')))
      }),
  }
  const { supervisor, events } = rig([pausing, starting])
  const started = supervisor.start()
  await settle()
  pausing.end({ code: 1 })
  await settle()
  await supervisor.stop()
  await started
  assert.equal(pausing.starts, 1)
  assert.deepEqual(events.at(-1)?.type, 'failed')
})

test('a stop that hangs ends in a kill, and the others still stop', async () => {
  const [base, hanging] = [new Puppet('base'), new Puppet('hanging', ['base'])]
  hanging.hangsInStop = true
  const { supervisor, clock, story } = rig([base, hanging])
  await supervisor.start()
  const stopping = supervisor.stop()
  await settle()
  await clock.pass(60_000)
  await stopping
  assert.equal(hanging.killed, true)
  assert.deepEqual(story('killed', 'stopped'), [
    'killed hanging',
    'stopped hanging',
    'stopped base',
  ])
})

test('names that do not fit together are refused', () => {
  for (const [units, message] of [
    [[new Puppet('a'), new Puppet('a')], /same name/],
    [[new Puppet('a', ['b'])], /a depends on unknown b/],
    [[new Puppet('a', ['b']), new Puppet('b', ['a'])], /depend on each other/],
  ] as const) {
    assert.throws(() => new Supervisor(units), { code: 'invalid_argument', message })
  }
})
