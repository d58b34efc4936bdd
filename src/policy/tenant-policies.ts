import type { PlatformPolicies, PolicyStoreConfig } from '../contracts/policy-store.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { derived } from '../snapshot/derived.ts'
import {
  decisionOfPlatform,
  decisionOfStore,
  type Decision,
  NO_STORE,
  unreadable,
} from './decision.ts'
import {
  type ParsedStore,
  parsedStoreSchema,
  parsePolicy,
  parseTemplate,
} from './parse-policies.ts'
import { compileStore, type PolicyStore } from './policy-store.ts'
import { environmentOf, type Question } from './question.ts'
import { builtInActions } from './built-in-schema.ts'
import { storeSchema } from './schema.ts'
import { meant } from './shapes.ts'

/** What decides for one tenant, as far as it is Cedar. */
export interface TenantPolicies {
  /** The platform's, above every store. */
  readonly platform: PolicyStore | undefined
  /** The tenant's own. */
  readonly store: PolicyStore | undefined
  /** Why one of the two cannot be read: then everything is denied. */
  readonly platformTrouble: string | undefined
  readonly storeTrouble: string | undefined
}

/** The policies in force for a tenant: found by its configuration, never by its name. */
export const policiesOf = derived((tenant, platform): TenantPolicies => {
  const above = platform.policies === undefined ? {} : platformStore(platform.policies)
  const own = tenant.policy === undefined ? {} : ownStore(tenant.policy)
  return {
    platform: above.store,
    store: own.store,
    platformTrouble: above.trouble,
    storeTrouble: own.trouble,
  }
})

interface Opened {
  readonly store?: PolicyStore
  readonly trouble?: string
}

/** One for all tenants: they are the same for each. */
const platformStores = new WeakMap<PlatformPolicies, Opened>()

function platformStore(policies: PlatformPolicies): Opened {
  let opened = platformStores.get(policies)
  if (opened === undefined) platformStores.set(policies, (opened = open(() => above(policies))))
  return opened
}

/** @throws RingfenceError `invalid_argument` for one that permits something, and what cannot be read */
export function above(policies: PlatformPolicies): PolicyStore {
  const parsed = policies.map(({ id, text }): [string, unknown] => {
    const json = parsePolicy(text)
    if ((json as { readonly effect?: unknown }).effect !== 'forbid') {
      throw new RingfenceError('invalid_argument', `${id}: the platform’s policies only forbid`)
    }
    return [id, json]
  })
  const entities = builtInActions([])
  return compileStore({ policies: parsed, templates: [], entities, shapes: {} }, [])
}

/** By the store's own object, which outlives changes of the platform. */
const ownStores = new WeakMap<PolicyStoreConfig, Opened>()

function ownStore(store: PolicyStoreConfig): Opened {
  let opened = ownStores.get(store)
  if (opened === undefined) {
    opened = open(() => compileStore(readStore(store), store.links ?? []))
    ownStores.set(store, opened)
  }
  return opened
}

/** As it was when it was validated; of a store without that, as its texts say. */
export function readStore(store: Omit<PolicyStoreConfig, 'version'>): ParsedStore {
  if (store.parsed !== undefined) return parsedStoreSchema.parse(JSON.parse(store.parsed))
  const { actions, shapes } = storeSchema(store.schema, [])
  return {
    policies: store.policies.map(({ id, text }) => [id, parsePolicy(text)]),
    templates: (store.templates ?? []).map(({ id, text }) => [id, parseTemplate(text)]),
    entities: [
      ...actions.map(({ uid, parents }) => ({ uid, attrs: {}, parents })),
      ...(store.entities ?? []).map((entity) => ({
        ...entity,
        attrs: meant(entity.attrs, shapes.get(entity.uid.type)) as Record<string, unknown>,
      })),
    ],
    shapes: Object.fromEntries(shapes),
  }
}

function open(make: () => PolicyStore): Opened {
  try {
    return { store: make() }
  } catch (error) {
    // Whatever it was: what cannot be read must not let anybody in.
    return { trouble: messageOf(error) }
  }
}

/** What the platform says of a question. */
export function askPlatform(
  { platform, platformTrouble }: TenantPolicies,
  question: Question,
): Decision {
  if (platformTrouble !== undefined) return unreadable(platformTrouble)
  if (platform === undefined) return decisionOfPlatform(NOTHING)
  return decisionOfPlatform(platform.evaluate(environmentOf(question, platform)))
}

/** What the tenant's own store says of a question. Without one it says nothing. */
export function askStore({ store, storeTrouble }: TenantPolicies, question: Question): Decision {
  if (storeTrouble !== undefined) return unreadable(storeTrouble)
  if (store === undefined) return NO_STORE
  return decisionOfStore(store.evaluate(environmentOf(question, store)))
}

const NOTHING = { permits: [], forbids: [], errors: [], failedForbids: [] }
