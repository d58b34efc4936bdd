import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { controlApi } from '../control/api/control-api.ts'
import { MemoryPlane } from '../control/api/memory-plane.test-support.ts'
import { listen } from '../http/listen.ts'
import { runCommandLine } from './program.ts'
import { TOOL_VERSION } from './tool-version.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface ServedControl {
  readonly plane: MemoryPlane
  readonly url: string
  readonly state: string
  readonly token: string
  /** Requests that were answered: `POST /v1/tenants 202`. */
  readonly requests: string[]
  /** Answers that come before the real one, in order. */
  readonly instead: ((
    request: Request,
    answer: () => Promise<Response>,
  ) => Response | undefined | Promise<Response | undefined>)[]
  /** Runs a command line as at this state directory; answers are what a person would type. */
  run(...args: readonly string[]): Promise<Ran>
  runAs(
    options: {
      readonly environment?: NodeJS.ProcessEnv
      readonly answer?: string
      readonly state?: string
    },
    ...args: readonly string[]
  ): Promise<Ran>
}

/** The real control API over a plane in memory, on a real listener, and the files that point to it. */
export async function servedControl(
  t: TestContext,
  options: {
    readonly socket?: boolean
    readonly streamMsMax?: number
    readonly version?: string
  } = {},
): Promise<ServedControl> {
  const state = mkdtempSync(join(tmpdir(), 'rf-cli-'))
  const plane = new MemoryPlane()
  plane.automatic = true
  const requests: string[] = []
  const instead: ServedControl['instead'] = []
  const { streamMsMax, version = TOOL_VERSION } = options
  const api = controlApi(plane, {
    version,
    heartbeatMs: 50,
    ...(streamMsMax === undefined ? {} : { streamMsMax }),
  })
  const server = await listen(
    async (request) => {
      const answer = async () => api.fetch(request)
      const response = (await instead.shift()?.(request, answer)) ?? (await answer())
      requests.push(`${request.method} ${new URL(request.url).pathname} ${response.status}`)
      return response
    },
    options.socket === true ? { socket: join(state, 's') } : { host: '127.0.0.1', port: 0 },
  )
  t.after(async () => {
    await server.close()
    rmSync(state, { recursive: true, force: true })
  })
  const token = plane.operator('first')
  writeFileSync(join(state, 'control.url'), `${server.url}\n`)
  writeFileSync(join(state, 'operator.token'), `${token}\n`, { mode: 0o600 })
  const runAs: ServedControl['runAs'] = async ({ environment = {}, answer, ...more }, ...args) => {
    let out = ''
    let err = ''
    const code = await runCommandLine([...args, '--state', more.state ?? state], {
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
      isTty: false,
      width: 100,
      environment,
      ...(answer === undefined ? {} : { ask: () => Promise.resolve(answer) }),
    })
    return { code, out, err }
  }
  const run: ServedControl['run'] = (...args) => runAs({}, ...args)
  return { plane, url: server.url, state, token, requests, instead, run, runAs }
}
