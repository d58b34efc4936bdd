import { serve } from '@hono/node-server'
import { z } from 'zod'
import { Ringfence, RingfenceError } from '../../../src/sdk/index.ts'
import { createApp } from './app.ts'

const environmentSchema = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
})

const STATEMENT_MS_MAX = 10_000
const SHUTDOWN_MS_MAX = 10_000

const environment = environmentSchema.safeParse(process.env)
if (environment.success) start(environment.data)
else {
  const issue = environment.error.issues[0]
  misconfigured(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

function start(env: z.output<typeof environmentSchema>): void {
  const ringfence = openRingfence()
  if (ringfence === undefined) return
  const log = (line: string) => process.stdout.write(`${line}\n`)
  const server = serve(
    {
      fetch: createApp(ringfence, log).fetch,
      hostname: env.HOST,
      port: env.PORT,
      serverOptions: { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5_000 },
    },
    ({ address, port }) =>
      log(JSON.stringify({ level: 'info', event: 'listening', url: `http://${address}:${port}` })),
  )
  server.on('error', (error) => {
    process.stderr.write(`clinic: cannot listen: ${error.message}\n`)
    process.exitCode = 1
    void ringfence.close()
  })

  const stop = () => {
    setTimeout(() => process.exit(1), SHUTDOWN_MS_MAX).unref()
    server.close(() => void ringfence.close())
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

/** All that the clinic knows of databases: whom to ask for one. It holds no login of its own. */
function openRingfence(): Ringfence | undefined {
  try {
    return Ringfence.fromEnvironment({ pool: { session: { statement_timeout: STATEMENT_MS_MAX } } })
  } catch (error) {
    if (!(error instanceof RingfenceError)) throw error
    misconfigured(error.message)
    return undefined
  }
}

function misconfigured(line: string): void {
  process.stderr.write(`clinic: ${line}\n`)
  process.exitCode = 2
}
