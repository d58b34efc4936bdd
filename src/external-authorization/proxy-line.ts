import { z } from 'zod'
import { REQUEST_EVENT, statusClass } from '../gateway/request-usage.ts'
import type { UsageEvent } from '../usage/usage-event.ts'
import type { SealedUsed, UsageSeal } from './usage-seal.ts'

const seconds = z
  .string()
  .regex(/^\d{1,11}\.\d{3}$/)
  .transform(Number)
/** A whole number, or nothing. */
const count = z.union([z.int().min(0), z.string().regex(/^\d{0,15}$/)]).transform(Number)
const id = z.string().regex(/^[0-9a-f-]{32,36}$/)
const said = { usage: z.string(), id, status: count, request_bytes: count, response_bytes: count }

const nginxLine = z.strictObject({
  ...said,
  proxy: z.literal('nginx'),
  ended_s: seconds,
  took_s: seconds,
  completion: z.string(),
  answered: z.string(),
  length: count,
})
const envoyLine = z.strictObject({
  ...said,
  proxy: z.literal('envoy'),
  began_s: seconds,
  took_ms: count,
  flags: z.string().nullable(),
  details: z.string().nullable(),
})
const lineSchema = z.discriminatedUnion('proxy', [nginxLine, envoyLine])
type Line = z.output<typeof lineSchema>

/** What a line of a proxy's log says was used, and of the request log what a gateway would write. */
export interface ReadLine {
  readonly event: UsageEvent
  readonly logged: string
}

/** As logs have callers who went away before there was an answer. */
const NO_ANSWER = 499

/**
 * Reads a line of the log that the generated configuration writes. The same line is the same event,
 * whenever it is read.
 * @param source who reports it
 * @returns a text: what is wrong with the line
 */
export function readProxyLine(
  text: string,
  source: string,
  seal: Pick<UsageSeal, 'open'>,
): ReadLine | string {
  try {
    const line = lineSchema.parse(JSON.parse(text))
    const used = seal.open(line.usage)
    if (used === undefined) return 'it is not said by an authorizer of ours'
    const { endedAt, milliseconds, isCut } = endOf(line, used)
    const status = line.status < 100 ? NO_ANSWER : line.status
    const { data, ...whose } = used
    const time = new Date(endedAt).toISOString()
    const event: UsageEvent = {
      specversion: '1.0',
      id: line.id,
      source,
      type: REQUEST_EVENT,
      time,
      ...whose,
      data: {
        ...data,
        status: statusClass(status),
        request_bytes: line.request_bytes,
        response_bytes: line.response_bytes,
        duration_ms: milliseconds,
        ...(isCut ? { cut: true } : {}),
      },
    }
    return { event, logged: loggedAs(event, line.proxy, status) }
  } catch (error) {
    // What it holds is told to nobody.
    if (!(error instanceof z.ZodError)) return 'it is no JSON'
    const [issue] = error.issues
    return `${issue?.path.join('.')}: ${issue?.message}`
  }
}

/** Milliseconds since the epoch, and of duration; and whether it did not end well. */
function endOf(line: Line, { data }: SealedUsed) {
  if (line.proxy === 'nginx') {
    return {
      endedAt: Math.round(line.ended_s * 1000),
      milliseconds: Math.round(line.took_s * 1000),
      // Of several services that were tried the last one counts.
      isCut:
        line.completion !== 'OK' || !/\d$/.test(line.answered) || isShort(line, data['method']),
    }
  }
  return {
    endedAt: Math.round(line.began_s * 1000) + line.took_ms,
    milliseconds: line.took_ms,
    isCut: !['', '-', null].includes(line.flags) || line.details !== 'via_upstream',
  }
}

/** Answers to HEAD, and that nothing has changed, say a length of what does not come. */
function isShort({ status, length, response_bytes }: z.output<typeof nginxLine>, method: unknown) {
  return response_bytes < length && method !== 'HEAD' && status !== 304
}

function loggedAs(
  { id, time, tenantid, tenantcontextid, ...event }: UsageEvent,
  proxy: string,
  status: number,
) {
  const { api, method, duration_ms } = event.data
  return JSON.stringify({
    time,
    request_id: id,
    tenant: tenantcontextid ?? tenantid,
    subject: event.subject,
    ...(event.grantid === undefined ? {} : { grant: event.grantid, billed_tenant: tenantid }),
    route: api,
    method,
    status,
    ms: duration_ms,
    proxy,
    used: true,
  })
}
