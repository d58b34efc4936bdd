import { endWithSupervisor } from './end-with-supervisor.ts'
import { processUnit } from './process-unit.ts'
import { runUntilSignal } from './run-until-signal.ts'
import { Supervisor } from './supervisor.ts'

// Run by tests as a process of its own: a supervisor over two children, or one of the children.
const [role, mode] = process.argv.slice(2)

async function supervise(): Promise<void> {
  const child = (name: string, dependsOn: readonly string[]) =>
    processUnit({
      name,
      dependsOn,
      command: process.execPath,
      args: [import.meta.filename, 'child', mode ?? ''],
      readyPattern: /up/,
      graceMs: 60_000,
    })
  const supervisor = new Supervisor([child('a', []), child('b', ['a'])], {
    onEvent: ({ type, unit }) => console.log(type, unit),
  })
  const { signal, value } = await runUntilSignal(supervisor, (signal) => {
    console.log('all up')
    if (mode === 'throw') setImmediate(() => process.nextTick(() => throwNow()))
    if (mode === 'fail') return Promise.reject(new Error('the work failed'))
    if (mode === 'work') return Promise.resolve('done')
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve('aborted')))
  })
  console.log('ended', signal, value)
}

function throwNow(): never {
  throw new Error('nobody catches this')
}

if (role === 'child') {
  endWithSupervisor()
  if (mode === 'stubborn') process.on('SIGTERM', () => console.log('no'))
  console.log('up')
  setInterval(() => undefined, 1_000)
} else {
  await supervise()
}
