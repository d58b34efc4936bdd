import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import { recordAct, requireScope } from '../act.ts'
import {
  type Actor,
  OPERATOR_SCOPES,
  type Operators,
  type OperatorView,
  TENANT_SCOPES,
} from '../control-plane.ts'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { noSuchTenant } from '../tenant-row.ts'
import { breaks } from '../../database/server-errors.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import type { FourEyes } from './four-eyes.ts'
import type { GuardedAct } from './guarded-acts.ts'
import { hashOfToken, isOperatorToken, newOperatorToken } from './operator-token.ts'
import { requestKey } from '../request-key.ts'

type NewOperator = Parameters<Operators['create']>[0]

const NAME = /^[a-z][a-z0-9.@_-]{0,99}$/
const SECONDS_MAX = 366 * 24 * 3_600
const FIRST = 'bootstrap'
const USED_MS = 60_000

const rowSchema = z.object({
  name: z.string(),
  scopes: z.array(z.enum(OPERATOR_SCOPES)),
  created_at: z.date(),
  expires_at: z.date().nullable(),
  revoked_at: z.date().nullable(),
  owner: z.string().nullable(),
  tenant: parsed(parseTenantId).nullable(),
  last_used_at: z.date().nullable(),
})
const COLUMNS = Object.keys(rowSchema.shape).join(', ')

/** Operators and the hashes of their tokens, in the registry. */
export class RegisteredOperators {
  readonly #database: Database
  readonly #fourEyes: FourEyes

  constructor(database: Database, fourEyes: FourEyes) {
    this.#database = database
    this.#fourEyes = fourEyes
  }

  async authenticate(token: string, requestId: string): Promise<Actor> {
    const rows = isOperatorToken(token)
      ? await this.#database.query(
          `select ${COLUMNS} from registry.operator where token_hash = $1
              and revoked_at is null and (expires_at is null or expires_at > clock_timestamp())
              and (tenant is null or exists (select from registry.tenant
                where tenant.id = operator.tenant and tenant.status <> 'erased'
                  and tenant.created_at <= operator.created_at))`,
          [hashOfToken(token)],
        )
      : []
    if (rows[0] === undefined) {
      throw new RingfenceError('not_authenticated', 'the operator token is not valid')
    }
    const { name, scopes, owner, tenant, last_used_at } = rowSchema.parse(rows[0])
    await this.#wasUsed(name, last_used_at)
    // Whatever it does, its owner does.
    const person = owner === null ? {} : { person: parseSubject(owner) }
    if (tenant === null) return { kind: 'operator', name, scopes, requestId, ...person }
    return { kind: 'administrator', name, scopes, requestId, tenant, ...person }
  }

  /** To the minute: who looks for tokens that nobody uses any more needs to know no more. */
  async #wasUsed(name: string, before: Date | null): Promise<void> {
    if (before !== null && Date.now() - before.getTime() < USED_MS) return
    await this.#database.query(
      'update registry.operator set last_used_at = clock_timestamp() where name = $1',
      [name],
    )
  }

  async list(): Promise<readonly OperatorView[]> {
    const rows = await this.#database.query(
      `select ${COLUMNS} from registry.operator order by name`,
    )
    return rows.map(viewOf)
  }

  /**
   * A token belongs to the person who makes it, or who made the token that makes it.
   * @throws RingfenceError `forbidden` for scopes that the creator does not have; ApprovalRequired
   */
  async create(operator: NewOperator, by: Actor) {
    requireScope(by, 'operators:write')
    if (by.tenant !== undefined) throw new RingfenceError('forbidden', 'operators make tokens')
    for (const scope of operator.scopes) requireScope(by, scope)
    checkOperator(operator)
    const pass = await this.#fourEyes.pass(by, creationOf(operator))
    const token = newOperatorToken()
    const view = await this.#database.transaction(async (tx) => {
      const entered = await enter(tx, operator, token, by.person)
      if (!entered.again) await pass.use(tx)
      if (!entered.again) {
        const { name, scopes, tenant } = operator
        await recordAct(
          tx,
          by,
          'operator.create',
          name,
          {
            scopes,
            ...(tenant === undefined ? {} : { tenant }),
          },
          tenant === undefined ? [] : [{ tenant, detail: { scopes } }],
        )
      }
      return entered.view
    })
    return { operator: view, token }
  }

  async revoke(name: string, by: Actor): Promise<OperatorView> {
    requireScope(by, 'operators:write')
    return this.#database.transaction(async (tx) => {
      const [row] = await tx.query(
        `update registry.operator set revoked_at = coalesce(revoked_at, clock_timestamp())
          where name = $1 returning ${COLUMNS}`,
        [name],
      )
      if (row === undefined) throw new RingfenceError('not_found', 'no such operator')
      await recordAct(tx, by, 'operator.revoke', name)
      return viewOf(row)
    })
  }

  async bootstrap(): Promise<string | undefined> {
    const token = newOperatorToken()
    return this.#database.transaction(async (tx) => {
      // One row decides, whoever comes first, and stays for ever.
      const first = await tx.query(
        `insert into registry.setting (name, value) values ('bootstrapped', 'true')
         on conflict (name) do nothing returning name`,
      )
      if (first.length === 0) return undefined
      await enter(tx, { name: FIRST, scopes: OPERATOR_SCOPES }, token, undefined)
      const system: Actor = {
        kind: 'system',
        name: 'bootstrap',
        scopes: [],
        requestId: 'bootstrap',
      }
      await recordAct(tx, system, 'operator.create', FIRST, { scopes: OPERATOR_SCOPES })
      return token
    })
  }
}

