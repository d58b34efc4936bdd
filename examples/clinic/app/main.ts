import { serve } from '@hono/node-server'
import { z } from 'zod'
import { createApp } from './app.ts'
import { TenantDatabases } from './tenant-database.ts'

const environmentSchema = z
  .object({
    HOST: z.string().default('127.0.0.1'),
    PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
    RINGFENCE_VENDING_SOCKET: z.string().min(1).optional(),
    RINGFENCE_VENDING_URL: z.url({ protocol: /^https?$/ }).optional(),
  })
  .refine((env) => env.RINGFENCE_VENDING_SOCKET ?? env.RINGFENCE_VENDING_URL, {
    message: 'set it to the path of the vending socket, or set RINGFENCE_VENDING_URL',
    path: ['RINGFENCE_VENDING_SOCKET'],
  })

const SHUTDOWN_MS_MAX = 10_000

const environment = environmentSchema.safeParse(process.env)
if (environment.success) start(environment.data)
else {
  const issue = environment.error.issues[0]
  process.stderr.write(`clinic: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}\n`)
  process.exitCode = 2
}

function start(env: z.output<typeof environmentSchema>): void {
  const log = (line: string) => process.stdout.write(`${line}\n`)
  const databases = new TenantDatabases({
    url: env.RINGFENCE_VENDING_URL ?? 'http://vending',
    socketPath: env.RINGFENCE_VENDING_SOCKET,
  })
  const server = serve(
    {
      fetch: createApp(databases, log).fetch,
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
  })

  const stop = () => {
    setTimeout(() => process.exit(1), SHUTDOWN_MS_MAX).unref()
    server.close(() => void databases.close())
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}
