import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { envoyConfig } from '../../src/external-authorization/envoy-config.ts'
import { envoySecret } from '../../src/external-authorization/envoy-clusters.ts'
import type { EnvoySettingsInput } from '../../src/external-authorization/envoy-settings.ts'
import { freePort } from '../../src/platform/ports.ts'
import type { Configuration } from '../../src/snapshot/snapshot.ts'
import { accepts } from './proxy-front.ts'

export interface EnvoyServer {
  readonly port: number
  /** What it says of itself. */
  log(): Promise<string>
  /** As after rotation. */
  reopenLogs(): void
  stop(): Promise<void>
}

export interface EnvoyOptions {
  readonly binary: string
  /** Its own: made when it is not there. */
  readonly directory: string
  readonly configuration: Pick<Configuration, 'platform' | 'tenants'>
  readonly secret: string
  readonly settings: Pick<EnvoySettingsInput, 'authorizer'> & Partial<EnvoySettingsInput>
  /** A careless change of what was generated. */
  readonly change?: (text: string) => string
}

/** Envoy with the configuration that is generated, with one worker. */
export async function startEnvoy(options: EnvoyOptions): Promise<EnvoyServer> {
  const { binary, directory, configuration, secret, settings, change = (text) => text } = options
  await mkdir(directory, { recursive: true })
  const secretFile = join(directory, 'secret.json')
  await writeFile(secretFile, envoySecret(secret), { mode: 0o600 })
  const port = await freePort('127.0.0.1')
  const text = envoyConfig(configuration, {
    listen: `127.0.0.1:${port}`,
    secretFile,
    ...settings,
  })
  const file = join(directory, 'envoy.json')
  await writeFile(file, change(text))
  const logFile = join(directory, 'envoy.log')
  const child = spawn(
    binary,
    ['-c', file, '--concurrency', '1', '--disable-hot-restart', '-l', 'warning'].concat(
      ...['--log-path', logFile],
      // Who waits for its access log waits no ten seconds.
      ...['--file-flush-interval-msec', '100'],
    ),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const exited = once(child, 'exit')
  const log = () => readFile(logFile, 'utf8').catch(() => '')
  if (!(await accepts(port, () => child.exitCode !== null || child.signalCode !== null))) {
    child.kill('SIGKILL')
    throw new Error(`Envoy did not start: ${said}${await log()}`)
  }
  return {
    port,
    log,
    reopenLogs: () => void child.kill('SIGUSR1'),
    async stop() {
      // It has nobody to wait for.
      child.kill('SIGKILL')
      await exited
    },
  }
}
