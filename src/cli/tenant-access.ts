import type { Command } from 'commander'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { carriesToken, NOT_CARRIED } from './carries-token.ts'
import type { Console } from './console.ts'
import { readUrl } from './read-url.ts'

const titleSchema = z.looseObject({ title: z.string().min(1).max(500) })

export interface TenantFlags {
  readonly url?: string
  readonly token?: string
}

/** How a tenant's own people reach what the platform keeps of their tenant: through its front door. */
export interface TenantAccess {
  /** What the tenant's API begins with, without a slash at its end. */
  readonly url: string
  readonly token: string
}

/** The flags of every command that a tenant's own people use. */
export function tenantCommand(command: Command): Command {
  return command
    .option('--url <url>', 'the tenant’s API: https://acme.example (RINGFENCE_TENANT_URL)')
    .option('--token <token>', 'a user’s token, better env:NAME (RINGFENCE_TENANT_TOKEN)')
}

/** @throws RingfenceError `invalid_argument` for what is missing or cannot be a URL; `invalid_url` */
export function tenantAccess(flags: TenantFlags, console: Console): TenantAccess {
  const { environment } = console
  const url = flags.url ?? environment['RINGFENCE_TENANT_URL'] ?? ''
  const token = readUrl(flags.token ?? environment['RINGFENCE_TENANT_TOKEN'] ?? '', console)
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new RingfenceError('invalid_argument', 'say where with --url: https://acme.example')
  }
  if (!carriesToken(new URL(url))) throw new RingfenceError('invalid_url', NOT_CARRIED)
  if (!/^[\w\-.~+/=]+$/.test(token)) {
    throw new RingfenceError('invalid_argument', 'say who with --token env:NAME')
  }
  return { url: url.replace(/\/+$/, ''), token }
}

/**
 * Asks for something by the tenant's front door.
 * @throws RingfenceError `engine_unavailable`; with the problem's own title when it is refused
 */
export function tenantGet(access: TenantAccess, path: string): Promise<Response> {
  return tenantAsk(access, { method: 'GET', path })
}

/** Asks for something, or changes it. @throws as `tenantGet` */
export async function tenantAsk(
  { url, token }: TenantAccess,
  {
    method,
    path,
    body,
  }: { readonly method: 'GET' | 'PUT' | 'DELETE'; readonly path: string; readonly body?: object },
): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // The token goes where it was said to go, and nowhere else.
      redirect: 'error',
    })
  } catch (cause) {
    throw new RingfenceError('engine_unavailable', `${url} does not answer`, { cause })
  }
  if (response.ok) return response
  throw tenantRefusal(response.status, await response.text())
}

/** A refusal in the words of who refused. */
export function tenantRefusal(status: number, text: string): RingfenceError {
  const title = titleOf(text) ?? `status ${status}`
  if (status === 401) return new RingfenceError('not_authenticated', title)
  if (status === 403) return new RingfenceError('forbidden', title)
  if (status === 404) return new RingfenceError('not_found', title)
  if (status < 500) return new RingfenceError('invalid_argument', title)
  return new RingfenceError('engine_unavailable', title)
}

/** One line, and nothing that a terminal would obey. */
function titleOf(text: string): string | undefined {
  try {
    const { title } = titleSchema.parse(JSON.parse(text))
    return title.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')
  } catch {
    return undefined
  }
}
