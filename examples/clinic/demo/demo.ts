import { mkdirSync, createWriteStream } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { TOOL_VERSION } from '../../../src/cli/tool-version.ts'
import { isMisuse, messageOf, RingfenceError } from '../../../src/core/errors.ts'
import { Platform } from '../../../src/platform/platform.ts'
import { loadPlatform, type PlatformManifest } from '../../../src/platform/platform-manifest.ts'
import { prove } from '../../../src/platform/prove.ts'
import { renderTerminal } from '../../../src/proof/report-terminal.ts'
import { terminalProgress } from '../../../src/proof/terminal-progress.ts'
import { terminalStyle } from '../../../src/proof/terminal-style.ts'
import { runUntilSignal } from '../../../src/supervisor/run-until-signal.ts'
import type { SupervisorEvent } from '../../../src/supervisor/unit.ts'
import { fill } from './fill.ts'
import { type DemoFlags, readFlags, USAGE } from './flags.ts'
import { tellStory } from './story.ts'

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
  const manifest = await withPort(loadPlatform(MANIFEST), flags.port)
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
    show(platform, manifest, flags, parts, started, signal),
  )
  return value ?? 0
}

async function show(
  platform: Platform,
  manifest: PlatformManifest,
  flags: DemoFlags,
  parts: PartsLog,
  started: number,
  signal: AbortSignal,
): Promise<number> {
  for (const tenant of manifest.tenants) {
    const since = performance.now()
    await platform.place(tenant)
    const { loaded, appointments } = await fill(platform, tenant)
    const what = loaded ? `${appointments} appointments` : 'as it was'
    say(
      `  tenant ${tenant.id.padEnd(24)} ${tenant.tier.padEnd(7)} ${tenant.region}  ${what}, ${seconds(since)}`,
    )
    if (signal.aborted) return 0
  }
  say(`  ready after ${seconds(started)}`)
  say()
  say('The faults: a list without WHERE, a search open to SQL injection, a report over "all" rows')
  const tenants = manifest.tenants.filter((tenant) => STORY_TENANTS.includes(tenant.id))
  await tellStory(platform, parts.url, tenants, say)
  sayWhereNext(parts.url, flags)
  const code = await proveAndShow(manifest, flags, signal)
  if (flags.once || signal.aborted) return code
  sayWhereNext(parts.url, flags)
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

function sayWhereNext(url: string, flags: DemoFlags): void {
  const state = flags.stateDirectory === '.ringfence' ? '' : ` --state ${flags.stateDirectory}`
  say('Where to look next')
  say(`  the application   ${url}`)
  say(
    `  as one tenant     curl -H "Authorization: Bearer $(npx ringfence token harbor-clinic${state})" ${url}/appointments`,
  )
  say(`  a credential      env $(npx ringfence lease harbor-clinic${state}) psql`)
  say(`  the tenants       npx ringfence tenants list${state}`)
  say(`  end its sessions  npx ringfence tenants revoke harbor-clinic${state}`)
  say()
}

/** Shows the parts coming up, keeps what they say in a file, and learns the application's URL. */
class PartsLog {
  readonly #directory: string
  #file: ReturnType<typeof createWriteStream> | undefined
  url = ''

  constructor(directory: string) {
    this.#directory = directory
  }

  take(event: SupervisorEvent): void {
    if (event.type === 'ready')
      say(`  ${event.unit.padEnd(31)} ready after ${event.milliseconds} ms`)
    if (event.type === 'failed') say(`  ${event.unit}: ${event.why}; starting again`)
    if (event.type !== 'log') return
    const listening = /"event":"listening".*"url":"([^"]+)"/.exec(event.line)
    if (listening?.[1] !== undefined) this.url = listening[1]
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    this.#file ??= createWriteStream(join(this.#directory, 'parts.log'), {
      flags: 'w',
      mode: 0o600,
    })
    this.#file.write(`${event.unit} | ${event.line}\n`)
  }
}

/** The manifest with the application on another port; a free one where the wished one is taken. */
async function withPort(manifest: PlatformManifest, wished: number): Promise<PlatformManifest> {
  const port = wished === 0 || (await isFree(wished)) ? wished : 0
  return {
    ...manifest,
    processes: manifest.processes.map((process) => ({
      ...process,
      environment: { ...process.environment, PORT: String(port) },
    })),
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
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
