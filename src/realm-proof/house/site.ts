import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startEmbedded } from '../../clusters/embedded-cluster.ts'
import { openThrowAwayRoom } from '../../clusters/throw-away-room.ts'
import { newPassword, scramVerifier } from '../../clusters/scram.ts'
import { prepareWithoutWorkflows } from '../../control/control-database.ts'
import type { GrantConfig } from '../../contracts/grant.ts'
import { IdentityDatabase } from '../../identity/identity-database.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { IdentityOptions } from '../../identity/open-identity.ts'
import type { Cookie } from './browser.ts'
import type { Ground } from './ground.ts'
import type { Furniture } from './furnish.ts'
import { IdentityProvider } from './identity-provider.ts'
import { type SamlKeys, samlKeys } from './saml-provider.ts'

/** Nobody needs a rehearsal's server after a crash of the machine. */
const THROW_AWAY = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' } as const

/** What all copies of a rehearsal share: one database, its realms, and what was made in them. */
export interface Site {
  readonly ground: Ground
  readonly database: IdentityOptions['database']
  /** Of all copies: a connection that is new plans every query anew. */
  readonly rows: IdentityDatabase
  readonly sealingKeyFile: string
  /** Where mail arrives. */
  readonly mailDirectory: string
  /** Secrets that the realms' owners were told when these were made. */
  furniture: Furniture
  /** What tenants let others do, by its id; of each only one side gave it. */
  readonly given: Map<string, { readonly grantor: TenantId; readonly grant: GrantConfig }>
  /** Cookies with which the realms' users have signed in: most strikes need no sign-in of their own. */
  readonly signedIn: Map<TenantId, readonly Cookie[]>
  /** Which all realms use. */
  readonly provider: IdentityProvider
  /** Of a provider that speaks SAML, which all realms use, and of nobody they know. */
  readonly saml: { readonly keys: SamlKeys; readonly stranger: SamlKeys }
  close(): Promise<void>
}

export async function openSite(ground: Ground): Promise<Omit<Site, 'furniture'>> {
  const room = await openThrowAwayRoom('realms')
  const { directory } = room
  const closing: (() => Promise<unknown>)[] = [() => room.close()]
  const close = async () => {
    for (const one of closing.splice(0).reverse()) await one()
  }
  try {
    const cluster = await startEmbedded({
      name: 'realm-proof',
      directory: join(directory, 'control'),
      profile: 'control',
      settings: THROW_AWAY,
    })
    closing.push(() => cluster.stop())
    const { admin } = cluster
    const password = newPassword()
    const nobodys = await scramVerifier(newPassword())
    await prepareWithoutWorkflows(admin, {
      rf_control: nobodys,
      rf_identity: await scramVerifier(password),
      rf_vending: nobodys,
      rf_gateway: nobodys,
      rf_records: nobodys,
    })
    const sealingKeyFile = join(directory, 'sealing-key')
    await writeFile(sealingKeyFile, randomBytes(32).toString('base64url'), { mode: 0o600 })
    const mailDirectory = join(directory, 'mail')
    await mkdir(mailDirectory)
    const database = { ...admin, user: 'rf_identity', password }
    const rows = await IdentityDatabase.open(database)
    closing.push(() => rows.close())
    const provider = await IdentityProvider.open()
    closing.push(() => provider.close())
    const [keys, stranger] = await Promise.all([samlKeys('provider'), samlKeys('stranger')])
    return {
      ground,
      provider,
      saml: { keys, stranger },
      database,
      rows,
      given: new Map(),
      signedIn: new Map(),
      sealingKeyFile,
      mailDirectory,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
