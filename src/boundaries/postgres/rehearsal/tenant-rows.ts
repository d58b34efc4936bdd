import { ident, literal, onDatabase } from '../connection.ts'
import type { Side } from './side.ts'
import { Session } from './session.ts'

/** Per tenant key: equal digests mean that no statement wrote to one of the tenant's rows. */
export type Digests = ReadonlyMap<string, string>

interface Place {
  readonly admin: Session
  readonly sides: readonly Side[]
  /** Rows as text, by tenant key and table, as they were in the beginning. */
  readonly planted: ReadonlyMap<string, readonly string[]>
}

/** Watches all tenants' planted tables as the administrator sees them, and puts the rows back. */
export class TenantRows {
  readonly #places: readonly Place[]
  #home: Digests

  private constructor(places: readonly Place[], home: Digests) {
    this.#places = places
    this.#home = home
  }

  /** Opens one connection for each database that the tenants are in. */
  static async watch(sides: readonly Side[]): Promise<TenantRows> {
    const grouped = Map.groupBy(sides, ({ site, database }) => {
      const { host, port } = site.cluster.admin
      return `${host}/${port}/${database}`
    })
    const places: Place[] = []
    try {
      for (const [first, ...others] of grouped.values()) {
        if (first === undefined) continue
        const group = [first, ...others]
        const admin = await Session.connect(onDatabase(first.site.cluster.admin, first.database))
        places.push({ admin, sides: group, planted: new Map() })
        const { rows } = await admin.run(rowsSql(group))
        const planted = rows.map(
          (one) => [`${String(one['tenant'])} ${String(one['name'])}`, one['rows']] as const,
        )
        places[places.length - 1] = {
          admin,
          sides: group,
          planted: new Map(planted as [string, string[]][]),
        }
        await admin.run(`prepare digests as ${digestsSql(group)}`)
      }
    } catch (error) {
      await Promise.all(places.map(({ admin }) => admin.close()))
      throw error
    }
    return new TenantRows(places, await digestsAt(places))
  }

  /** Digests of all tenants that are where one of `sides` is. */
  digests(sides: readonly Side[]): Promise<Digests> {
    return digestsAt(
      this.#places.filter((place) => sides.some((side) => place.sides.includes(side))),
    )
  }

  /** Makes the tenants' rows, where one of `sides` is, what they were in the beginning. */
  async restore(sides: readonly Side[]): Promise<void> {
    const present = await this.digests(sides)
    let restored = false
    for (const { admin, sides, planted } of this.#places) {
      for (const side of sides) {
        const now = present.get(side.key)
        if (now === undefined || now === this.#home.get(side.key)) continue
        restored = true
        for (const { table } of side.planted) {
          const rows = planted.get(`${side.key} ${table.qualified}`) ?? []
          await putBack(admin, side, table.qualified, table.tenantColumn, rows)
        }
      }
    }
    if (restored) this.#home = await digestsAt(this.#places)
  }

  async close(): Promise<void> {
    await Promise.all(this.#places.map(({ admin }) => admin.close()))
  }
}

async function digestsAt(places: readonly Place[]): Promise<Digests> {
  const found = new Map<string, string>()
  await Promise.all(
    places.map(async ({ admin, sides }) => {
      const { rows, error } = await admin.run('execute digests')
      for (const { tenant, digest } of rows) found.set(String(tenant), String(digest))
      // A table that is gone or locked for good is a change, too.
      if (error !== undefined) for (const { key } of sides) found.set(key, error)
    }),
  )
  return found
}

function perTable(
  sides: readonly Side[],
  select: (name: string, tenant: string) => string,
): string {
  const tables = new Map(
    sides.flatMap(({ planted }) => planted.map(({ table }) => [table.qualified, table])),
  )
  const keys = sides.map((side) => literal(side.key)).join(', ')
  return [...tables.values()]
    .map(({ qualified, tenantColumn }) => {
      const tenant = `rf_row.${ident(tenantColumn)}`
      return `select ${select(literal(qualified), `${tenant}::text`)}
        from ${qualified} rf_row where ${tenant} in (${keys}) group by ${tenant}`
    })
    .join(' union all ')
}

function rowsSql(sides: readonly Side[]): string {
  return perTable(
    sides,
    (name, tenant) => `${name} as name, ${tenant} as tenant, array_agg(rf_row::text) as rows`,
  )
}

/** A row that was written anew with the same values has another xmin, and so another digest. */
function digestsSql(sides: readonly Side[]): string {
  const parts = perTable(
    sides,
    (name, tenant) => `${name} as name, ${tenant} as tenant, md5(string_agg(
      rf_row::text || rf_row.xmin::text, ';' order by rf_row::text)) as digest`,
  )
  return `select tenant, md5(string_agg(name || digest, ';' order by name)) as digest
    from (${parts}) x group by tenant`
}

async function putBack(
  admin: Session,
  side: Side,
  table: string,
  tenantColumn: string,
  rows: readonly string[],
): Promise<void> {
  const { rows: columns } = await admin.run(
    `select quote_ident(attname) as name from pg_catalog.pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [table],
  )
  const names = columns.map(({ name }) => String(name))
  // Neither the application's triggers nor the order of foreign keys are of interest here.
  await admin.run('begin; set local session_replication_role = replica')
  await admin.run(`delete from ${table} where ${ident(tenantColumn)} = $1`, [side.key])
  await admin.run(
    `insert into ${table} (${names.join(', ')}) overriding system value
     select ${names.map((name) => `(x.kept).${name}`).join(', ')}
     from (select unnest($1::text[])::${table} as kept) x`,
    [rows],
  )
  await admin.run('commit')
}
