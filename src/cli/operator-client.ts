import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { z } from 'zod'
import { ERROR_CODES, messageOf, RingfenceError } from '../core/errors.ts'
import { OPERATOR_SOCKET } from '../platform/platform.ts'
import { socketPathIn } from '../platform/socket-path.ts'

const TIMEOUT_MS = 120_000
const problem = z.object({ title: z.string(), code: z.enum(ERROR_CODES) })

/**
 * Asks the platform that runs on `stateDirectory`.
 * @throws RingfenceError what the platform answers, or `engine_unavailable` when none runs.
 */
export async function askPlatform(
  stateDirectory: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<unknown> {
  const socketPath = await socketPathIn(stateDirectory, OPERATOR_SOCKET)
  if (!existsSync(socketPath)) throw notRunning(stateDirectory)
  const { status, text } = await send(socketPath, method, path, body).catch((error: unknown) => {
    throw notRunning(stateDirectory, error)
  })
  const answer: unknown = JSON.parse(text)
  if (status < 400) return answer
  const { title, code } = problem.parse(answer)
  throw new RingfenceError(code, title)
}

function notRunning(stateDirectory: string, cause?: unknown): RingfenceError {
  return new RingfenceError(
    'engine_unavailable',
    `no platform runs on ${stateDirectory}; start one with "ringfence up", or name another with --state`,
    cause === undefined ? {} : { cause, detail: messageOf(cause) },
  )
}

function send(
  socketPath: string,
  method: string,
  path: string,
  body: object | undefined,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        socketPath,
        method,
        path,
        timeout: TIMEOUT_MS,
        headers: { 'content-type': 'application/json' },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 500, text: Buffer.concat(chunks).toString() }),
        )
      },
    )
    sending.on('timeout', () => sending.destroy(new Error('no answer in time')))
    sending.on('error', reject)
    sending.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
