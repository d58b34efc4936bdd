import { ownerOf } from '../../alerts/alert.ts'
import { type LogName, logOf } from '../../audit/entry.ts'
import { makeEntry } from '../../audit/make-entry.ts'
import { submitEntries } from '../../audit/submit-entries.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { problemResponse } from '../../http/problem.ts'
import type { AlertSinkInput } from '../../records/alert-sinks/alert-sink-settings.ts'
import type { ShownAlertSink } from '../../records/alert-sinks/tenant-alert-sinks.ts'
import type { DueSink } from '../../records/streams/sinks.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import { claimsOf } from '../duel.ts'
import type { Pieces } from '../house/pieces.ts'
import { asTenant, inFront, tenantNamed } from './in-front.ts'
import { inPlaceOf } from './in-place-of.ts'
import { mutant, type RecordsMutant } from './records-mutant.ts'

const SINKS = /^\/ringfence\/(?:audit\/sinks|alerts)(?:\/|$)/
const isOfSinks = (request: Request) => SINKS.test(new URL(request.url).pathname)

/** What a tenant's sink is not there for is not told apart. */
async function unlessAbsent(act: Promise<unknown>): Promise<void> {
  try {
    await act
  } catch (error) {
    if (!(error instanceof RingfenceError && error.code === 'not_found')) throw error
  }
}

/** Shows a sink with all that it was set with. */
function shownWhole(): Pick<Pieces, 'alertSinks'> {
  return {
    alertSinks: (sound) => {
      const set = new Map<string, AlertSinkInput>()
      const whole = (tenant: string, sink: ShownAlertSink): ShownAlertSink => {
        const settings = { ...sink.settings, ...set.get(`${tenant} ${sink.name}`) }
        return { ...sink, settings }
      }
      return inPlaceOf(sound, {
        async put(tenant, name, sink, by) {
          await sound.put(tenant, name, sink, by)
          set.set(`${tenant} ${name}`, sink)
        },
        get: async (tenant, name) => whole(tenant, await sound.get(tenant, name)),
      })
    },
  }
}

/** The sender of what is refused reads what it was. */
async function echoing(request: Request, pass: (request: Request) => Response | Promise<Response>) {
  const sent = await request.clone().text()
  const answer = await pass(request)
  if (answer.status !== 400) return answer
  return problemResponse(new RingfenceError('invalid_argument', `this is no sink: ${sent}`))
}

