import { generateSync } from 'otplib'
import type { TenantId } from '../../core/tenant.ts'
import type { Account, AccountChange } from '../directory/directory.ts'
import { type DirectorySite, startDirectorySite } from '../directory/directory-site.test-support.ts'
import { endingAccess } from '../directory/end-access.ts'
import type { Mail, Mailer } from '../mail/mail.ts'
import { openSignIn, type SignInServices } from './open-sign-in.ts'
import { HashQueue } from './passwords/hash-queue.ts'
import type { HashCost } from './passwords/password-hash.ts'
import type { Attempt, Caller, Holder } from './sign-in.ts'

export const PASSWORD = 'violet-harbor-92-quilt'
export const NEW_PASSWORD = 'copper-lantern-31-reef'
/** Cheap, for tests: what they are about does not depend on it. */
export const CHEAP: HashCost = { memoryKib: 64, passes: 1, lanes: 1 }

/** Counts hashes: what an answer costs is told by that, and not by a clock. */
export class CountingQueue extends HashQueue {
  hashes = 0

  override run<T>(tenant: TenantId, work: () => Promise<T>): Promise<T> {
    this.hashes += 1
    return super.run(tenant, work)
  }
}

export interface SignInSite extends DirectorySite {
  /** The services' clock, which stands still. Milliseconds. */
  readonly clock: { now: number }
  readonly services: SignInServices
  readonly queue: CountingQueue
  readonly mails: Mail[]
  readonly logged: string[]
  /** A user with a password, who signs in with `name`. */
  person(tenant: TenantId, name: string, change?: AccountChange): Promise<Account>
  /** A new attempt from an address of its own. */
  attempt(tenant: TenantId, from?: Partial<Caller>): Attempt
  /** Signs in as far as a password gets. */
  signInOf(tenant: TenantId, name: string, password?: string): Promise<Attempt>
  /** A session that was signed in just now. */
  session(account: Account, tenant: TenantId, acr?: 1 | 2): Holder & { readonly by: 'session' }
  /** The code that an app shows, some steps of 30 seconds from now. */
  codeOf(secret: string, steps?: number): string
  /** Resolves with the next mail that is sent. */
  nextMail(): Promise<Mail>
}

export async function startSignInSite(): Promise<SignInSite> {
  const site = await startDirectorySite()
  const queue = new CountingQueue()
  const clock = { now: Date.now() }
  const mails: Mail[] = []
  const logged: string[] = []
  let arrived = Promise.withResolvers<Mail>()
  const mailer: Mailer = {
    async send(mail) {
      mails.push(mail)
      arrived.resolve(mail)
      arrived = Promise.withResolvers()
    },
    async close() {},
  }
  const { database, directory, sealing, publisher } = site
  const services = await openSignIn({
    database,
    directory,
    sealing,
    endAccess: endingAccess(publisher),
    mailer,
    hashCost: CHEAP,
    queue,
    now: () => clock.now,
    log: (line) => logged.push(line),
  })
  let attempts = 0
  const attempt = (tenant: TenantId, from: Partial<Caller> = {}): Attempt => {
    attempts += 1
    const address = `10.${attempts >> 8}.${attempts & 255}.7`
    return { tenant, id: `attempt-${attempts}`, address, ...from }
  }
  return {
    ...site,
    clock,
    services,
    queue,
    mails,
    logged,
    attempt,
    async person(tenant, name, change = {}) {
      const account = await directory.createAccount(tenant, { userName: name, ...change })
      await services.passwords.setFirst(tenant, account.subject, PASSWORD)
      await site.admin.query('update identity.password set must_change = false')
      return account
    },
    async signInOf(tenant, name, password = PASSWORD) {
      const made = attempt(tenant)
      await services.signIn.begin(made)
      await services.signIn.password(made, name, password)
      return made
    },
    session: ({ subject }, tenant, acr = 1) => ({
      by: 'session',
      tenant,
      subject,
      acr: `urn:ringfence:acr:${acr}`,
      signedInAt: new Date(clock.now),
    }),
    codeOf: (secret, steps = 0) =>
      generateSync({ secret, epoch: Math.floor(clock.now / 1000) + 30 * steps }),
    nextMail: () => arrived.promise,
    async stop() {
      await services.close()
      await site.stop()
    },
  }
}