/**
 * A repeat of a call whose first answer was lost replaces the token, which nobody has seen. Names are
 * not given twice, not even after a revocation.
 */
async function enter(
  tx: Tx,
  { name, scopes, seconds, tenant }: NewOperator,
  token: string,
  owner: string | undefined,
): Promise<{ view: OperatorView; again: boolean }> {
  const key = requestKey()
  const [again] =
    key === null
      ? []
      : await tx.query(
          `update registry.operator set token_hash = $2
            where request_key = $1 and name = $3 and revoked_at is null returning ${COLUMNS}`,
          [key, hashOfToken(token), name],
        )
  if (again !== undefined) return { view: viewOf(again), again: true }
  try {
    const [row] = await tx.query(
      `insert into registry.operator
         (name, token_hash, scopes, expires_at, request_key, owner, tenant)
       values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4), $5, $6, $7)
       returning ${COLUMNS}`,
      [
        ...[name, hashOfToken(token), [...new Set(scopes)], seconds ?? null],
        ...[key, owner ?? null, tenant ?? null],
      ],
    )
    return { view: viewOf(row), again: false }
  } catch (error) {
    if (breaks(error, 'operator_tenant_fkey')) throw noSuchTenant()
    if (!breaks(error, 'operator_pkey')) throw error
    throw new RingfenceError('already_exists', 'an operator of this name is or was there')
  }
}

function creationOf({ name, scopes, seconds, tenant }: NewOperator): GuardedAct {
  const whose = tenant === undefined ? '' : ` for ${tenant}`
  const summary = `make the token ${name}${whose} with ${scopes.join(' ')}`
  const detail = { scopes: scopes.toSorted(), seconds: seconds ?? null, tenant }
  return { kind: 'operator-create', subject: name, summary, detail }
}

function checkOperator(operator: NewOperator): void {
  if (!NAME.test(operator.name)) {
    throw new RingfenceError('invalid_argument', 'an operator has a name like jane or ci.deploy')
  }
  if (operator.scopes.length === 0) {
    throw new RingfenceError('invalid_argument', 'an operator has at least one scope')
  }
  const beyond = operator.scopes.find((scope) => !TENANT_SCOPES.some((one) => one === scope))
  if (operator.tenant !== undefined && beyond !== undefined) {
    throw new RingfenceError('invalid_argument', `a tenant's token has no scope ${beyond}`)
  }
  const { seconds } = operator
  if (
    seconds !== undefined &&
    !(Number.isInteger(seconds) && seconds > 0 && seconds <= SECONDS_MAX)
  ) {
    throw new RingfenceError('invalid_argument', `a token lives 1 to ${SECONDS_MAX} seconds`)
  }
}

function viewOf(row: unknown): OperatorView {
  const { name, scopes, created_at, expires_at, revoked_at, owner, tenant, last_used_at } =
    rowSchema.parse(row)
  return {
    name,
    scopes,
    tenant: tenant ?? undefined,
    createdAt: created_at,
    expiresAt: expires_at ?? undefined,
    revokedAt: revoked_at ?? undefined,
    owner: owner ?? undefined,
    lastUsedAt: last_used_at ?? undefined,
  }
}
