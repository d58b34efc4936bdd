import { readFile, appendFile } from 'node:fs/promises'
import { openAuthorizer } from '../../external-authorization/authorizer.ts'
import type { OpenGateway } from '../../gateway/open-gateway.ts'
import type { Listening } from '../../http/listen.ts'
import { RedisStore } from '../../limits/redis/redis-store.ts'
import { openDecisionPoint } from '../../policy/open-decision-point.ts'
import type { RevocationSource } from '../../revocation/revocation.ts'
import type { ConfigurationSource } from '../../snapshot/snapshot.ts'
import type { PlaneSpec } from '../plane-config.ts'
import type { Log } from './served.ts'

type Spec = PlaneSpec<'gateway'>

/** Where gateways count together; undefined where each counts by itself. */
export async function openSharedLimits(spec: Spec, log: Log): Promise<RedisStore | undefined> {
  if (spec.limits.redis === undefined) return undefined
  return RedisStore.open({
    settings: spec.limits.redis,
    onTrouble(trouble) {
      const { code, message, detail } = trouble ?? {}
      const level = trouble === undefined ? 'info' : 'warn'
      log(JSON.stringify({ level, event: 'shared limits', code, message, detail }))
    },
  })
}

/** Writes what policies were asked to a file, in the order in which they were; undefined for nobody. */
export function recorderOf(spec: Spec, log: Log): ((line: string) => void) | undefined {
  const file = spec.recordQuestions
  if (file === undefined) return undefined
  let last = Promise.resolve()
  return (line) => {
    last = last
      .then(() => appendFile(file, `${line}\n`, { mode: 0o600 }))
      .catch((error: unknown) =>
        log(JSON.stringify({ level: 'warn', event: 'recording', message: String(error) })),
      )
  }
}

/** What stands beside the front door and decides as it does: for services, and for other proxies. */
export async function openBesides(
  spec: Spec,
  door: Pick<OpenGateway, 'decide'>,
  sources: { readonly source: ConfigurationSource; readonly revocations: RevocationSource },
  log: Log,
): Promise<{ close(): Promise<void> }> {
  const open: { close(): Promise<void> }[] = []
  const close = async () => {
    for (const one of open.toReversed()) await one.close()
  }
  try {
    if (spec.decisions !== undefined) {
      open.push(await openDecisionPoint({ ...spec.decisions, ...sources, log }))
    }
    for (const one of await openAuthorizers(spec, door)) open.push(one)
    return { close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openAuthorizers(
  { authorizers }: Spec,
  { decide }: Pick<OpenGateway, 'decide'>,
): Promise<readonly Listening[]> {
  if (authorizers === undefined) return []
  const { http, grpc, secretFile, publicProtocol, remembered, fields } = authorizers
  const secret = (await readFile(secretFile, 'utf8')).trim()
  const common = { decide, secret, publicProtocol }
  const open: Listening[] = []
  try {
    if (http !== undefined) {
      open.push(await openAuthorizer({ ...common, remembered, fields, listen: http }))
    }
    if (grpc !== undefined) {
      // Most gateways never speak gRPC themselves.
      const { openEnvoyAuthorizer } = await import(
        '../../external-authorization/envoy-authorizer.ts'
      )
      open.push(await openEnvoyAuthorizer({ ...common, listen: grpc }))
    }
    return open
  } catch (error) {
    for (const one of open) await one.close()
    throw error
  }
}
