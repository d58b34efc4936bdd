import { ident, withClient } from '../connection.ts'
import { copyDatabase, copyDatabaseFiles, dropDatabase } from '../install/install.ts'
import { Arena } from './arena.ts'
import type { Side } from './side.ts'

/** Tells copies apart, also those of several rehearsals on one server. */
let made = 0

/** One database of a rehearsal, and what copies of it are made from. */
interface Place {
  readonly side: Side
  /** A copy that nobody ever connects to, so that it can be copied at any time. */
  readonly mold: string
  spare: Promise<string>
}

/** A copy to weaken. `drop` takes its databases away in the background. */
export interface Copy {
  readonly arena: Arena
  readonly drop: () => void
}

/**
 * Copies of a rehearsal's databases, made one ahead of need: while one is attacked, the next is
 * made. Roles and servers are the original's.
 */
export class Copies {
  readonly #original: Arena
  #places: Promise<readonly Place[]> | undefined
  readonly #dropping = new Set<Promise<void>>()

  constructor(original: Arena) {
    this.#original = original
  }

  /** The same tenants, on databases of their own. */
  async take(): Promise<Copy> {
    this.#places ??= this.#makePlaces()
    const taken = new Map<string, string>()
    const drop = () => {
      for (const side of onePerDatabase(this.#original.sides)) {
        const copy = taken.get(placeOf(side))
        if (copy !== undefined) this.#dropSoon(side, copy)
      }
    }
    const take = async (place: Place) => {
      const copy = await place.spare
      taken.set(placeOf(place.side), copy)
      place.spare = makeSpare(place.side, place.mold)
      await copyConnectRights(place.side, copy)
    }
    const outcomes = await Promise.allSettled((await this.#places).map(take))
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) {
      drop()
      throw failed.reason
    }
    const { tier, application, refused } = this.#original
    const sides = this.#original.sides.map((side) => ({
      ...side,
      database: taken.get(placeOf(side)) ?? side.database,
    }))
    return { arena: new Arena({ tier, application, sides, refused }, this.#original), drop }
  }

  /** Waits for what is being made or dropped, and drops what is left. */
  async close(): Promise<void> {
    const places = this.#places === undefined ? [] : await this.#places.catch(() => [])
    for (const { side, mold, spare } of places) {
      this.#dropSoon(side, mold)
      await spare.then((database) => this.#dropSoon(side, database)).catch(() => {})
    }
    await Promise.all(this.#dropping)
  }

  async #makePlaces(): Promise<readonly Place[]> {
    // A database cannot be copied while somebody is connected to it.
    await this.#original.rest()
    return Promise.all(
      onePerDatabase(this.#original.sides).map(async (side) => {
        const mold = await makeCopy(side, side.database)
        return { side, mold, spare: makeSpare(side, mold) }
      }),
    )
  }

  /** Whatever stays behind goes with the server, or with the installation's other databases. */
  #dropSoon(side: Side, database: string): void {
    const dropping = dropDatabase(side.site.cluster.admin, database)
      .catch(() => {})
      .finally(() => this.#dropping.delete(dropping))
    this.#dropping.add(dropping)
  }
}

function makeSpare(side: Side, mold: string): Promise<string> {
  const spare = makeCopy(side, mold)
  // Nobody may be waiting for it when it fails; whoever takes it is told.
  spare.catch(() => {})
  return spare
}

async function makeCopy(side: Side, template: string): Promise<string> {
  made += 1
  const name = `${side.site.names.prefix}_copy_${made}`
  const { admin, embedded } = side.site.cluster
  await (embedded ? copyDatabaseFiles : copyDatabase)(admin, template, name)
  return name
}

/** CREATE DATABASE … TEMPLATE copies everything but the right to connect. */
async function copyConnectRights(side: Side, copy: string): Promise<void> {
  await withClient(side.site.cluster.admin, async (client) => {
    const { rows } = await client.query<{ grantees: string | null }>(
      `select string_agg(quote_ident(r.rolname), ', ') as grantees
       from pg_database d, lateral aclexplode(d.datacl) e join pg_roles r on r.oid = e.grantee
       where d.datname = $1 and e.privilege_type = 'CONNECT' and not r.rolsuper`,
      [side.database],
    )
    const grantees = rows[0]?.grantees
    if (typeof grantees !== 'string') return
    await client.query(`grant connect on database ${ident(copy)} to ${grantees}`)
  })
}

/** Where a side's rows are: the server and the database. */
export function placeOf(side: Side): string {
  return `${side.site.cluster.admin.host}/${side.site.cluster.admin.port}/${side.database}`
}

export function onePerDatabase(sides: readonly Side[]): readonly Side[] {
  return [...new Map(sides.map((side) => [placeOf(side), side])).values()]
}
