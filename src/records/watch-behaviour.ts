import { OpenAPIHono } from '@hono/zod-openapi'
import type { BlankEnv } from 'hono/types'
import type { AlertIntake } from '../alerts/alert.ts'
import { behaviourApi } from '../behaviour/behaviour-api.ts'
import { openBehaviour, type OpenBehaviourOptions } from '../behaviour/open-behaviour.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Address } from '../http/call.ts'
import type { UsageStore } from '../usage/usage-store.ts'
import { operatorOf } from './api/operator.ts'
import type { LogStore } from './log/log-store.ts'

export interface WatchBehaviourOptions
  extends Pick<OpenBehaviourOptions, 'database' | 'settings' | 'log'> {
  readonly alerts: AlertIntake
  /** Where it is asked who an operator is. */
  readonly control: Address
}

/** Lets detectors see what is entered and what planes say was used, once it is durable. */
export async function watchBehaviour({ control, ...options }: WatchBehaviourOptions) {
  const open = await openBehaviour(options)
  const { behaviour, responses } = open
  return {
    operators: new OpenAPIHono<BlankEnv>().route(
      '/v1/behaviour',
      behaviourApi({ responses, operatorOf: (headers, act) => operatorOf(control, headers, act) }),
    ),
    logs: (logs: Pick<LogStore, 'append'>): Pick<LogStore, 'append'> => ({
      async append(entries) {
        await logs.append(entries)
        behaviour.entered(entries)
      },
    }),
    /** For the store that planes add to: services say what they like. */
    usage: (store: UsageStore): UsageStore => ({
      async add(events) {
        const fates = await store.add(events)
        const accepted = events.filter((_, place) => fates[place] === 'accepted')
        behaviour.used(accepted.map(({ event }) => event))
        return fates
      },
      completeTo: (sender, time) => store.completeTo(sender, time),
    }),
    erase: (tenant: TenantId) => open.forget(tenant),
    close: () => open.close(),
  }
}
