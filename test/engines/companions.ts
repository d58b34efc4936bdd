import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../src/core/errors.ts'
import { acme } from './acme-companion.ts'
import { envoy } from './envoy-companion.ts'
import { grafana } from './grafana-companion.ts'
import { keycloak } from './keycloak-companion.ts'
import { mcpClients } from './mcp-companion.ts'
import { nats, natsStream } from './nats-companion.ts'
import { nginx } from './nginx-companion.ts'
import { ocsf } from './ocsf-companion.ts'
import { opa } from './opa-companion.ts'
import { promtool } from './promtool-companion.ts'
import { redis } from './redis-companion.ts'
import { s3 } from './s3-companion.ts'
import { scimTester } from './scim-companion.ts'
import { syslog } from './syslog-companion.ts'
import { tlog } from './tlog-companion.ts'

/** A program that applications use with the SDK, ready to be tested with, or why it is not there. */
export type Companion =
  | {
      readonly name: string
      readonly file: string
      readonly environment: Readonly<Record<string, string>>
    }
  | { readonly name: string; readonly missing: string }

const run = promisify(execFile)
const PRISMA_VERSION = '7.10.0'
const ROOT = join(import.meta.dirname, '..', '..')

/** Installs what can be installed. */
export async function findCompanions(): Promise<readonly Companion[]> {
  return [
    await pgbouncer(),
    await prisma(),
    await scimTester(),
    redis('Redis', 'test/engines/redis.engine.ts'),
    redis('Redis limits', 'test/engines/limits.engine.ts'),
    redis('Redis limits on a platform', 'test/engines/limits-platform.engine.ts'),
    nats(),
    natsStream(),
    nginx(),
    await envoy(),
    await keycloak(),
    await opa(),
    await mcpClients(),
    await acme(),
    await tlog(),
    await promtool(),
    await grafana(),
    await ocsf(),
    await s3(),
    await syslog(),
  ]
}

/** Debian's package, installed when we may and it is not there. */
async function pgbouncer(): Promise<Companion> {
  const name = 'PgBouncer'
  // Debian keeps it where only administrators look.
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/usr/local/sbin'].join(delimiter)
  const there = () => path.split(delimiter).some((each) => existsSync(join(each, 'pgbouncer')))
  try {
    if (!there() && process.getuid?.() === 0) {
      const install = ['install', '-y', '--no-install-recommends', 'pgbouncer']
      await run('apt-get', install, {
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
    }
  } catch (error) {
    return { name, missing: `apt-get install pgbouncer: ${messageOf(error).slice(0, 200)}` }
  }
  if (!there()) return { name, missing: 'there is no pgbouncer in the PATH' }
  return { name, file: 'test/engines/pgbouncer.engine.ts', environment: { PATH: path } }
}

/** Three npm packages in a directory of their own, outside the checkout, kept for the next run. */
async function prisma(): Promise<Companion> {
  const name = `Prisma ${PRISMA_VERSION}`
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const directory = join(cache, 'ringfence', 'companions', `prisma-${PRISMA_VERSION}`)
  const modules = join(directory, 'node_modules')
  try {
    if (!existsSync(join(modules, 'prisma', 'build', 'index.js'))) {
      mkdirSync(directory, { recursive: true })
      const to = ['--prefix', directory, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
      const packages = ['prisma', '@prisma/client', '@prisma/adapter-pg']
      await run('npm', ['install', ...to, ...packages.map((one) => `${one}@${PRISMA_VERSION}`)])
    }
    // One copy of pg for the adapter and the SDK, as npm makes it in an application's own tree.
    rmSync(join(modules, 'pg'), { recursive: true, force: true })
    symlinkSync(realpathSync(join(ROOT, 'node_modules', 'pg')), join(modules, 'pg'))
  } catch (error) {
    return { name, missing: messageOf(error).slice(0, 200) }
  }
  return {
    name,
    file: 'test/engines/prisma.engine.ts',
    environment: { RINGFENCE_TEST_PRISMA: directory },
  }
}
