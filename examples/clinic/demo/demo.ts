import { mkdirSync, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { localAccess } from '../../../src/cli/control-access.ts'
import { ControlClient } from '../../../src/cli/control-client.ts'
import { placeTenant } from '../../../src/cli/place-tenants.ts'
import { TOOL_VERSION } from '../../../src/cli/tool-version.ts'
import { isMisuse, messageOf, RingfenceError } from '../../../src/core/errors.ts'
import { parseCellName } from '../../../src/core/tenant.ts'
import { Platform } from '../../../src/platform/platform.ts'
import {
  loadPlatform,
  type PlatformListen,
  type PlatformManifest,
} from '../../../src/platform/platform-manifest.ts'
import { freePort } from '../../../src/platform/ports.ts'
import { prove } from '../../../src/platform/prove.ts'
import { renderTerminal } from '../../../src/proof/report-terminal.ts'
import { terminalProgress } from '../../../src/proof/terminal-progress.ts'
import { terminalStyle } from '../../../src/proof/terminal-style.ts'
import { runUntilSignal } from '../../../src/supervisor/run-until-signal.ts'
import type { SupervisorEvent } from '../../../src/supervisor/unit.ts'
import { fill, type PlacedTenant } from './fill.ts'
import { type DemoFlags, readFlags, USAGE } from './flags.ts'
import { tellStory } from './story.ts'

/** Where the application listens, behind the gateway. */
const APPLICATION_PORT = 4183
const MANIFEST = fileURLToPath(new URL('../platform.yaml', import.meta.url))
/** Whose eyes the story is told through: one pooled tenant and the silo. */
const STORY_TENANTS = ['harbor-clinic', 'northmere-hospitals']

const say = (line = '') => process.stdout.write(`${line}\n`)
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`

/** Runs the demo and returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const flags = readFlags(args)
  if (flags.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const manifest = await withFreePorts(loadPlatform(MANIFEST), flags.port)
  const started = performance.now()
  const parts = new PartsLog(flags.stateDirectory)
  const platform = new Platform({
    manifest,
    stateDirectory: flags.stateDirectory,
    environment: process.env,
    onEvent: (event) => parts.take(event),
  })
  say('Ringfence: bringing up the clinic demo')
  const { value } = await runUntilSignal(platform, (signal) =>
    show(platform, manifest, flags, started, signal),
  )
  return value ?? 0
}

async function show(
  platform: Platform,
  manifest: PlatformManifest,
  flags: DemoFlags,
  started: number,
  signal: AbortSignal,
): Promise<number> {
  const client = new ControlClient(localAccess(flags.stateDirectory))
  const placed: PlacedTenant[] = []
  for (const tenant of manifest.tenants) {
    const since = performance.now()
    const { cell } = await placeTenant(client, tenant, signal)
    if (signal.aborted || cell === null) return 0
    const one = { ...tenant, cell: parseCellName(cell) }
    placed.push(one)
    const { loaded, appointments } = await fill(platform, one)
    const what = loaded ? `${appointments} appointments` : 'as it was'
    say(
      `  tenant ${tenant.id.padEnd(24)} ${tenant.tier.padEnd(7)} ${tenant.region}  ${what}, ${seconds(since)}`,
    )
  }
  say(`  ready after ${seconds(started)}`)
  say()
  say('The faults: a list without WHERE, a search open to SQL injection, a report over "all" rows')
  const tenants = placed.filter((tenant) => STORY_TENANTS.includes(tenant.id))
  await tellStory({ platform, stateDirectory: flags.stateDirectory, tenants, say })
  sayWhereNext(platform, flags)
  const code = await proveAndShow(manifest, flags, signal)
  if (flags.once || signal.aborted) return code
  sayWhereNext(platform, flags)
  say('Stays up until Ctrl-C.')
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  return 0
}

async function proveAndShow(
  manifest: PlatformManifest,
  flags: DemoFlags,
  signal: AbortSignal,
): Promise<number> {
  say('The proof: attacks on throw-away copies of this schema, then on copies weakened on purpose')
  const style = terminalStyle(process.stdout, process.env)
  const progress = terminalProgress(process.stdout, style)
  try {
    const { report, paths } = await prove({
      manifest: manifest.application,
      toolVersion: TOOL_VERSION,
      outDirectory: join(flags.stateDirectory, 'proof'),
      keyDirectory: join(flags.stateDirectory, 'evidence'),
      signal,
      onProgress: progress.onProgress,
    })
    progress.end()
    process.stdout.write(renderTerminal(report, style))
    say(`  report    ${paths.html}`)
    say(`  evidence  npx ringfence evidence verify ${paths.evidence} --key ${paths.publicKey}`)
    say()
    return report.exitCode
  } finally {
    progress.end()
  }
}

function sayWhereNext(platform: Platform, flags: DemoFlags): void {
  const state = flags.stateDirectory === '.ringfence' ? '' : ` --state ${flags.stateDirectory}`
  const door = `${platform.gatewayUrl}/t/harbor-clinic`
  say('Where to look next')
  say(`  the front door    ${platform.gatewayUrl}`)
  say(
    `  as one tenant     curl -H "Authorization: Bearer $(npx ringfence token harbor-clinic${state})" ${door}/appointments`,
  )
  say(
    `  psql as one       npx ringfence exec --tenant harbor-clinic --reason "a look"${state} -- psql`,
  )
  say(`  the tenants       npx ringfence tenants list${state}`)
  say(`  another tier      npx ringfence tenants move tamarrow-medical --to bridge --wait${state}`)
  say(`  what is wrong     npx ringfence doctor${state}`)
  say()
}

/** Shows the parts coming up, and keeps what they say in a file. */
class PartsLog {
  readonly #directory: string
  #file: ReturnType<typeof createWriteStream> | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  take(event: SupervisorEvent): void {
    if (event.type === 'ready')
      say(`  ${event.unit.padEnd(31)} ready after ${event.milliseconds} ms`)
    if (event.type === 'failed') say(`  ${event.unit}: ${event.why}; starting again`)
    if (event.type !== 'log') return
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    this.#file ??= createWriteStream(join(this.#directory, 'parts.log'), {
      flags: 'w',
      mode: 0o600,
    })
    this.#file.write(`${event.unit} | ${event.line}\n`)
  }
}

/** The manifest with free ports where the wished ones are taken, so that two demos can run. */
async function withFreePorts(
  manifest: PlatformManifest,
  wished: number,
): Promise<PlatformManifest> {
  const { gateway, control, identity, records } = manifest.listen
  const upstream = String(await freePort(gateway.host, APPLICATION_PORT))
  const free = async ({ host, port }: PlatformListen, wish = port) => ({
    host,
    port: wish === 0 ? 0 : (await freePort(host, wish)) === wish ? wish : 0,
  })
  return {
    ...manifest,
    listen: {
      gateway: await free(gateway, wished),
      control: await free(control),
      identity: await free(identity),
      records: await free(records),
    },
    services: manifest.services.map((service) => ({
      ...service,
      upstream: `http://${gateway.host}:${upstream}`,
    })),
    processes: manifest.processes.map((process) => ({
      ...process,
      environment: { ...process.environment, PORT: upstream },
    })),
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    const line =
      isMisuse(error) || error instanceof RingfenceError ? error.message : messageOf(error)
    process.stderr.write(`ringfence: ${line}\n`)
    process.exitCode = 2
  }
}
