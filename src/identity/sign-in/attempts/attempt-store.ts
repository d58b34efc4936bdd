import { z } from 'zod'
import { parsed } from '../../../core/parsed.ts'
import { parseSubject, type Subject } from '../../../core/names.ts'
import type { Rows } from '../../identity-database.ts'
import type { Attempt, Demand, SecondFactor } from '../sign-in.ts'
import { methodsOf, TWO_FACTORS, ONE_FACTOR } from './methods.ts'
import type { AttemptState } from './next-step.ts'

/** As long as an interaction lives at most. */
const MINUTES = 60

const demandShape = z.strictObject({
  acr: z.enum([ONE_FACTOR, TWO_FACTORS]).optional(),
  only: parsed(parseSubject).optional(),
})

interface Row {
  readonly subject: string | null
  readonly amr: readonly string[]
  readonly signed_in_at: Date | null
  readonly connection: string | null
  readonly demand: unknown
  readonly totp: boolean
  readonly passkey: boolean
  readonly codes: boolean
  readonly must_change: boolean
  readonly mfa: string | null
}

/** Sign-ins that are under way, on the server. */
export class AttemptStore {
  /** Makes the attempt, or sets what is asked of it. */
  async begin(rows: Rows, { tenant, id }: Attempt, demand: Demand): Promise<void> {
    const { acr, only, known } = demand
    await rows.query(
      `delete from identity.sign_in_attempt where tenant = $1 and id = $2 and expires_at <= now()`,
      [tenant, id],
    )
    // Who is signed in already counts once, at the beginning, and only if there still is such a user.
    await rows.query(
      `with known as (
         select subject from identity.account where tenant = $1 and subject = $4 and active
       )
       insert into identity.sign_in_attempt as t
         (tenant, id, demand, subject, amr, signed_in_at, connection, expires_at)
       select $1, $2, $3, (select subject from known),
         case when exists (select from known) then $5::text[] else '{}' end,
         case when exists (select from known) then $6::timestamptz end,
         case when exists (select from known) then $7::text end,
         now() + make_interval(mins => ${MINUTES})
       on conflict (tenant, id) do update set demand = excluded.demand`,
      [
        tenant,
        id,
        JSON.stringify({ acr, only }),
        known?.subject ?? null,
        methodsOf(known?.amr ?? []),
        known?.signedInAt ?? null,
        known?.connection ?? null,
      ],
    )
  }

  /**
   * What it has come to; undefined when it was never begun, is over, or its realm is closed.
   * @param lock until the caller's transaction ends nobody else changes it
   */
  async read(
    rows: Rows,
    { tenant, id }: Attempt,
    lock: 'lock' | 'look' = 'look',
  ): Promise<AttemptState | undefined> {
    const [row] = await rows.query<Row>(
      `select a.subject, t.amr, t.signed_in_at, t.connection, t.demand,
         exists (select from identity.totp o where o.tenant = t.tenant
           and o.subject = a.subject and o.confirmed_at is not null) as totp,
         exists (select from identity.passkey k where k.tenant = t.tenant
           and k.subject = a.subject) as passkey,
         exists (select from identity.recovery_code c where c.tenant = t.tenant
           and c.subject = a.subject) as codes,
         exists (select from identity.password p where p.tenant = t.tenant
           and p.subject = a.subject and p.must_change) as must_change,
         r.settings ->> 'mfa' as mfa
       from identity.sign_in_attempt t
       join identity.realm r on r.tenant = t.tenant and r.open
       left join identity.account a
         on a.tenant = t.tenant and a.subject = t.subject and a.active
       where t.tenant = $1 and t.id = $2 and t.expires_at > now()
       ${lock === 'lock' ? 'for update of t' : ''}`,
      [tenant, id],
    )
    return row === undefined ? undefined : stateOf(row)
  }

  /**
   * Notes what was proven. False when the attempt is over, or has come to another user meanwhile.
   * @param expected whose attempt it must be; undefined: whose it was, and by what, does not matter
   * @param connection by which it was proven, from the beginning
   */
  async passed(
    rows: Rows,
    { tenant, id }: Attempt,
    subject: Subject,
    amr: readonly string[],
    expected: Subject | undefined,
    connection?: string,
  ): Promise<boolean> {
    const noted = await rows.query(
      `update identity.sign_in_attempt set subject = $3, amr = $4, signed_in_at = now(),
         connection = case when $5::text is null then $6 else connection end
       where tenant = $1 and id = $2 and expires_at > now()
         and ($5::text is null or subject = $5) returning id`,
      [tenant, id, subject, amr, expected ?? null, connection ?? null],
    )
    return noted.length > 0
  }

  async end(rows: Rows, { tenant, id }: Attempt): Promise<void> {
    await rows.query('delete from identity.sign_in_attempt where tenant = $1 and id = $2', [
      tenant,
      id,
    ])
  }
}

function stateOf(row: Row): AttemptState {
  const { acr, only } = demandShape.parse(row.demand)
  const second: SecondFactor[] = []
  if (row.passkey) second.push('passkey')
  if (row.totp) second.push('totp')
  if (second.length > 0 && row.codes) second.push('recovery_code')
  return {
    subject: row.subject === null ? undefined : parseSubject(row.subject),
    amr: row.subject === null ? [] : row.amr,
    signedInAt: row.signed_in_at ?? undefined,
    connection: row.connection ?? undefined,
    acrDemanded: acr,
    only,
    second,
    mustChangePassword: row.must_change,
    secondFactorRequired: row.mfa === 'required',
  }
}
