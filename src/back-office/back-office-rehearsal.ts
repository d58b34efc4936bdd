import type { TenantId } from '../core/tenant.ts'
import type { Scene } from '../strikes/scene.ts'
import { StagedRehearsal } from '../strikes/staged-rehearsal.ts'
import { Wire } from '../strikes/wire.ts'
import { BACK_OFFICE_ATTACKS } from './attacks/attacks.ts'
import { Duel } from './duel.ts'
import { makeGround } from './house/ground.ts'
import { Office } from './house/office.ts'
import type { Party } from './house/party.ts'
import { type Pieces, SOUND } from './house/pieces.ts'
import { CHIEF, openSite, type Site } from './house/site.ts'
import { inspectOffice } from './inspect/inspect-office.ts'
import { BACK_OFFICE_MUTANTS } from './mutants/mutants.ts'

export type BackOfficeRehearsal = StagedRehearsal<Party, Duel, Pieces, Site>

/** The workflows' library knows one control plane a process: rehearsals wait for each other. */
let onlyOne: Promise<void> = Promise.resolve()

/** A control API on a control plane of its own, and copies with worse pieces in front of the same plane. */
export async function openBackOfficeRehearsal(
  tenants: readonly TenantId[],
): Promise<BackOfficeRehearsal> {
  const before = onlyOne
  const { promise, resolve: leave } = Promise.withResolvers<void>()
  onlyOne = promise
  await before
  let site: Site | undefined
  try {
    const opened = await openSite(await makeGround(tenants))
    site = opened
    const made = { name: 'reader', scopes: ['tenants:read'], seconds: 86_400 } as const
    const { token } = await opened.plane.operators.create(made, CHIEF)
    const office = await Office.open(opened, SOUND)
    const scene = sceneOf(office, token, async () => {
      try {
        await office.close()
      } finally {
        await opened.close().finally(leave)
      }
    })
    const repertoire = { attacks: BACK_OFFICE_ATTACKS, mutants: BACK_OFFICE_MUTANTS }
    return new StagedRehearsal(repertoire, scene)
  } catch (error) {
    await site?.close().finally(leave)
    leave()
    throw error
  }
}

/**
 * A copy has its own API in front of the same plane: what is weakened is what stands before it.
 * @param reader the token of an operator who reads tenants
 */
function sceneOf(
  office: Office,
  reader: string,
  close: () => Promise<void>,
): Scene<Party, Duel, Pieces, Site> {
  const { site } = office
  return {
    parties: site.ground.parties,
    pieces: SOUND,
    inside: site,
    showsCanariesOf: (party) => showsCanariesOf(office, reader, party),
    duel: (attacker, victim) => new Duel(office, attacker, victim),
    inspect: () => inspectOffice(office.plane, office.settings),
    async copy(pieces) {
      const other = await Office.open(site, pieces)
      return sceneOf(other, reader, () => other.close())
    },
    close,
  }
}

/** Asks the API itself, and the cell behind it. */
async function showsCanariesOf(office: Office, reader: string, party: Party): Promise<boolean> {
  const { tenant, nameCanary, rowCanary } = party
  const what = { token: reader, from: 'administrator' }
  const { body } = await office.ask(new Wire(), 'GET', `/v1/tenants/${tenant}`, what)
  const row = office.site.world.find(tenant)?.items.get('row') ?? ''
  return body.includes(nameCanary) && row.includes(rowCanary)
}
