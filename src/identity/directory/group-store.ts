import { randomBytes } from 'node:crypto'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject, type Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import { lockRealm } from '../realm-keys.ts'
import { text } from './account-values.ts'
import type { Group, GroupChange, GroupFilter, Page, PageRequest } from './directory.ts'
import { checkVersion, writing } from './failed-write.ts'
import { foldText } from './fold-name.ts'
import { type FilterColumn, filterSql } from './filter-sql.ts'
import { type GroupId, parseGroupId } from './group-id.ts'
import { checkPage } from './page.ts'
import { enterChange } from '../entering.ts'

const ID_BYTES = 16
const EXTERNAL_ID_MAX = 500
export const MEMBERS_MAX = 10_000
const TAKEN = 'the id or external id is taken in this realm'

const COLUMNS = `g.id, g.display_name, g.external_id, g.version, g.created_at, g.changed_at,
  array(select m.subject from identity.group_member m
        where m.tenant = g.tenant and m.group_id = g.id order by m.subject collate "C") as members`

interface GroupRow {
  readonly id: string
  readonly display_name: string
  readonly external_id: string | null
  readonly version: string
  readonly created_at: Date
  readonly changed_at: Date
  readonly members: readonly string[]
}

const FILTER: Readonly<Record<GroupFilter[number]['field'], FilterColumn>> = {
  displayName: { sql: 'g.display_name_folded', fold: foldText },
  externalId: { sql: 'g.external_id' },
  id: { sql: 'g.id' },
  member: {
    sql: 'm.subject',
    some: (matches) => `exists (select from identity.group_member m
      where m.tenant = g.tenant and m.group_id = g.id and ${matches})`,
  },
}

/** The groups of realms. Every query names the realm; writers of one realm wait for each other. */
export class GroupStore {
  readonly #database: IdentityDatabase

  constructor(database: IdentityDatabase) {
    this.#database = database
  }

  async group(tenant: TenantId, id: GroupId): Promise<Group | undefined> {
    const row = await read(this.#database, tenant, id)
    return row === undefined ? undefined : groupOf(row)
  }

  async page(tenant: TenantId, page: PageRequest, filter: GroupFilter): Promise<Page<Group>> {
    checkPage(page)
    const where = filterSql(filter, FILTER, 1)
    const from = `from identity.user_group g where g.tenant = $1${where.sql}`
    const values = [tenant, ...where.values]
    return this.#database.transaction(async (rows) => {
      await rows.query('set transaction isolation level repeatable read, read only')
      const [counted] = await rows.query<{ n: string }>(`select count(*) as n ${from}`, values)
      const found = await rows.query<GroupRow>(
        `select ${COLUMNS} ${from} order by g.id collate "C"
         limit ${page.limit} offset ${page.offset}`,
        values,
      )
      return { items: found.map(groupOf), total: Number(counted?.n ?? 0) }
    })
  }

  async groupsOf(tenant: TenantId, subject: Subject): Promise<readonly Group[]> {
    const found = await this.#database.query<GroupRow>(
      `select ${COLUMNS} from identity.user_group g
       where g.tenant = $1 and g.id in
         (select group_id from identity.group_member where tenant = $1 and subject = $2)
       order by g.id collate "C"`,
      [tenant, subject],
    )
    return found.map(groupOf)
  }

  async create(
    tenant: TenantId,
    group: GroupChange & { displayName: string },
    id = parseGroupId(randomBytes(ID_BYTES).toString('base64url')),
  ): Promise<Group> {
    const displayName = text('a display name', group.displayName)
    return this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      await writing(
        TAKEN,
        rows.query(
          `insert into identity.user_group (tenant, id, display_name, display_name_folded, external_id)
           values ($1, $2, $3, $4, $5)`,
          [tenant, id, displayName, foldText(displayName), externalId(group) ?? null],
        ),
      )
      if (group.members !== undefined) await setMembers(rows, tenant, id, group.members)
      const members = group.members?.length ?? 0
      await enterChange(rows, tenant, 'group.created', id, { members })
      return checked(await read(rows, tenant, id))
    })
  }

  async change(
    tenant: TenantId,
    id: GroupId,
    change: GroupChange,
    expectedVersion: number | undefined,
  ): Promise<Group> {
    return this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      const before = checked(await read(rows, tenant, id), expectedVersion)
      const displayName = text('a display name', change.displayName ?? before.displayName)
      const external = change.externalId === undefined ? before.externalId : externalId(change)
      const members = sorted(change.members ?? before.members)
      const same = members.length === before.members.length && members.every(isIn(before.members))
      if (same && displayName === before.displayName && external === before.externalId) {
        return before
      }
      await writing(
        TAKEN,
        rows.query(
          `update identity.user_group set display_name = $3, display_name_folded = $4,
             external_id = $5, version = version + 1, changed_at = now()
           where tenant = $1 and id = $2`,
          [tenant, id, displayName, foldText(displayName), external ?? null],
        ),
      )
      if (!same) await setMembers(rows, tenant, id, members)
      await enterChange(rows, tenant, 'group.changed', id, {
        added: members.filter((member) => !isIn(before.members)(member)),
        removed: before.members.filter((member) => !isIn(members)(member)),
      })
      return checked(await read(rows, tenant, id))
    })
  }

  async remove(tenant: TenantId, id: GroupId, expectedVersion: number | undefined): Promise<void> {
    await this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      checked(await read(rows, tenant, id), expectedVersion)
      await rows.query('delete from identity.user_group where tenant = $1 and id = $2', [
        tenant,
        id,
      ])
      await enterChange(rows, tenant, 'group.removed', id)
    })
  }
}

async function read(rows: Rows, tenant: TenantId, id: GroupId): Promise<GroupRow | undefined> {
  const [row] = await rows.query<GroupRow>(
    `select ${COLUMNS} from identity.user_group g where g.tenant = $1 and g.id = $2`,
    [tenant, id],
  )
  return row
}

function groupOf(row: GroupRow): Group {
  return {
    id: parseGroupId(row.id),
    displayName: row.display_name,
    externalId: row.external_id ?? undefined,
    members: row.members.map(parseSubject),
    version: Number(row.version),
    createdAt: row.created_at,
    changedAt: row.changed_at,
  }
}

function checked(row: GroupRow | undefined, expected?: number): Group {
  return groupOf(checkVersion(row, expected, 'group'))
}

function externalId(change: GroupChange): string | undefined {
  return text('an external id', change.externalId || undefined, EXTERNAL_ID_MAX)
}

const sorted = (members: readonly Subject[]) => [...new Set(members)].sort()
const isIn = (members: readonly Subject[]) => {
  const all = new Set(members)
  return (member: Subject) => all.has(member)
}

/** @throws RingfenceError `not_found` when one is no user of this realm, `invalid_argument` */
async function setMembers(
  rows: Rows,
  tenant: TenantId,
  id: GroupId,
  members: readonly Subject[],
): Promise<void> {
  if (members.length > MEMBERS_MAX) {
    throw new RingfenceError('invalid_argument', `a group has at most ${MEMBERS_MAX} members`)
  }
  await rows.query(
    `delete from identity.group_member
     where tenant = $1 and group_id = $2 and not subject = any ($3::text[])`,
    [tenant, id, members],
  )
  await writing(
    TAKEN,
    rows.query(
      `insert into identity.group_member (tenant, group_id, subject)
       select $1, $2, subject from unnest($3::text[]) as subject
       on conflict (tenant, group_id, subject) do nothing`,
      [tenant, id, members],
    ),
  )
}
