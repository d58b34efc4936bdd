// Workers of a small front, for tests: the first argument is how many, `tls` as the third opens it over
// TLS. Says on standard output what happens.
import cluster from 'node:cluster'
import { existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { CertificateMemory } from './certificate-memory.ts'
import { LIMITS } from './front-limits.test-support.ts'
import { openFront } from './front.ts'
import { selfSigned } from './self-signed.ts'
import { askPrimary, isReplacement, tellReady, workerNumber } from './worker.ts'
import { Workers } from './workers.ts'

const say = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`)
const number = workerNumber()
if (number === undefined) await primary()
else await worker(number)

async function primary(): Promise<void> {
  let questions = 0
  const workers = new Workers({
    count: Number(process.argv[2]),
    program: { path: import.meta.filename, arguments: process.argv.slice(2) },
    log: say,
    answer: () => (questions += 1),
  })
  say({ event: 'listening', url: await workers.start() })
  process.on('SIGHUP', () => void workers.roll().then((all) => say({ event: 'rolled', all })))
  process.once('SIGTERM', () => void workers.close().then(() => process.exit()))
}

async function worker(own: number): Promise<void> {
  process.on('SIGHUP', () => undefined)
  const asked = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('disconnect', () => resolve())
  })
  // Told to fail by a file that there is or is not, as a bad configuration would make it.
  const isBroken = existsSync(process.argv[3] ?? '')
  if (isBroken && isReplacement()) process.exit(1)
  const handler = (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === '/die') process.kill(process.pid, 'SIGKILL')
    else if (request.url === '/ask')
      void askPrimary('next').then((answer) => response.end(String(answer)))
    else response.end(`${own} ${process.pid}`)
  }
  const certificates =
    process.argv[4] === 'tls'
      ? new CertificateMemory({ 'a.example': await selfSigned(['a.example']) })
      : undefined
  const front = await openFront({
    server: createServer(handler),
    handler,
    listen: { host: '127.0.0.1', port: 0 },
    limits: LIMITS,
    ...(certificates === undefined ? {} : { certificates }),
  })
  tellReady(front.url)
  await asked
  await front.close()
  cluster.worker?.disconnect()
}
