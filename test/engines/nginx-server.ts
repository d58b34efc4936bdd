import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nginxConfig, secretInclude } from '../../src/external-authorization/nginx-config.ts'
import type { NginxSettingsInput } from '../../src/external-authorization/nginx-settings.ts'
import { freePort } from '../../src/platform/ports.ts'
import type { Configuration } from '../../src/snapshot/snapshot.ts'
import { accepts } from './proxy-front.ts'

export interface NginxServer {
  readonly port: number
  /** What it says of itself. */
  log(): Promise<string>
  /** As after rotation. */
  reopenLogs(): void
  stop(): Promise<void>
}

export interface NginxOptions {
  readonly binary: string
  /** Its own: made when it is not there. */
  readonly directory: string
  readonly configuration: Pick<Configuration, 'platform' | 'tenants'>
  readonly secret: string
  readonly settings: Pick<NginxSettingsInput, 'authorizer'> & Partial<NginxSettingsInput>
  /** A careless change of what was generated. */
  readonly change?: (text: string) => string
}

/** nginx with the configuration that is generated, in the foreground and by this process's own user. */
export async function startNginx(options: NginxOptions): Promise<NginxServer> {
  const { binary, directory, configuration, secret, settings, change = (text) => text } = options
  await mkdir(directory, { recursive: true })
  const secretFile = join(directory, 'secret.conf')
  await writeFile(secretFile, secretInclude(secret), { mode: 0o600 })
  const port = await freePort('127.0.0.1')
  const text = nginxConfig(configuration, {
    listen: `127.0.0.1:${port}`,
    secretFile,
    directory,
    workers: 1,
    ...settings,
  })
  const file = join(directory, 'nginx.conf')
  await writeFile(file, change(text))
  const isRoot = process.getuid?.() === 0
  const child = spawn(
    binary,
    [
      '-e',
      join(directory, 'error.log'),
      '-c',
      file,
      '-g',
      `daemon off;${isRoot ? ' user root;' : ''}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const exited = once(child, 'exit')
  const isUp = await accepts(port, () => child.exitCode !== null)
  if (!isUp) throw new Error(`nginx did not start: ${said}`)
  return {
    port,
    log: () => readFile(join(directory, 'error.log'), 'utf8'),
    reopenLogs: () => void child.kill('SIGUSR1'),
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}
