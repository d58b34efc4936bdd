import { parseTenantId, type TenantId } from '../../../core/tenant.ts'
import type {
  ConnectedApp,
  ConnectedApps,
  Sessions,
  SessionSummary,
  SupportAccess,
  SupportCase,
} from '../account/sources.ts'
import type { PagesOptions, SignInChoice, SignInChoices } from '../pages-options.ts'

const SEEN = new Date('2026-11-20T08:30:00Z')

/** What account pages show besides the account, and what they asked to be done. */
export class Sources implements SignInChoices {
  readonly done: string[] = []
  offered: SignInChoice[] = []
  domains: Record<string, SignInChoice> = {}
  deciding = true
  allSessions: SessionSummary[] = [
    session('s-1', true, 'Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36'),
    session('s-2', false, 'Mozilla/5.0 (iPhone) Version/18.0 Mobile Safari/604.1'),
  ]
  allApps: ConnectedApp[] = [
    { client: 'reports', name: 'Reports', scopes: ['openid', 'read', 'x:y'], since: SEEN },
  ]
  cases: SupportCase[] = [
    supportCase('c-1', 'requested', true),
    supportCase('c-2', 'active', false),
  ]

  all(): Promise<readonly SignInChoice[]> {
    return Promise.resolve(this.offered)
  }

  forName(_context: unknown, _interaction: string, name: string) {
    return Promise.resolve(this.domains[name.split('@')[1] ?? ''])
  }

  readonly sessions: Sessions = {
    list: () => Promise.resolve(this.allSessions),
    end: (tenant, subject, id) => this.#did('end', tenant, subject, id),
    endOthers: (tenant, subject) => this.#did('end-others', tenant, subject),
  }

  readonly apps: ConnectedApps = {
    list: () => Promise.resolve(this.allApps),
    takeBack: (tenant, subject, client) => this.#did('take-back', tenant, subject, client),
  }

  readonly support: SupportAccess = {
    mayDecide: () => Promise.resolve(this.deciding),
    list: () => Promise.resolve(this.cases),
    consent: (tenant, id, by) => this.#did('consent', tenant, by, id),
    deny: (tenant, id, by) => this.#did('deny', tenant, by, id),
    revoke: (tenant, id, by) => this.#did('revoke', tenant, by, id),
  }

  #did(what: string, ...of: readonly string[]): Promise<void> {
    parseTenantId(of[0])
    this.done.push([what, ...of].join(' '))
    return Promise.resolve()
  }
}

/** The sources of each realm, as pages are given them. */
export function sourcesOf(
  all: ReadonlyMap<TenantId, Sources>,
): Required<Pick<PagesOptions, 'choices' | 'sessions' | 'apps' | 'support'>> {
  const of = (tenant: TenantId) => {
    const found = all.get(tenant)
    if (found === undefined) throw new Error(`nothing is known of ${tenant}`)
    return found
  }
  return {
    choices: {
      all: ({ tenant }) => of(tenant).all(),
      forName: ({ tenant }, interaction, name) => of(tenant).forName(undefined, interaction, name),
    },
    sessions: {
      list: (tenant, ...rest) => of(tenant).sessions.list(tenant, ...rest),
      end: (tenant, ...rest) => of(tenant).sessions.end(tenant, ...rest),
      endOthers: (tenant, ...rest) => of(tenant).sessions.endOthers(tenant, ...rest),
    },
    apps: {
      list: (tenant, ...rest) => of(tenant).apps.list(tenant, ...rest),
      takeBack: (tenant, ...rest) => of(tenant).apps.takeBack(tenant, ...rest),
    },
    support: {
      mayDecide: (tenant, ...rest) => of(tenant).support.mayDecide(tenant, ...rest),
      list: (tenant) => of(tenant).support.list(tenant),
      consent: (tenant, ...rest) => of(tenant).support.consent(tenant, ...rest),
      deny: (tenant, ...rest) => of(tenant).support.deny(tenant, ...rest),
      revoke: (tenant, ...rest) => of(tenant).support.revoke(tenant, ...rest),
    },
  }
}

function session(id: string, current: boolean, userAgent: string): SessionSummary {
  return { id, current, userAgent, address: '192.0.2.7', signedInAt: SEEN, lastSeenAt: SEEN }
}

function supportCase(id: string, state: SupportCase['state'], awaitsConsent: boolean): SupportCase {
  return {
    id,
    operator: 'Olga Operator',
    reason: 'Ticket 4711: a report shows last month twice',
    scope: 'read',
    state,
    requestedAt: SEEN,
    endsAt: awaitsConsent ? undefined : SEEN,
    awaitsConsent,
  }
}
