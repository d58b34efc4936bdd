import { randomBytes } from 'node:crypto'
import type { Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Rows } from '../../identity-database.ts'
import { sha256 } from '../secret-hash.ts'

export const RECOVERY_CODES = 10
/** 80 bits: nothing to be guessed, and few enough to type. */
const CODE_BYTES = 10
/** Crockford's alphabet: no I, L, O or U to be mistaken. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const BITS = 5
const GROUP = /.{4}/g

/** Codes on paper, for when the second factor is lost. Each is good once. */
export class RecoveryCodes {
  async left(rows: Rows, tenant: TenantId, subject: Subject): Promise<number> {
    const [row] = await rows.query<{ n: number }>(
      `select count(*)::int as n from identity.recovery_code where tenant = $1 and subject = $2`,
      [tenant, subject],
    )
    return row?.n ?? 0
  }

  /** Ten new ones in place of all before, as they are shown: `ABCD-EFGH-JKMN-PQRS`. */
  async renew(rows: Rows, tenant: TenantId, subject: Subject): Promise<readonly string[]> {
    const codes = Array.from({ length: RECOVERY_CODES }, newCode)
    await this.removeAll(rows, tenant, subject)
    await rows.query(
      `insert into identity.recovery_code (tenant, subject, sha256)
       select $1, $2, unnest($3::bytea[])`,
      [tenant, subject, codes.map((code) => sha256(plain(code)))],
    )
    return codes
  }

  /** Uses a code up, however it was typed. */
  async use(rows: Rows, tenant: TenantId, subject: Subject, code: string): Promise<boolean> {
    const used = await rows.query(
      `delete from identity.recovery_code where tenant = $1 and subject = $2 and sha256 = $3
       returning subject`,
      [tenant, subject, sha256(plain(code))],
    )
    return used.length > 0
  }

  async removeAll(rows: Rows, tenant: TenantId, subject: Subject): Promise<void> {
    await rows.query('delete from identity.recovery_code where tenant = $1 and subject = $2', [
      tenant,
      subject,
    ])
  }
}

function newCode(): string {
  let bits = 0n
  for (const byte of randomBytes(CODE_BYTES)) bits = (bits << 8n) | BigInt(byte)
  const characters = Array.from({ length: (CODE_BYTES * 8) / BITS }, (_, at) => {
    return ALPHABET[Number((bits >> BigInt(at * BITS)) & 31n)] ?? ''
  })
  return (characters.join('').match(GROUP) ?? []).join('-')
}

/** As it was made: what is taken for one another when it is read counts as that. */
const plain = (code: string) =>
  code.slice(0, 100).toUpperCase().replace(/[\s-]/g, '').replace(/[IL]/g, '1').replaceAll('O', '0')
