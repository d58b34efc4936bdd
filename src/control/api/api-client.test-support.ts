import type { Hono } from 'hono'
import type { ApiEnvironment, ControlApiOptions } from './environment.ts'
import { controlApi } from './control-api.ts'
import { MemoryPlane } from './memory-plane.test-support.ts'

export interface Call {
  readonly token?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Record<string, unknown>
}

/** The API on a plane in memory, called in this process through its real handlers. */
export class TestApi {
  readonly plane = new MemoryPlane()
  readonly app: Hono<ApiEnvironment>
  readonly logged: string[] = []

  constructor(options: Partial<ControlApiOptions> = {}) {
    this.app = controlApi(this.plane, {
      version: '1.2.3',
      log: (line) => this.logged.push(line),
      failedAuthenticationsPerMinute: 1_000_000,
      ...options,
    })
  }

  async call(method: string, path: string, { token, body, headers }: Call = {}): Promise<Answered> {
    const response = await this.app.request(path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: objectIn(text) }
  }
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export const ACME = {
  id: 'acme',
  display_name: 'Acme Clinic',
  tier: 'pooled',
  region: 'eu-west',
  plan: 'standard',
}