/** Where tenants set sinks with less care. */
export const WORSE_TOLD: readonly RecordsMutant[] = [
  mutant('rc-log-sinks-of-all', 'Sinks of all logs are listed', ['rc-told-read'], {
    logSinks: (sound, { ground }) =>
      inPlaceOf(sound, {
        async list() {
          const all = await Promise.all(
            ground.parties.map(({ tenant }) => sound.list(logOf(tenant))),
          )
          return all.flat()
        },
      }),
  }),
  mutant('rc-alert-sinks-of-all', 'Sinks of all alerts are listed', ['rc-told-read'], {
    alertSinks: (sound, { ground }) =>
      inPlaceOf(sound, {
        async list() {
          const all = await Promise.all(ground.parties.map(({ tenant }) => sound.list(tenant)))
          return all.flat()
        },
      }),
  }),
  mutant(
    'rc-log-sink-removed-by-name',
    'A sink of a log is taken away by its name, whoever’s it is',
    ['rc-told-set'],
    {
      logSinks: (sound, { ground }) =>
        inPlaceOf(sound, {
          async remove(_log, name, by) {
            for (const { tenant } of ground.parties) {
              await unlessAbsent(sound.remove(logOf(tenant), name, by))
            }
          },
        }),
    },
  ),
  mutant(
    'rc-alert-sink-of-owner-named',
    'Whose a sink is may be said in what is sent',
    ['rc-told-set'],
    inFront((request, site, pass) => {
      if (request.method !== 'PUT' || !isOfSinks(request)) return undefined
      return (async () => {
        const { owner, ...rest } = (await request.clone().json()) as Record<string, unknown>
        const tenant = typeof owner === 'string' ? tenantNamed(site, owner) : undefined
        if (tenant === undefined) return pass(request)
        const { headers, url } = request
        const body = JSON.stringify(rest)
        const plain = new Headers(headers)
        plain.delete('content-length')
        return asTenant(
          site,
          pass,
          new Request(url, { method: 'PUT', headers: plain, body }),
          tenant,
        )
      })()
    }),
  ),
  mutant(
    'rc-auditor-sets-sinks',
    'An auditor, who reads the log, may say where it is sent',
    ['rc-told-role'],
    inFront((request, site, pass) => {
      const claims = claimsOf(request.headers.get(CONTEXT_HEADER) ?? '')
      const roles = claims['roles'] as readonly string[] | undefined
      if (!isOfSinks(request) || roles?.includes('auditor') !== true) return undefined
      return asTenant(site, pass, request, parseTenantId(claims['tenant_id']))
    }),
  ),
  mutant(
    'rc-sink-shown-whole',
    'A sink is shown as it was set, so that it can be set again',
    ['rc-told-secret'],
    shownWhole(),
  ),
  mutant('rc-sink-entered-whole', 'The entry of a sink says all that was set', ['rc-told-secret'], {
    alertSinks: (sound, { admin }) =>
      inPlaceOf(sound, {
        async put(tenant, name, sink, by) {
          await sound.put(tenant, name, sink, by)
          const entry = makeEntry({
            ...{ tenant, category: 'configuration', action: 'sink.set', decision: 'done' },
            actor: { kind: 'user', id: by.subject },
            object: { type: 'alert-sink', id: name },
            ...{ layer: 'records', detail: { sink: JSON.stringify(sink) } },
          })
          await submitEntries(admin, [entry])
        },
      }),
  }),
  mutant(
    'rc-sink-error-echoes',
    'What is no sink is refused together with what was sent',
    ['rc-told-secret'],
    inFront((request, _site, pass) =>
      request.method === 'PUT' && isOfSinks(request) ? echoing(request, pass) : undefined,
    ),
  ),
  mutant(
    'rc-sink-logged',
    'What is set of sinks is logged, to see who sets what',
    ['rc-told-secret'],
    inFront((request, { logged }, pass) => {
      if (request.method !== 'PUT' || !isOfSinks(request)) return undefined
      return (async () => {
        logged.push(`PUT ${request.url}: ${await request.clone().text()}`)
        return pass(request)
      })()
    }),
  ),
  mutant('rc-sink-unsealed', 'Secrets of sinks are kept as they are', ['rc-told-secret'], {
    alertSinks: (sound, { admin }) =>
      inPlaceOf(sound, {
        async put(tenant, name, sink, by) {
          await sound.put(tenant, name, sink, by)
          await admin.query(
            `update alerts.sink set secrets = convert_to($3, 'UTF8')
               where owner = $1 and name = $2`,
            [ownerOf(tenant), name, JSON.stringify(sink)],
          )
        },
      }),
  }),
  mutant(
    'rc-streams-by-name',
    'A stream is known by its sink’s name: what it is to send is of the log that has it first',
    ['rc-stream-entries'],
    {
      logSinks: (sound) => {
        const first = new Map<string, LogName>()
        const own = new Map<string, LogName>()
        const back = (sink: DueSink) => ({ ...sink, log: own.get(sink.revision) ?? sink.log })
        return inPlaceOf(sound, {
          async claim(most) {
            const due = await sound.claim(most)
            return due.map((sink) => {
              own.set(sink.revision, sink.log)
              const log = first.get(sink.name) ?? sink.log
              first.set(sink.name, log)
              return { ...sink, log }
            })
          },
          sending: (sink, to) => sound.sending(back(sink), to),
          delivered: (sink, to) => sound.delivered(back(sink), to),
          later: (sink, pauseMs) => sound.later(back(sink), pauseMs),
        })
      },
    },
  ),
]
