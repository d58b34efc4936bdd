import type { Ground } from '../house/ground.ts'
import type { Settings } from '../house/settings.ts'
import { type FrontDoorMutant, mutant } from './front-door-mutant.ts'

const HOUR_MS = 3_600_000

/** The control plane publishes something that it should not. */
function published(
  id: string,
  title: string,
  noticedBy: readonly string[],
  change: (settings: Settings, ground: Ground) => Partial<Settings>,
): FrontDoorMutant {
  return mutant(id, title, noticedBy, ({ configure }) => ({
    configure(settings, ground) {
      const before = configure(settings, ground)
      return { ...before, ...change(before, ground) }
    },
  }))
}

/** What is wrong with the configuration itself, where an inspection is the natural place to see it. */
export const SETTINGS_MUTANTS: readonly FrontDoorMutant[] = [
  published(
    'fd-one-key-for-contexts',
    'One key for the contexts of requests and of jobs',
    ['fd-context-kinds-swapped'],
    ({ platform }) => ({ platform: { ...platform, jobKeys: platform.contextKeys } }),
  ),
  published(
    'fd-one-key-for-workloads',
    'A key that all workloads have',
    ['fd-workload-other-key'],
    ({ platform }, { workloads }) => ({
      platform: {
        ...platform,
        workloads: platform.workloads.map((workload) => ({
          ...workload,
          keys:
            workload.client === workloads.report.client
              ? workload.keys
              : [...workload.keys, workloads.report.key.publicJwk],
        })),
      },
    }),
  ),
  published(
    'fd-one-key-for-realms',
    'One key for the realms of all tenants',
    [],
    ({ tenants }, { keys }) => ({
      tenants: tenants.map((tenant) => ({
        ...tenant,
        keys: [...tenant.keys, keys.stranger.publicJwk],
      })),
    }),
  ),
  published(
    'fd-former-keys',
    'Keys that realms had before published beside those that they have',
    [
      'fd-realm-lost-key',
      'fd-config-forged',
      'fd-config-other-key',
      'fd-config-other-type',
      'fd-config-altered',
    ],
    ({ tenants }, { parties }) => ({
      tenants: tenants.map((tenant) => ({
        ...tenant,
        keys: [
          ...tenant.keys,
          ...parties.filter((one) => one.tenant === tenant.id).map(({ lost }) => lost.publicJwk),
        ],
      })),
    }),
  ),
  published('fd-one-issuer', 'One issuer for all tenants', [], ({ tenants }) => ({
    tenants: tenants.map((tenant) => ({ ...tenant, issuer: 'https://id.front-door.test/' })),
  })),
  published(
    'fd-gateway-key-for-realm',
    "The gateway's own key as a realm's",
    ['fd-token-kinds-swapped'],
    ({ tenants }, { keys }) => ({
      tenants: tenants.map((tenant) => ({
        ...tenant,
        keys: [...tenant.keys, keys.context.publicJwk],
      })),
    }),
  ),
  published(
    'fd-operators-key-for-realms',
    "The key of the operators' realm beside those of each tenant's, for support",
    ['fd-realm-of-operators'],
    ({ tenants }, { keys }) => ({
      tenants: tenants.map((tenant) => ({
        ...tenant,
        keys: [...tenant.keys, keys.operators.publicJwk],
      })),
    }),
  ),
  published(
    'fd-weak-key',
    'A key on a curve that nobody has vouched for',
    [],
    ({ platform }, { keys }) => ({
      platform: {
        ...platform,
        contextKeys: [
          ...platform.contextKeys,
          { ...keys.stranger.publicJwk, crv: 'secp256k1', kid: 'weak' },
        ],
      },
    }),
  ),
  published(
    'fd-plain-upstream',
    'A service that is reached over the network in the clear',
    [],
    ({ platform }) => ({
      platform: {
        ...platform,
        services: platform.services.map((service) =>
          service.name === 'billing'
            ? { ...service, upstream: 'http://billing.internal:8080' }
            : service,
        ),
      },
    }),
  ),
  mutant('fd-silent-control-plane', 'A control plane that has said nothing for hours', [], () => ({
    silenceMs: 3 * HOUR_MS,
  })),
  mutant(
    'fd-stale-for-weeks',
    'A configuration that is served from for weeks',
    ['fd-config-stale'],
    () => ({ following: { staleAfterSeconds: 30 * 86_400 } }),
  ),
]
