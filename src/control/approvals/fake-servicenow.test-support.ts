import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { randomBytes } from 'node:crypto'
import { listenWith } from '../../http/listen.ts'

export interface FakeRecord {
  readonly sys_id: string
  readonly number: string
  readonly sys_created_on: string
  [field: string]: string
}

const TABLES = { change_request: 'CHG', sc_request: 'REQ' } as const
const TASK_FIELDS = new Set([
  'correlation_id',
  'correlation_display',
  'short_description',
  'description',
  'approval',
  'assignment_group',
  'state',
])
const OWN_FIELDS: Readonly<Record<keyof typeof TABLES, ReadonlySet<string>>> = {
  change_request: new Set(['type', 'risk', 'impact', 'category']),
  sc_request: new Set(['request_state', 'requested_for', 'special_instructions']),
}
const APPROVAL = new Set(['not requested', 'requested', 'approved', 'rejected'])

/**
 * A server that takes what ServiceNow's Table API documents and refuses everything else: unknown tables
 * and fields, wrong types and methods, missing credentials. An encoded query is understood as far as
 * conditions `field=value` and ORDERBY go; unknown fields in it are ignored, as an instance does.
 */
export class FakeServiceNow {
  readonly records: Record<keyof typeof TABLES, FakeRecord[]> = {
    change_request: [],
    sc_request: [],
  }
  readonly credential = `Basic ${Buffer.from('ringfence:secret').toString('base64')}`
  /** Answers that come before the real one: statuses. */
  readonly trouble: number[] = []
  posts = 0
  url = ''
  #close: () => Promise<void> = async () => {}

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response))
    const listening = await listenWith(server, { host: '127.0.0.1', port: 0 })
    this.url = listening.url
    this.#close = () => listening.close()
  }

  stop(): Promise<void> {
    return this.#close()
  }

  /** A person there changes a record. */
  change(record: FakeRecord, fields: Readonly<Record<string, string>>, by: string): void {
    const count = Number(record.sys_mod_count ?? '0') + 1
    Object.assign(record, fields, { sys_updated_by: by, sys_mod_count: String(count) })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const fail = (status: number, message: string) =>
      send(response, status, { error: { message, detail: null }, status: 'failure' })
    const trouble = this.trouble.shift()
    if (trouble !== undefined) return fail(trouble, 'trouble')
    if (request.headers.authorization !== this.credential) {
      return fail(401, 'User Not Authenticated')
    }
    const url = new URL(request.url ?? '/', 'http://fake')
    const table = /^\/api\/now(?:\/v2)?\/table\/(\w+)$/.exec(url.pathname)?.[1]
    if (!isTable(table)) return fail(400, `Invalid table ${table}`)
    if (request.headers.accept !== 'application/json') return fail(406, 'Not acceptable')
    if (request.method === 'GET') {
      return send(response, 200, { result: this.#find(table, url.searchParams) })
    }
    if (request.method !== 'POST') return fail(405, 'Method not allowed')
    if (request.headers['content-type'] !== 'application/json') return fail(415, 'Unsupported')
    const fields: unknown = JSON.parse(Buffer.concat(chunks).toString())
    const wrong = wrongField(table, fields)
    if (wrong !== undefined) return fail(400, wrong)
    send(response, 201, { result: this.#insert(table, fields as Record<string, string>) })
  }

  #insert(table: keyof typeof TABLES, fields: Record<string, string>): FakeRecord {
    this.posts += 1
    const record: FakeRecord = {
      sys_id: randomBytes(16).toString('hex'),
      number: `${TABLES[table]}${String(30000 + this.posts).padStart(7, '0')}`,
      sys_created_on: '2026-06-01 12:00:00',
      sys_updated_by: 'ringfence',
      sys_mod_count: '0',
      approval: 'not requested',
      ...(table === 'change_request' ? { state: '-5' } : { request_state: 'requested' }),
      ...fields,
    }
    this.records[table].push(record)
    return record
  }

  #find(table: keyof typeof TABLES, query: URLSearchParams): object[] {
    const conditions = (query.get('sysparm_query') ?? '')
      .split('^')
      .filter((part) => !part.startsWith('ORDERBY'))
      .map((part) => part.split('=', 2) as [string, string])
      .filter(([field]) => TASK_FIELDS.has(field) || OWN_FIELDS[table].has(field))
    const limit = Number(query.get('sysparm_limit') ?? '10000')
    const wanted = query.get('sysparm_fields')?.split(',')
    return this.records[table]
      .filter((record) => conditions.every(([field, value]) => (record[field] ?? '') === value))
      .slice(0, limit)
      .map((record) =>
        Object.fromEntries(
          Object.entries(record).filter(([field]) => wanted?.includes(field) ?? true),
        ),
      )
  }
}

function isTable(name: string | undefined): name is keyof typeof TABLES {
  return name !== undefined && Object.hasOwn(TABLES, name)
}

function wrongField(table: keyof typeof TABLES, fields: unknown): string | undefined {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return 'not a record'
  for (const [field, value] of Object.entries(fields)) {
    if (!TASK_FIELDS.has(field) && !OWN_FIELDS[table].has(field)) {
      return `unknown field ${field}`
    }
    if (typeof value !== 'string') return `${field} is not a string`
    if (field === 'approval' && !APPROVAL.has(value)) return 'approval is not one of its choices'
    if (field === 'type' && !['normal', 'standard', 'emergency'].includes(value)) return 'type'
    if (field === 'short_description' && value.length > 160) return 'short_description is too long'
    if (field === 'correlation_id' && value.length > 100) return 'correlation_id is too long'
  }
  return undefined
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8' })
  response.end(JSON.stringify(body))
}
